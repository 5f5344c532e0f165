/** The first rows that belong to each of several parents, in one statement however many parents there are. */
import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../platform/error.js';
import type { Loaders } from './context.js';
import { columnsOf, hydrate } from './select.js';

export const MAX_CHILDREN = 500;

/** Of the argument `first`. */
export const FIRST = { defaultValue: 50, description: `At most ${MAX_CHILDREN}.` };

export interface Children<T extends object> {
  /** Of the statement, e.g. experiment.forks. */
  name: string;
  entity: abstract new (...args: never[]) => T;
  /** FROM and WHERE: the rows as `t`, the parent's UUID as `wanted.id`. */
  from: string;
  /** Without it: the newest first. */
  order?: string;
  /** What else `from` refers to: $3 and so on. */
  parameters?: unknown[];
}

/** @throws ShingoError BAD_USER_INPUT */
export async function childrenOf<T extends object>(
  { load, db }: { load: Loaders; db: DataSource | EntityManager },
  { name, entity, from, order = 't.id DESC', parameters = [] }: Children<T>,
  uuid: string,
  first: number,
): Promise<T[]> {
  if (first < 0 || first > MAX_CHILDREN)
    throw new ShingoError('BAD_USER_INPUT', `first is 0 to ${MAX_CHILDREN}.`, 400, ['first']);
  const batch = load.batch(`${name}:${JSON.stringify([first, parameters])}`, async (uuids) => {
    const rows: ({ _parent: string } & Record<string, unknown>)[] = await db.query(
      `/* ${name} */ SELECT wanted.id AS "_parent", t.* FROM unnest($1::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
         SELECT ${columnsOf(db, entity)}, row_number() OVER (ORDER BY ${order}) AS "_place"
         FROM ${from} ORDER BY ${order} LIMIT $2) t ORDER BY t."_place"`,
      [uuids, first, ...parameters],
    );
    const found = Map.groupBy(rows, (row) => row._parent);
    return uuids.map((parent) => (found.get(parent) ?? []).map((row) => hydrate(db, entity, row)));
  });
  return batch.load(uuid);
}
