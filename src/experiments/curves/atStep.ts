/** One point of a series: that of a step. By its blocks, since no index knows steps. */
import type { DataSource, EntityManager } from 'typeorm';
import { EVENT_COLUMNS, type EventRow } from '../events/event.js';
import { toMetric } from '../events/toMetric.js';
import type { Metric } from '../metric.js';

export interface StepOf {
  experimentUuid: string;
  seriesId: number;
  step: number;
  /** The point at that step that has this value (the first of them); missing: the newest at that step. */
  value?: number;
}

const keyOf = ({ experimentUuid, seriesId, step, value }: StepOf) =>
  [experimentUuid, seriesId, step, value ?? ''].join(' ');

/** One statement, however many are asked for. Null: there is none. */
export async function metricsAt(
  db: DataSource | EntityManager,
  wanted: readonly StepOf[],
): Promise<(Metric | null)[]> {
  if (wanted.length === 0) return [];
  // Of two that are the same one is enough.
  const asked = [...new Map(wanted.map((one) => [keyOf(one), one])).values()];
  // Of a block, or of what is in none yet: 256 points, read by their key and never joined with all that there are.
  const within = (bounds: string) => `CROSS JOIN LATERAL (SELECT e.* FROM experiment_event e
    WHERE e.experiment_id = w.experiment_id AND e.series_id = w.series_id AND ${bounds} AND e.step = w.step
      AND (w.value IS NULL OR e.value = w.value) OFFSET 0) e`;
  const rows: (EventRow & { place: number })[] = await db.query(
    `/* curve.atStep */ WITH w AS (
       SELECT *, (place - 1)::int AS at FROM unnest($1::uuid[], $2::int[], $3::int[], $4::float8[]) WITH ORDINALITY
         AS w(experiment_id, series_id, step, value, place)),
     found AS (
       SELECT e.*, w.at, w.value AS asked FROM w
         JOIN metric_block b ON b.experiment_id = w.experiment_id AND b.series_id = w.series_id
           AND w.step BETWEEN b.low_step AND b.high_step
         ${within('e.seq BETWEEN b.first_seq AND b.last_seq')}
       UNION ALL
       SELECT e.*, w.at, w.value FROM w
         CROSS JOIN LATERAL (SELECT coalesce((SELECT b.last_seq FROM metric_block b
           WHERE b.experiment_id = w.experiment_id AND b.series_id = w.series_id ORDER BY b.block DESC LIMIT 1), 0) AS seq) tail
         ${within('e.seq > tail.seq')})
     SELECT DISTINCT ON (at) at AS place, ${EVENT_COLUMNS} FROM found
     ORDER BY at, CASE WHEN asked IS NULL THEN -seq ELSE seq END`,
    [
      asked.map((one) => one.experimentUuid),
      asked.map((one) => one.seriesId),
      asked.map((one) => one.step),
      asked.map(({ value }) => (value === undefined ? null : String(value))),
    ],
  );
  const found = new Map(rows.map((row) => [keyOf(asked[row.place] as StepOf), toMetric(row)]));
  return wanted.map((one) => found.get(keyOf(one)) ?? null);
}
