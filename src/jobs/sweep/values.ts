/** What the trials of a sweep measured: the metric, condition and split that it looks at. */
import type { DataSource, EntityManager } from 'typeorm';

export interface Looked {
  metric: string;
  split: string;
  condition: string | null;
  maximize: boolean;
}

export interface TrialValue {
  step: number;
  value: number;
  n: number | null;
  lower: number | null;
  upper: number | null;
  method: string | null;
}

const NOT_FINITE = "e.value IN ('NaN', 'Infinity', '-Infinity')";

/**
 * By experiment, its best value or its last one; none: nothing of the kind was measured yet. What is not finite is worse
 * than anything that is.
 * @param upTo epoch
 */
export async function trialValues(
  db: DataSource | EntityManager,
  wanted: readonly ({ experiment: string } & Looked)[],
  which: 'best' | 'last',
  upTo: number | null = null,
): Promise<Map<string, TrialValue>> {
  const best = `${NOT_FINITE}, CASE WHEN wanted.maximize THEN -e.value ELSE e.value END, e.seq`;
  const rows: (TrialValue & { experiment: string })[] = await db.query(
    `/* sweep.${which} */ SELECT wanted.experiment, found.*
     FROM json_to_recordset($1::json) AS wanted (experiment uuid, metric text, split text, condition text, maximize boolean)
     JOIN experiment t ON t.id = wanted.experiment AND t.deleted_at IS NULL
     JOIN metric_series s ON s.project_id = t.project_id AND s.name = wanted.metric AND s.split = wanted.split
       AND s.condition IS NOT DISTINCT FROM wanted.condition AND s.class IS NULL
     CROSS JOIN LATERAL (
       SELECT step, value, n, lower, upper, method FROM experiment_event e
       WHERE e.experiment_id = t.id AND e.series_id = s.id AND ($2::int IS NULL OR e.step <= $2)
       ORDER BY ${which === 'last' ? 'e.seq DESC' : best} LIMIT 1) found`,
    [JSON.stringify(wanted), upTo],
  );
  return new Map(rows.map(({ experiment, ...value }) => [experiment, value]));
}

/** What of a sweep says where to look. */
export const looksAt = ({ metric, split, condition, maximize }: Looked): Looked => ({
  ...{ metric, split, condition, maximize },
});

/** Negative: `a` is better. What is missing or not finite comes last. */
export function compareValues(maximize: boolean, a?: TrialValue, b?: TrialValue): number {
  const of = (one?: TrialValue) =>
    one && Number.isFinite(one.value) ? (maximize ? -one.value : one.value) : Infinity;
  const [x, y] = [of(a), of(b)];
  return x === y ? 0 : x - y;
}
