/** One experiment with one long curve, as rows: a walk with spikes and stretches of NaN, its summary and its blocks. */
import type { DataSource } from 'typeorm';
import { writeBlocks } from '../../src/experiments/events/blocks.js';
import { newId } from '../../src/platform/ids.js';
import { unlimited } from './unlimited.js';

export interface CurveOf {
  experimentUuid: string;
  points: number;
  /** Step and value of the first, the last, the smallest and the greatest. */
  mustHave: [number, number][];
  bestStep: number;
}

export async function fillCurve(db: DataSource, project: string, points: number): Promise<CurveOf> {
  const uuid = newId();
  return unlimited(db, async (runner) => {
    await runner.query(
      `INSERT INTO experiment (id, project_id, model_id, dataset_version_id, name, algorithm, state, last_seq)
       SELECT $1, project_id, model_id, dataset_version_id, 'a long one', algorithm, 'RUNNING', 2 * $3::int
       FROM experiment WHERE project_id = $2 LIMIT 1`,
      [uuid, project, points],
    );
    const series: { id: number; name: string }[] = await runner.query(
      `INSERT INTO metric_series (project_id, name, split) VALUES ($1, 'long', 'TRAIN'), ($1, 'other', 'TRAIN')
       RETURNING id, name`,
      [project],
    );
    // Two series in turn: what belongs to one is not what lies together.
    await runner.query(
      `INSERT INTO experiment_event (experiment_id, seq, kind, name, split, series_id, step, value)
       SELECT $1, 2 * n + s.place, 'METRIC', s.name, 'TRAIN', s.id, n, CASE WHEN s.place = 2 THEN n
         WHEN n % 10007 > 10000 AND n < $4::int - 10 THEN 'NaN' WHEN n = $4::int / 3 THEN 1000 WHEN n = $4::int / 2 THEN -1000
         ELSE sin(n / 5000.0) + random() END
       FROM generate_series(0, $4::int - 1) n, unnest($2::int[], $3::text[]) WITH ORDINALITY s (id, name, place)
       ORDER BY 2`,
      [uuid, series.map(({ id }) => id), series.map(({ name }) => name), points],
    );
    await runner.query(
      `INSERT INTO experiment_metric (experiment_id, series_id, points, first_seq, last_seq, last_step, last_value,
         last_time, min_value, min_step, max_value, max_step)
       SELECT $1, series_id, count(*), min(seq), max(seq), max(step), (array_agg(value ORDER BY seq DESC))[1], now(),
         min(nullif(value, 'NaN')), (array_agg(step ORDER BY nullif(value, 'NaN'), seq))[1],
         max(nullif(value, 'NaN')), (array_agg(step ORDER BY nullif(value, 'NaN') DESC NULLS LAST, seq))[1]
       FROM experiment_event WHERE experiment_id = $1 GROUP BY series_id`,
      [uuid],
    );
    await writeBlocks(
      runner.manager,
      uuid,
      series.map(({ id }) => ({ seriesId: id, blocks: 0, lastSeq: 0 })),
    );
    await runner.query('VACUUM ANALYZE experiment_event, metric_block');
    const rows: { step: number; value: number }[] = await runner.query(
      `SELECT step, value FROM experiment_event WHERE experiment_id = $1 AND series_id = $2
         AND step IN (0, $3::int - 1, $3::int / 3, $3::int / 2)`,
      [uuid, series[0]?.id, points],
    );
    return {
      experimentUuid: uuid,
      points,
      mustHave: rows.map(({ step, value }) => [step, value]),
      bestStep: Math.floor(points / 3),
    };
  });
}
