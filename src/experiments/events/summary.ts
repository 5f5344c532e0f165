/** What is kept of each series beside its points: last, least and greatest, so that a list of experiments reads no points. */
import type { EntityManager } from 'typeorm';
import { binaryArray, binaryTimes } from '../../platform/database/binaryArray.js';
import { BLOCK_POINTS, type Filled } from './blocks.js';
import type { Points } from './points.js';

interface Point {
  step: number;
  value: number;
  time: Date;
}

export interface Summary {
  seriesId: number;
  points: number;
  firstSeq: number;
  lastSeq: number;
  last: Point;
  min: Point | null;
  max: Point | null;
}

/**
 * Of points in the order of their seqs. The last: of the greatest step, and there the newest. NaN is never least or
 * greatest; of equal ones the first counts.
 */
export function summarize(
  { of, steps, values, times }: Points,
  { ids, seqs, now }: { ids: readonly number[]; seqs: readonly number[]; now: Date },
): Summary[] {
  const summaries: Summary[] = [];
  const bySeries: (Summary | undefined)[] = [];
  for (let i = 0; i < of.length; i++) {
    const point = { step: steps[i]!, value: values[i]!, time: times?.[i] ?? now };
    const seq = seqs[i]!;
    let all = bySeries[of[i]!];
    if (!all) {
      const seriesId = ids[of[i]!]!;
      all = { seriesId, points: 0, firstSeq: seq, lastSeq: seq, last: point, min: null, max: null };
      summaries.push((bySeries[of[i]!] = all));
    }
    all.points++;
    all.lastSeq = seq;
    if (point.step >= all.last.step) all.last = point;
    if (Number.isNaN(point.value)) continue;
    if (!all.min || point.value < all.min.value) all.min = point;
    if (!all.max || point.value > all.max.value) all.max = point;
  }
  return summaries;
}

/** One statement. Returns the series that have filled a block with these. */
export async function updateSummaries(
  manager: EntityManager,
  experimentUuid: string,
  summaries: readonly Summary[],
): Promise<Filled[]> {
  const column = (type: 'int4' | 'int8' | 'float8', of: (one: Summary) => number | null) =>
    binaryArray(type, summaries.map(of));
  const rows: { series_id: number; block: number | null; last_seq: number | null }[] = await manager.query(
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
     SELECT kept.series_id, written.block, written.last_seq
     FROM kept JOIN unnest($2::int[], $3::bigint[]) AS new(series_id, points) USING (series_id)
       LEFT JOIN LATERAL (SELECT b.block, b.last_seq FROM metric_block b
         WHERE b.experiment_id = $1 AND b.series_id = kept.series_id ORDER BY b.block DESC LIMIT 1) written ON true
     WHERE kept.points / $13 > (kept.points - new.points) / $13`,
    [
      experimentUuid,
      column('int4', (one) => one.seriesId),
      column('int8', (one) => one.points),
      column('int8', (one) => one.firstSeq),
      column('int8', (one) => one.lastSeq),
      column('int4', (one) => one.last.step),
      column('float8', (one) => one.last.value),
      binaryTimes(summaries.map((one) => one.last.time)),
      column('float8', (one) => one.min?.value ?? null),
      column('int4', (one) => one.min?.step ?? null),
      column('float8', (one) => one.max?.value ?? null),
      column('int4', (one) => one.max?.step ?? null),
      BLOCK_POINTS,
    ],
  );
  return rows.map(({ series_id, block, last_seq }) => ({
    seriesId: series_id,
    blocks: (block ?? -1) + 1,
    lastSeq: last_seq ?? 0,
  }));
}
