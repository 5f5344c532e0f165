/** Which source of a condition wins in a project, and what changes when that is changed. */
import type { DataSource, EntityManager } from 'typeorm';
import { selectOne } from '../../graphql/select.js';
import { connectionOf } from '../../platform/database/connection.js';
import { ShingoError } from '../../platform/error.js';
import { ConditionSource } from '../vocabulary.js';
import { Project, type ConditionPrecedence } from './project.js';

const { LABEL, PERIOD, DERIVED, SENSOR } = ConditionSource;
/** The sources that there are, in the order that a project starts with. */
export const SOURCES: ConditionPrecedence = {
  weather: [LABEL, PERIOD],
  timeOfDay: [LABEL, DERIVED, SENSOR],
  scene: [LABEL],
  darkness: [SENSOR, DERIVED],
};

export interface PrecedenceChange {
  project: Project;
  /** Images of which a resolved value or its source is another now. */
  imagesChanged: number;
}

/**
 * Whoever changes what a source says takes this before any place or image: then no two wait for each other in a circle
 * with a change of precedence, which holds the project and waits for images.
 */
export async function holdPrecedence(manager: EntityManager, projectOfPlace: string): Promise<void> {
  await manager.query(
    `/* project.holdPrecedence */ SELECT 1 FROM project
     WHERE id = (SELECT project_id FROM place WHERE id = $1) FOR KEY SHARE`,
    [projectOfPlace],
  );
}

/**
 * One transaction, exactly the images whose answer changes. Lists left out stay.
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT
 */
export async function setConditionPrecedence(
  db: DataSource,
  projectUuid: string,
  change: Partial<Record<keyof ConditionPrecedence, ConditionSource[] | null>>,
): Promise<PrecedenceChange> {
  for (const [name, sources] of Object.entries(change)) {
    if (sources) check(name as keyof ConditionPrecedence, sources);
  }
  return db.transaction(async (manager) => {
    // A million images: ten minutes, as for a data set version.
    await (await connectionOf(manager)).allow(600_000);
    // FOR UPDATE waits for every transaction that has resolved an image by the old precedence (image_resolve).
    await manager.query('/* project.lock */ SELECT 1 FROM project WHERE id = $1 FOR UPDATE', [projectUuid]);
    await manager.query(
      `/* project.setPrecedence */ UPDATE project SET weather_precedence = coalesce($2, weather_precedence),
         time_of_day_precedence = coalesce($3, time_of_day_precedence),
         scene_precedence = coalesce($4, scene_precedence),
         darkness_precedence = coalesce($5, darkness_precedence) WHERE id = $1`,
      [
        projectUuid,
        change.weather ?? null,
        change.timeOfDay ?? null,
        change.scene ?? null,
        change.darkness ?? null,
      ],
    );
    // Any resolved column in SET wakes the trigger, which resolves all of them.
    const [, imagesChanged] = await manager.query(
      `/* project.resolveImages */ UPDATE image i SET weather_source = NULL FROM project p
       WHERE p.id = $1 AND i.project_id = p.id AND (
         i.weather_source IS DISTINCT FROM resolving_source(p.weather_precedence, i.weather_label, i.weather_period, NULL, NULL)
         OR i.time_of_day_source IS DISTINCT FROM resolving_source(
           p.time_of_day_precedence, i.time_of_day_label, NULL, i.time_of_day_derived, i.time_of_day_sensor)
         OR i.scene_source IS DISTINCT FROM resolving_source(p.scene_precedence, i.scene_label, NULL, NULL, NULL)
         OR i.darkness_source IS DISTINCT FROM resolving_source(
           p.darkness_precedence, NULL, NULL, i.sun_altitude::text, i.darkness_sensor::text))`,
      [projectUuid],
    );
    return { project: (await selectOne(manager, Project, projectUuid)) as Project, imagesChanged };
  });
}

function check(name: keyof ConditionPrecedence, sources: ConditionSource[]): void {
  const known = SOURCES[name];
  const wrong = sources.find((source, index) => !known.includes(source) || sources.indexOf(source) !== index);
  if (wrong === undefined && sources.length > 0) return;
  throw new ShingoError(
    'BAD_USER_INPUT',
    `${name} takes ${known.join(', ')}, each at most once, at least one of them.`,
    400,
    [name],
  );
}
