import type { DataSource, EntityManager } from 'typeorm';
import { parseGlobalId, uuidOf } from '../../graphql/node.js';
import { selectOne } from '../../graphql/select.js';
import { isUniqueViolation } from '../../platform/database/errors.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { STANDARD_CONDITIONS } from '../condition/condition.js';
import { insertStandardProtocols } from '../../experiments/protocol/standard.js';
import { insertCondition } from '../condition/conditionService.js';
import { Project } from './project.js';

type Db = DataSource | EntityManager;

/**
 * A project is named by its global id or, as people do, by its unique name.
 * @throws ShingoError NOT_FOUND, INVALID_ID (the id of something else)
 */
export async function projectUuid(db: Db, idOrName: string): Promise<string> {
  const uuid = parseGlobalId(idOrName) ? uuidOf('Project', idOrName) : null;
  const rows: { id: string }[] = await db.query(
    '/* project.resolve */ SELECT id FROM project WHERE id = $1 OR ($1 IS NULL AND name = $2)',
    [uuid, idOrName],
  );
  if (rows[0]) return rows[0].id;
  throw new ShingoError(
    'NOT_FOUND',
    `There is no project with the id or name ${JSON.stringify(idOrName.slice(0, 200))}.`,
    404,
  );
}

/** A project with its standard conditions and evaluation protocols, in one transaction. @throws ShingoError NAME_TAKEN */
export async function createProject(
  db: DataSource,
  input: { name: string; description?: string | null },
): Promise<Project> {
  const uuid = newId();
  return db.transaction(async (manager) => {
    await named(input.name, () =>
      manager.query('/* project.create */ INSERT INTO project (id, name, description) VALUES ($1, $2, $3)', [
        uuid,
        input.name,
        input.description ?? '',
      ]),
    );
    for (const condition of STANDARD_CONDITIONS) await insertCondition(manager, uuid, condition);
    await insertStandardProtocols(manager, uuid);
    return (await selectOne(manager, Project, uuid)) as Project;
  });
}

/** @throws ShingoError NOT_FOUND, NAME_TAKEN */
export async function updateProject(
  db: DataSource,
  uuid: string,
  change: { name?: string | null; description?: string | null },
): Promise<Project> {
  await named(change.name ?? '', () =>
    db.query(
      `/* project.update */ UPDATE project SET name = coalesce($2, name), description = coalesce($3, description)
       WHERE id = $1`,
      [uuid, change.name ?? null, change.description ?? null],
    ),
  );
  return (await selectOne(db, Project, uuid)) as Project;
}

async function named(name: string, work: () => Promise<unknown>): Promise<void> {
  if (parseGlobalId(name))
    throw new ShingoError('BAD_USER_INPUT', 'This name reads like an id.', 400, ['name']);
  try {
    await work();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new ShingoError('NAME_TAKEN', `There is a project named ${JSON.stringify(name)} already.`, 409, [
      'name',
    ]);
  }
}
