/** Things named as people name them: "project name/name", or "…@which" where a name has versions. */
import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../platform/error.js';
import { parseGlobalId, uuidOf } from './node.js';

export interface Referable {
  /** Of its global ids. */
  type: string;
  noun: string;
  /** What may be given beside an id, in words. */
  forms: string;
  /**
   * Gives rows with at least `uuid`. $1: the UUID or null; $2, $3: arrays of the names before and after a slash; with
   * `versions` also $4: what stands after the last @, and $5: the same if it is a number.
   */
  sql: string;
  versions?: true;
}

/**
 * The row of what is named by its global id or by names.
 * @throws ShingoError NOT_FOUND, INVALID_ID (the id of something else)
 */
export async function findReference<Row extends { uuid: string }>(
  db: DataSource | EntityManager,
  { type, noun, forms, sql, versions }: Referable,
  idOrReference: string,
  field?: string[],
): Promise<Row> {
  const uuid = parseGlobalId(idOrReference) ? uuidOf(type, idOrReference) : null;
  // Names may hold @: the last one counts.
  const [, names = '', which = ''] = versions
    ? (/^(.*)@([^@]*)$/s.exec(idOrReference.slice(0, 500)) ?? [])
    : [undefined, idOrReference];
  const more = versions ? [which, /^\d{1,9}$/.test(which) ? Number(which) : null] : [];
  const rows: Row[] = await db.query(sql, [uuid, ...namePairs(names), ...more]);
  if (rows[0]) return rows[0];
  throw new ShingoError(
    'NOT_FOUND',
    `There is no ${noun} ${JSON.stringify(idOrReference.slice(0, 200))}; give its id or ${forms}.`,
    404,
    field,
  );
}

/**
 * The same where whoever uses the UUID finds out whether it is there: an id costs no statement.
 * @throws ShingoError NOT_FOUND, INVALID_ID
 */
export async function referenceUuid(
  db: DataSource | EntityManager,
  referable: Referable,
  idOrReference: string,
  field?: string[],
): Promise<string> {
  if (parseGlobalId(idOrReference)) return uuidOf(referable.type, idOrReference);
  return (await findReference(db, referable, idOrReference, field)).uuid;
}

/** Both names may hold slashes, so each slash is tried as the one between them: what stands before each, and what after it. */
export function namePairs(reference: string): [before: string[], after: string[]] {
  const bounded = reference.slice(0, 500);
  const slashes = [...bounded.matchAll(/\//g)].map((match) => match.index);
  return [slashes.map((at) => bounded.slice(0, at)), slashes.map((at) => bounded.slice(at + 1))];
}
