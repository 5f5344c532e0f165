/**
 * Blocks of 256 points: a curve of a million points is read as 4,000 rows that keep its extremes. A block is written
 * once, when its last point has come, so that logging costs a row in 256 and not an update of a row with each batch;
 * the points after the last block are read as they are.
 */
import type { EntityManager } from 'typeorm';

export const BLOCK_POINTS = 256;

/** A series that has more points than its last block, and enough for another. */
export interface Filled {
  seriesId: number;
  /** Blocks that it has. */
  blocks: number;
  /** Of the last of them; 0: none. */
  lastSeq: number;
}

/** Writes the blocks that are full now. One statement, which reads no more than the points that it puts into blocks and 255 a series. */
export async function writeBlocks(
  manager: EntityManager,
  experimentUuid: string,
  filled: readonly Filled[],
): Promise<void> {
  await manager.query(
    `/* series.blocks */ INSERT INTO metric_block (experiment_id, series_id, block, first_seq, first_step, first_value,
       last_seq, last_step, last_value, low_step, high_step, min_seq, min_step, min_value, max_seq, max_step, max_value,
       nan_seq, nan_step)
     SELECT $1, series_id, block, seqs[1], steps[1], values[1], seqs[$2], steps[$2], values[$2], low_step, high_step,
       seqs[bottom], steps[bottom], low, seqs[top], steps[top], high, seqs[nan], steps[nan]
     FROM (SELECT *, array_position(values, low) AS bottom, array_position(values, high) AS top,
       array_position(values, 'NaN') AS nan
     FROM (SELECT series_id, block, min(step) AS low_step, max(step) AS high_step,
       min(value) FILTER (WHERE value <> 'NaN') AS low, max(value) FILTER (WHERE value <> 'NaN') AS high,
       -- The block as it is, and where in it the extremes are: aggregates that compare whole rows take a quarter longer.
       array_agg(seq ORDER BY seq) AS seqs, array_agg(step ORDER BY seq) AS steps, array_agg(value ORDER BY seq) AS values
     FROM (SELECT p.series_id, p.seq, p.step, p.value, filled.blocks
         + (row_number() OVER (PARTITION BY p.series_id ORDER BY p.seq) - 1)::int / $2::int AS block
       FROM unnest($3::int[], $4::int[], $5::bigint[]) AS filled(series_id, blocks, last_seq)
       CROSS JOIN LATERAL (SELECT e.series_id, e.seq, e.step, e.value FROM experiment_event e
         WHERE e.experiment_id = $1 AND e.series_id = filled.series_id AND e.seq > filled.last_seq
         -- Said as a number too, and series by series: else PostgreSQL takes it for a third of all there are, and reads
         -- the whole experiment (12 ms of 45,000 points, and more with each batch).
         AND e.seq > $6 OFFSET 0) p) points
     GROUP BY series_id, block HAVING count(*) = $2::int) whole) blocks`,
    [
      ...[experimentUuid, BLOCK_POINTS],
      filled.map(({ seriesId }) => seriesId),
      filled.map(({ blocks }) => blocks),
      filled.map(({ lastSeq }) => lastSeq),
      Math.min(...filled.map(({ lastSeq }) => lastSeq)),
    ],
  );
}
