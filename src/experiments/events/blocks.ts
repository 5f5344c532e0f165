/**
 * Blocks of 256 points: a curve of a million points is read as 4,000 rows that keep its extremes. A block is written
 * once, when its last point has come, so that logging costs a row in 256 and not an update of a row with each batch;
 * the points after the last block are read as they are.
 */
import type { EntityManager } from 'typeorm';

export const BLOCK_POINTS = 256;

/** Writes the blocks that are full now. One statement, which reads no more than the points that it puts into blocks and 255 a series. */
export async function writeBlocks(
  manager: EntityManager,
  experimentUuid: string,
  seriesIds: readonly number[],
): Promise<void> {
  if (seriesIds.length === 0) return;
  await manager.query(
    `/* series.blocks */ INSERT INTO metric_block (experiment_id, series_id, block, first_seq, first_step, first_value,
       last_seq, last_step, last_value, low_step, high_step, min_seq, min_step, min_value, max_seq, max_step, max_value,
       nan_seq, nan_step)
     SELECT $1, series_id, block, min(seq), (array_agg(step ORDER BY seq))[1], (array_agg(value ORDER BY seq))[1],
       max(seq), (array_agg(step ORDER BY seq DESC))[1], (array_agg(value ORDER BY seq DESC))[1], min(step), max(step),
       (array_agg(seq ORDER BY value, seq) FILTER (WHERE value <> 'NaN'))[1],
       (array_agg(step ORDER BY value, seq) FILTER (WHERE value <> 'NaN'))[1],
       min(value) FILTER (WHERE value <> 'NaN'),
       (array_agg(seq ORDER BY value DESC, seq) FILTER (WHERE value <> 'NaN'))[1],
       (array_agg(step ORDER BY value DESC, seq) FILTER (WHERE value <> 'NaN'))[1],
       max(value) FILTER (WHERE value <> 'NaN'),
       min(seq) FILTER (WHERE value = 'NaN'), (array_agg(step ORDER BY seq) FILTER (WHERE value = 'NaN'))[1]
     FROM (SELECT p.series_id, p.seq, p.step, p.value, coalesce(written.block + 1, 0)
         + (row_number() OVER (PARTITION BY p.series_id ORDER BY p.seq) - 1)::int / $3::int AS block
       FROM unnest($2::int[]) AS filled(series_id)
       LEFT JOIN LATERAL (SELECT b.block, b.last_seq FROM metric_block b
         WHERE b.experiment_id = $1 AND b.series_id = filled.series_id ORDER BY b.block DESC LIMIT 1) written ON true
       CROSS JOIN LATERAL (SELECT e.series_id, e.seq, e.step, e.value FROM experiment_event e
         WHERE e.experiment_id = $1 AND e.series_id = filled.series_id AND e.seq > coalesce(written.last_seq, 0)) p) points
     GROUP BY series_id, block HAVING count(*) = $3::int`,
    [experimentUuid, seriesIds, BLOCK_POINTS],
  );
}
