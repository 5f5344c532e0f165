/** Parameters as rows: a group, such as augmentation, becomes one row for each of its members, with a dot between. */
import type { EntityManager } from 'typeorm';

export type StoredValue = number | string | boolean | null;

/** One of the five at most is not null. */
export interface TypedParameter {
  name: string;
  number: number | null;
  text: string | null;
  boolean: boolean | null;
  numbers: number[] | null;
  texts: string[] | null;
}

export function flatten(parameters: object): Record<string, StoredValue> {
  const flat: Record<string, StoredValue> = {};
  for (const [name, value] of Object.entries(parameters) as [string, StoredValue | object][]) {
    if (value !== null && typeof value === 'object')
      for (const [inner, one] of Object.entries(value)) flat[`${name}.${inner}`] = one as StoredValue;
    else flat[name] = value;
  }
  return flat;
}

/** The inverse; only the first dot separates, a condition's name may hold more. */
export function unflatten(flat: Iterable<[string, StoredValue]>): Record<string, unknown> {
  const parameters: Record<string, unknown> = {};
  for (const [name, value] of flat) {
    const dot = name.indexOf('.');
    if (dot < 0) parameters[name] = value;
    else {
      const group = (parameters[name.slice(0, dot)] ??= {}) as Record<string, StoredValue>;
      group[name.slice(dot + 1)] = value;
    }
  }
  return parameters;
}

export function typed(flat: Record<string, StoredValue>): TypedParameter[] {
  return Object.entries(flat).map(([name, value]) => ({
    name,
    number: typeof value === 'number' ? value : null,
    text: typeof value === 'string' ? value : null,
    boolean: typeof value === 'boolean' ? value : null,
    numbers: null,
    texts: null,
  }));
}

/** Returns the names of those that are there already with another value, which stays. */
export async function insertParameters(
  manager: EntityManager,
  experimentUuid: string,
  parameters: readonly TypedParameter[],
): Promise<string[]> {
  // No arrays of arrays: PostgreSQL's have one length.
  const rows: { name: string }[] = await manager.query(
    `/* experiment.setParameters */ WITH given AS (SELECT * FROM jsonb_to_recordset($2::jsonb)
       AS p (name text, number float8, text text, boolean boolean, numbers float8[], texts text[])),
     made AS (INSERT INTO experiment_parameter (experiment_id, name, number, text, boolean, numbers, texts)
       SELECT $1, * FROM given ON CONFLICT DO NOTHING)
     SELECT p.name FROM experiment_parameter p JOIN given USING (name) WHERE p.experiment_id = $1
       AND (p.number, p.text, p.boolean, p.numbers, p.texts)
         IS DISTINCT FROM (given.number, given.text, given.boolean, given.numbers, given.texts) ORDER BY p.name`,
    [experimentUuid, JSON.stringify(parameters)],
  );
  return rows.map((row) => row.name);
}
