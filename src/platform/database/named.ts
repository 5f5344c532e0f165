/** What project-owned, named rows (data sets, models) have in common: created and renamed in the same way. */
import type { DataSource } from 'typeorm';
import { isUniqueViolation } from './errors.js';
import { ShingoError } from '../error.js';
import { newId } from '../ids.js';

export interface Named {
  name: string;
  description?: string | null;
}

/** Returns the UUID. @throws ShingoError NAME_TAKEN */
export async function createNamed(
  db: DataSource,
  table: 'dataset' | 'model',
  projectUuid: string,
  input: Named,
): Promise<string> {
  const uuid = newId();
  await unique(table, input.name, () =>
    db.query(
      `/* ${table}.create */ INSERT INTO ${table} (id, project_id, name, description) VALUES ($1, $2, $3, $4)`,
      [uuid, projectUuid, input.name, input.description ?? ''],
    ),
  );
  return uuid;
}

/** What is missing or null stays. @throws ShingoError NOT_FOUND, NAME_TAKEN */
export async function updateNamed(
  db: DataSource,
  table: 'dataset' | 'model',
  uuid: string,
  change: Partial<Named>,
): Promise<void> {
  const [, changed]: [unknown, number] = await unique(table, change.name ?? '', () =>
    db.query(
      `/* ${table}.update */ UPDATE ${table} SET name = coalesce($2, name), description = coalesce($3, description)
       WHERE id = $1`,
      [uuid, change.name ?? null, change.description ?? null],
    ),
  );
  if (changed === 0) throw new ShingoError('NOT_FOUND', `There is no such ${table}.`, 404, ['id']);
}

async function unique<T>(table: string, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new ShingoError(
      'NAME_TAKEN',
      `The project has a ${table} named ${JSON.stringify(name)} already.`,
      409,
      ['name'],
    );
  }
}
