import type { DataSource, EntityManager } from 'typeorm';
import { compileWhere, Parameters, type Where } from '../../graphql/list/where.js';
import { selectByKey, selectOne } from '../../graphql/select.js';
import { isUniqueViolation } from '../../platform/database/errors.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { imageFields } from '../image/imageFields.js';
import { ConditionSource } from '../vocabulary.js';
import { Condition, ConditionVersion } from './condition.js';

type Db = DataSource | EntityManager;

export const MAX_CONDITIONS = 100;

export interface NewCondition {
  name: string;
  description?: string | null;
  filter: Where;
}

/** The conditions of a project, by name. */
export async function conditionsOf(db: Db, projectUuid: string): Promise<Condition[]> {
  const rows = await selectByKey(db, Condition, 'project_id', [projectUuid], 'name');
  return rows.get(projectUuid) ?? [];
}

/**
 * Resolves `condition: "night"` within a filter.
 * @returns a function that throws ShingoError CONDITION_UNKNOWN
 */
export async function conditionFilters(
  db: Db,
  projectUuid: string,
  where: unknown,
): Promise<(name: string) => Where> {
  // Most filters name no condition: then nothing is read.
  const known = JSON.stringify(where ?? null).includes('"condition"')
    ? await conditionsOf(db, projectUuid)
    : [];
  return (name) => {
    const found = known.find((condition) => condition.name === name);
    if (found) return found.filter;
    const names = known.map((condition) => condition.name).join(', ');
    throw new ShingoError(
      'CONDITION_UNKNOWN',
      `There is no condition ${JSON.stringify(name)}; there are ${names}.`,
    );
  };
}

/** For what is to be filtered later. @throws ShingoError FILTER_INVALID, CONDITION_UNKNOWN, INVALID_ID */
export async function checkFilter(db: Db, projectUuid: string, where: Where | null): Promise<void> {
  const condition = await conditionFilters(db, projectUuid, where);
  compileWhere(imageFields(), where, { parameters: new Parameters(), condition });
}

/** @throws ShingoError FILTER_INVALID, NAME_TAKEN, BAD_USER_INPUT */
export async function insertCondition(
  manager: EntityManager,
  projectUuid: string,
  input: NewCondition,
): Promise<string> {
  const filter = checkedFilter(input.filter);
  if (!/^[a-z][a-z0-9_-]{0,62}$/.test(input.name) || input.name === 'all') {
    throw new ShingoError(
      'BAD_USER_INPUT',
      'A condition is named in small letters, digits, - and _ (a letter first, at most 63), and not "all".',
      400,
      ['name'],
    );
  }
  await checkRoom(manager, projectUuid);
  const uuid = newId();
  try {
    await manager.query(
      `/* condition.create */ WITH made AS (
         INSERT INTO condition (id, project_id, name, description, filter) VALUES ($1, $2, $3, $4, $5) RETURNING *
       ) INSERT INTO condition_version (condition_id, version, filter) SELECT id, version, filter FROM made`,
      [uuid, projectUuid, input.name, input.description ?? '', JSON.stringify(filter)],
    );
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new ShingoError('NAME_TAKEN', `There is a condition named ${input.name} already; update it.`, 409, [
      'name',
    ]);
  }
  return uuid;
}

/** Memberships are computed for all conditions at once, so their number has a bound. */
async function checkRoom(manager: EntityManager, projectUuid: string): Promise<void> {
  const [{ n }] = await manager.query(
    '/* condition.count */ SELECT count(*)::int AS n FROM condition WHERE project_id = $1',
    [projectUuid],
  );
  if (n < MAX_CONDITIONS) return;
  throw new ShingoError('BAD_USER_INPUT', `A project has at most ${MAX_CONDITIONS} conditions.`, 400, [
    'name',
  ]);
}

export async function createCondition(
  db: DataSource,
  projectUuid: string,
  input: NewCondition,
): Promise<Condition> {
  return db.transaction(async (manager) => {
    const uuid = await insertCondition(manager, projectUuid, input);
    return (await selectOne(manager, Condition, uuid)) as Condition;
  });
}

/** A changed filter is a new version; the old one stays for those who used it. */
export async function updateCondition(
  db: DataSource,
  uuid: string,
  change: { description?: string | null; filter?: Where | null },
): Promise<Condition> {
  const filter = change.filter ? JSON.stringify(checkedFilter(change.filter)) : null;
  await db.query(
    `/* condition.update */ WITH changed AS (
       UPDATE condition SET description = coalesce($2, description), filter = coalesce($3::jsonb, filter),
         version = version + CASE WHEN $3::jsonb IS DISTINCT FROM filter AND $3 IS NOT NULL THEN 1 ELSE 0 END
       WHERE id = $1 RETURNING id, version, filter
     ) INSERT INTO condition_version (condition_id, version, filter) SELECT * FROM changed ON CONFLICT DO NOTHING`,
    [uuid, change.description ?? null, filter],
  );
  const condition = await selectOne(db, Condition, uuid);
  if (!condition) throw new ShingoError('NOT_FOUND', 'There is no such condition.', 404, ['id']);
  return condition;
}

/** Plain JSON of a filter that compiles and names no condition (so conditions cannot form a circle). */
function checkedFilter(filter: Where): Where {
  compileWhere(imageFields(), filter, { parameters: new Parameters() });
  return JSON.parse(JSON.stringify(filter)) as Where;
}

export interface ImageCondition {
  condition: Condition;
  sources: ConditionSource[];
}

/**
 * The conditions that each of these images is in, each with the sources of the values that its filter looks at.
 * One statement for all images of a project.
 */
export async function conditionsOfImages(
  db: Db,
  projectUuid: string,
  images: readonly string[],
): Promise<ImageCondition[][]> {
  const conditions = await conditionsOf(db, projectUuid);
  const parameters = new Parameters();
  const memberships = membershipSql(conditions, parameters);
  const rows: ({ id: string; member: boolean[] } & Sources)[] = await db.query(
    `/* condition.ofImages */ SELECT t.id, ${memberships} AS member, t.weather_source AS weather,
       t.time_of_day_source AS "timeOfDay", t.scene_source AS scene, t.darkness_source AS darkness
     FROM image t WHERE t.id = ANY(${parameters.add(images, 'uuid[]')})`,
    parameters.values,
  );
  const byImage = new Map(rows.map((row) => [row.id, row]));
  return images.map((image) => {
    const row = byImage.get(image);
    if (!row) return [];
    return conditions
      .filter((_, index) => row.member[index])
      .map((condition) => ({ condition, sources: sourcesOf(condition.filter, row) }));
  });
}

/** `ARRAY[…]` of one boolean a condition, for rows of image `t`. */
export function membershipSql(
  conditions: Pick<Condition, 'filter'>[],
  parameters: Parameters,
  condition?: (name: string) => Where,
): string {
  const tests = conditions.map(
    ({ filter }) =>
      `(${compileWhere(imageFields(), filter, { parameters, ...(condition && { condition }) })}) IS TRUE`,
  );
  return `ARRAY[${tests.join(', ')}]::boolean[]`;
}

/** By what each resolved value of an image came to be. */
type Sources = Record<'weather' | 'timeOfDay' | 'scene' | 'darkness', ConditionSource | null>;

function sourcesOf(filter: Where, row: Sources): ConditionSource[] {
  const text = JSON.stringify(filter);
  const sources = (['weather', 'timeOfDay', 'scene', 'darkness'] as const).map((name) =>
    text.includes(`"${name}":`) ? row[name] : null,
  );
  if (text.includes('"brightness":')) sources.push(ConditionSource.SENSOR);
  if (text.includes('"sunAltitude":')) sources.push(ConditionSource.DERIVED);
  return [...new Set(sources.filter((source) => source !== null))];
}

/** Newest first; at most `limit`. One statement for all of these conditions. */
export async function versionsOfConditions(
  db: Db,
  conditions: readonly string[],
  limit: number,
): Promise<ConditionVersion[][]> {
  const rows: (ConditionVersion & { condition_id: string })[] = await db.query(
    `/* condition.versions */ SELECT v.condition_id, v.version, v.filter, v.created_at AS "createdAt"
     FROM unnest($1::uuid[]) AS c(id), LATERAL (
       SELECT * FROM condition_version WHERE condition_id = c.id ORDER BY version DESC LIMIT $2) v
     ORDER BY v.version DESC`,
    [conditions, limit],
  );
  const found = Map.groupBy(rows, (row) => row.condition_id);
  return conditions.map((condition) =>
    (found.get(condition) ?? []).map((row) => Object.assign(new ConditionVersion(), row)),
  );
}

export interface Overlaps {
  images: number;
  /** Images in no condition. */
  none: number;
  /** Each pair once, a condition with itself included. */
  pairs: { a: Condition; b: Condition; images: number; either: number }[];
}

/** One pass over the images: they are grouped by the set of conditions that they are in. */
export async function conditionOverlaps(
  db: Db,
  projectUuid: string,
  where: Where | null | undefined,
): Promise<Overlaps> {
  const conditions = await conditionsOf(db, projectUuid);
  const named = await conditionFilters(db, projectUuid, where);
  const parameters = new Parameters();
  const member = membershipSql(conditions, parameters);
  const project = parameters.add(projectUuid, 'uuid');
  const groups: { member: boolean[]; images: number }[] = await db.query(
    `/* condition.overlaps */ SELECT ${member} AS member, count(*)::int AS images FROM image t
     WHERE t.project_id = ${project} AND ${compileWhere(imageFields(), where, { parameters, condition: named })}
     GROUP BY 1`,
    parameters.values,
  );
  const count = (holds: (member: boolean[]) => boolean) =>
    groups.reduce((sum, group) => sum + (holds(group.member) ? group.images : 0), 0);
  return {
    images: count(() => true),
    none: count((member) => !member.includes(true)),
    pairs: conditions.flatMap((a, i) =>
      conditions.slice(i).map((b, k) => ({
        ...{ a, b },
        images: count((member) => Boolean(member[i] && member[i + k])),
        either: count((member) => Boolean(member[i] || member[i + k])),
      })),
    ),
  };
}
