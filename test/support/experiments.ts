/** Experiments as rows, in every table that has rows of them. */
import { createHash } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { newId } from '../../src/platform/ids.js';
import { insertModel, insertVersion } from '../faults/world.js';

/** Deleted, with so many events and 256 of them a block, a job, and a file of these bytes. Returns its UUID. */
export async function insertDeleted(
  db: DataSource,
  project: string,
  events: number,
  { days = 0, artifact = 'weights' }: { days?: number; artifact?: string } = {},
): Promise<string> {
  const [experiment, evaluation, job] = [newId(), newId(), newId()];
  const run = (sql: string, ...parameters: unknown[]) => db.query(sql, parameters);
  const [known] = await db.query(
    'SELECT m.id AS model, v.id AS version FROM model m, dataset_version v JOIN dataset d ON d.id = v.dataset_id WHERE m.project_id = $1 AND d.project_id = $1 LIMIT 1',
    [project],
  );
  const model = known?.model ?? (await insertModel(db, project));
  const version = known?.version ?? (await insertVersion(db, project, [{ color: 'RED', split: 'TEST' }]));
  await run(
    `INSERT INTO experiment (id, project_id, model_id, dataset_version_id, name, algorithm, state, finished_at, last_seq, deleted_at)
     VALUES ($1, $2, $3, $4, gen_random_uuid()::text, 'yolo', 'SUCCEEDED', now(), $5, now() - make_interval(days => $6))`,
    ...[experiment, project, model, version, events, days],
  );
  await run(
    `INSERT INTO metric_series (project_id, name, split) VALUES ($1, 'loss', 'TRAIN') ON CONFLICT DO NOTHING`,
    project,
  );
  const series = `(SELECT id FROM metric_series WHERE project_id = $2 AND name = 'loss')`;
  await run(
    `INSERT INTO experiment_event (experiment_id, seq, kind, name, split, step, value, series_id)
     SELECT $1, n, 'METRIC', 'loss', 'TRAIN', n, 1.0 / n, ${series} FROM generate_series(1, $3::int) n`,
    ...[experiment, project, events],
  );
  await run(
    `INSERT INTO metric_block (experiment_id, series_id, block, first_seq, first_step, first_value, last_seq, last_step,
       last_value, low_step, high_step)
     SELECT $1, ${series}, n, n, n, 1, n, n, 1, n, n FROM generate_series(0, $3::int / 256 - 1) n`,
    ...[experiment, project, events],
  );
  await run(
    `INSERT INTO experiment_metric (experiment_id, series_id, points, first_seq, last_seq, last_step, last_value, last_time)
     SELECT $1, ${series}, $3::int, 1, $3::int, $3::int, 1, now()`,
    ...[experiment, project, events],
  );
  await run(
    `INSERT INTO evaluation (id, project_id, experiment_id, model_id, protocol_id, dataset_version_id, split, weights, state, classes)
     SELECT $1, $2, $3, $4, (SELECT id FROM evaluation_protocol WHERE project_id = $2 LIMIT 1), $5, 'TEST', 'BEST', 'SUCCEEDED', '{RED}'`,
    ...[evaluation, project, experiment, model, version],
  );
  await run(
    `INSERT INTO evaluation_prediction (evaluation_id, sha256, light, conditions, actual, predicted, score)
     SELECT $1, n::text, 0, '{}', 0, 0, 1 FROM generate_series(1, 30) n`,
    evaluation,
  );
  await run(
    `INSERT INTO job (id, project_id, seq, kind, state, experiment_id, finished_at, checkpoint)
     SELECT $1, $2, coalesce(max(seq), 0) + 1, 'TRAINING', 'SUCCEEDED', $3, now(), $4 FROM job`,
    ...[job, project, experiment, { files: { 'epoch.bin': digest(`${artifact} checkpoint`) }, epoch: 1 }],
  );
  await run(
    `INSERT INTO artifact (id, experiment_id, path, kind, sha256, bytes, media_type)
     VALUES ($1, $2, 'best.bin', 'WEIGHTS', $3, 1, 'application/octet-stream')`,
    ...[newId(), experiment, digest(artifact)],
  );
  await run(
    `INSERT INTO experiment_parameter (experiment_id, name, number) VALUES ($1, 'lr', 0.1)`,
    experiment,
  );
  await run(`INSERT INTO experiment_tag (experiment_id, tag) VALUES ($1, 'old')`, experiment);
  await run(
    `INSERT INTO experiment_note (id, experiment_id, text, author) VALUES ($2, $1, 'x', 'me')`,
    experiment,
    newId(),
  );
  await run(
    `INSERT INTO experiment_batch (experiment_id, batch_id, request_hash) VALUES ($1, 'b', 'h')`,
    experiment,
  );
  return experiment;
}

export const digest = (content: string) => createHash('sha256').update(content).digest('hex');
