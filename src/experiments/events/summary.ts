/** What is kept of each series beside its points: last, least and greatest, so that a list of experiments reads no points. */
import type { EntityManager } from 'typeorm';

export interface Point {
  seriesId: number;
  seq: number;
  step: number;
  value: number;
  time: Date;
}

interface Summary {
  seriesId: number;
  points: number;
  firstSeq: number;
  lastSeq: number;
  last: Point;
  min: Point | null;
  max: Point | null;
}

/** Of points in the order of their seq. The last: of the greatest step, and there the newest. NaN is never least or greatest. */
export function summarize(points: readonly Point[]): Summary[] {
  const summaries = new Map<number, Summary>();
  for (const point of points) {
    const { seriesId, seq, step, value } = point;
    let all = summaries.get(seriesId);
    if (!all) {
      all = { seriesId, points: 0, firstSeq: seq, lastSeq: seq, last: point, min: null, max: null };
      summaries.set(seriesId, all);
    }
    all.points++;
    all.lastSeq = seq;
    if (step >= all.last.step) all.last = point;
    if (Number.isNaN(value)) continue;
    if (!all.min || value < all.min.value) all.min = point;
    if (!all.max || value > all.max.value) all.max = point;
  }
  // In one order: transactions of one experiment wait at its row, but a lock order costs nothing.
  return [...summaries.values()].sort((a, b) => a.seriesId - b.seriesId);
}

/** PostgreSQL's arrays and JSON carry NaN and infinities as text. */
export const numberText = (value: number | null | undefined): string | null =>
  value === null || value === undefined ? null : String(value);

/** One statement. Returns the series that have filled a block of `size` points with these. */
export async function updateSummaries(
  manager: EntityManager,
  experimentUuid: string,
  summaries: readonly Summary[],
  size: number,
): Promise<number[]> {
  const rows: { series_id: number }[] = await manager.query(
    `/* series.summarize */ WITH kept AS (
       INSERT INTO experiment_metric AS m (experiment_id, series_id, points, first_seq, last_seq, last_step, last_value,
         last_time, min_value, min_step, max_value, max_step)
       SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[], $7::float8[],
         $8::timestamptz[], $9::float8[], $10::int[], $11::float8[], $12::int[])
       ON CONFLICT (experiment_id, series_id) DO UPDATE SET points = m.points + excluded.points,
         last_seq = excluded.last_seq, last_step = greatest(m.last_step, excluded.last_step),
         last_value = CASE WHEN excluded.last_step >= m.last_step THEN excluded.last_value ELSE m.last_value END,
         last_time = CASE WHEN excluded.last_step >= m.last_step THEN excluded.last_time ELSE m.last_time END,
         -- Null, where all were NaN, gives way; of equal ones the first stays.
         min_step = CASE WHEN m.min_value <= excluded.min_value THEN m.min_step ELSE coalesce(excluded.min_step, m.min_step) END,
         min_value = least(m.min_value, excluded.min_value),
         max_step = CASE WHEN m.max_value >= excluded.max_value THEN m.max_step ELSE coalesce(excluded.max_step, m.max_step) END,
         max_value = greatest(m.max_value, excluded.max_value)
       RETURNING series_id, points)
     SELECT kept.series_id FROM kept JOIN unnest($2::int[], $3::bigint[]) AS new(series_id, points) USING (series_id)
     WHERE kept.points / $13 > (kept.points - new.points) / $13`,
    [
      experimentUuid,
      summaries.map((one) => one.seriesId),
      summaries.map((one) => one.points),
      summaries.map((one) => one.firstSeq),
      summaries.map((one) => one.lastSeq),
      summaries.map((one) => one.last.step),
      summaries.map((one) => numberText(one.last.value)),
      summaries.map((one) => one.last.time),
      summaries.map((one) => numberText(one.min?.value)),
      summaries.map((one) => one.min?.step ?? null),
      summaries.map((one) => numberText(one.max?.value)),
      summaries.map((one) => one.max?.step ?? null),
      size,
    ],
  );
  return rows.map((row) => row.series_id);
}
