/**
 * How often two evaluations answered so and so to the same truths. Grouped by all that a slice can ask for, so that one
 * statement serves every slice: with 4 classes, 5 sizes and 30 combinations of conditions at most 12,000 rows.
 */
import type { DataSource, EntityManager } from 'typeorm';
import type { Pair } from './pair.js';
import type { PairCounts, Slice } from './slice.js';

export interface TallyRow {
  /** Places in Pair.conditionNames. */
  conditions: number[];
  label: string;
  sizeBin: number | null;
  /** What each said; null: it found nothing. */
  a: string | null;
  b: string | null;
  n: number;
}

/** Of LIGHT_STATE: one row a light in both. */
export async function tallyStates(
  db: DataSource | EntityManager,
  { a, b, protocol }: Pair,
): Promise<TallyRow[]> {
  return db.query(
    `/* compare.tally */ SELECT a.conditions, ($3::text[])[a.actual + 1] AS label,
       width_bucket(a.width::float8, $5::float8[])::int AS "sizeBin",
       ($3::text[])[a.predicted + 1] AS a, ($4::text[])[b.predicted + 1] AS b, count(*)::int AS n
     FROM evaluation_prediction a
     JOIN evaluation_prediction b ON b.evaluation_id = $2 AND b.sha256 = a.sha256 AND b.light = a.light
     WHERE a.evaluation_id = $1 GROUP BY 1, 2, 3, 4, 5`,
    [a.uuid, b.uuid, a.classes, b.classes, protocol.sizeBounds],
  );
}

/** Is an answer right? null: the question is not asked of this truth. */
export type Rule = (label: string, answer: string | null) => boolean | null;

/**
 * The shares that pair: of each truth each side is right or wrong. Null: the metric is not of that kind.
 * - accuracy, and recall of a class: the answer is the label;
 * - red_as_green: right is whatever is not GREEN, asked of RED.
 */
export function ruleOf({ metric, class: only }: Slice): Rule | null {
  const asked = (label: string) => only === null || label === only;
  switch (metric) {
    case 'accuracy':
      return (label, answer) => (asked(label) ? answer === label : null);
    case 'recall':
      return only === null ? null : (label, answer) => (asked(label) ? answer === label : null);
    case 'red_as_green':
      return (label, answer) => (label === 'RED' ? answer !== 'GREEN' : null);
    default:
      return null;
  }
}

/** @param condition place in Pair.conditionNames; null: the whole split */
export function countPairs(
  rows: readonly TallyRow[],
  rule: Rule,
  condition: number | null,
  sizeBin: number | null,
): PairCounts {
  const counts = { both: 0, onlyA: 0, onlyB: 0, neither: 0 };
  for (const row of rows) {
    if (condition !== null && !row.conditions.includes(condition)) continue;
    if (sizeBin !== null && row.sizeBin !== sizeBin) continue;
    const [a, b] = [rule(row.label, row.a), rule(row.label, row.b)];
    if (a === null || b === null) continue;
    counts[a ? (b ? 'both' : 'onlyA') : b ? 'onlyB' : 'neither'] += row.n;
  }
  return counts;
}
