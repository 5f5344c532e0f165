/** Reads figures: cells by filter, and the details of slices. One statement for any number of evaluations. */
import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../platform/error.js';
import { CellState, EvaluationCell } from './cell.js';

type Db = DataSource | EntityManager;

/** What is left out is not filtered; null in a list asks for "over all of them". */
export interface CellFilter {
  metrics?: readonly string[] | null | undefined;
  classes?: readonly (string | null)[] | null | undefined;
  conditions?: readonly (string | null)[] | null | undefined;
  sizeBins?: readonly (number | null)[] | null | undefined;
}

export const MAX_CELLS = 5000;

export interface Cell extends Omit<EvaluationCell, 'state'> {
  state: `${CellState}`;
}

/** A filter's list as SQL: `column` is among the values, or null where null is. */
const among = (column: string, values: string, withNull: string) =>
  `(${values} IS NULL OR ${column} = ANY (${values}) OR (${withNull} AND ${column} IS NULL))`;

/**
 * In the order of `evaluationUuids`, each at most `first`: by condition (the whole split first), metric, class, size.
 */
export async function cellsOf(
  db: Db,
  evaluationUuids: readonly string[],
  filter: CellFilter = {},
  first: number = MAX_CELLS,
): Promise<EvaluationCell[][]> {
  const { metrics = null, classes = null, conditions = null, sizeBins = null } = filter;
  const rows: (Record<string, unknown> & { uuid: string })[] = await db.query(
    `/* evaluation.cells */ SELECT e.id AS uuid, c.metric, c.class, c.condition,
       c.condition_version AS "conditionVersion", c.size_bin AS "sizeBin", c.value, c.n, c.lower, c.upper, c.method,
       CASE WHEN c.n < p.minimum_n THEN 'INSUFFICIENT_DATA' ELSE 'OK' END AS state
     FROM evaluation e JOIN evaluation_protocol p ON p.id = e.protocol_id CROSS JOIN LATERAL (
       SELECT * FROM evaluation_cell c WHERE c.evaluation_id = e.id AND ($2::text[] IS NULL OR c.metric = ANY ($2))
         AND ${among('c.class', '$3::text[]', '$4::boolean')}
         AND ${among('c.condition', '$5::text[]', '$6::boolean')}
         AND ${among('c.size_bin', '$7::smallint[]', '$8::boolean')}
       ORDER BY c.condition NULLS FIRST, c.condition_version, c.metric, c.class NULLS FIRST, c.size_bin NULLS FIRST
       LIMIT $9) c
     WHERE e.id = ANY ($1)`,
    [evaluationUuids, metrics, ...split(classes), ...split(conditions), ...split(sizeBins), first],
  );
  const found = Map.groupBy(rows, ({ uuid }) => uuid);
  return evaluationUuids.map((uuid) =>
    (found.get(uuid) ?? []).map(({ uuid: _, ...row }) => Object.assign(new EvaluationCell(), row)),
  );
}

const split = (values: readonly (string | number | null)[] | null) => [
  values?.filter((value) => value !== null) ?? null,
  values?.includes(null) ?? false,
];

/** @throws ShingoError BAD_USER_INPUT */
export function checkCellFilter(filter: CellFilter, first: number): void {
  const lists = Object.entries(filter).filter(([, list]) => (list?.length ?? 0) > 1000);
  for (const [name] of lists)
    throw new ShingoError('BAD_USER_INPUT', `${name} has at most 1,000 values.`, 400, [name]);
  if (first >= 1 && first <= MAX_CELLS) return;
  throw new ShingoError('BAD_USER_INPUT', `first is 1 to ${MAX_CELLS}.`, 400, ['first']);
}
