/** Experiments as rows only, made by SQL from one seed: parameters, tags, and the summaries of 500 metrics each. */
import type { DataSource, QueryRunner } from 'typeorm';
import { createProject } from '../../src/catalog/project/projectService.js';
import { newId } from '../../src/platform/ids.js';
import { unlimited } from './unlimited.js';

/** 100 names over everything and under four conditions: 500 metrics, as a list of keys has them. */
const CONDITIONS = [null, 'sunny', 'night', 'rain', 'fog'];
export const VERSIONS = 20;
const CHUNK = 2_500_000;

export interface ExperimentProject {
  uuid: string;
  name: string;
  versions: string[];
}

export async function fillExperiments(
  db: DataSource,
  { experiments, metrics }: { experiments: number; metrics: number },
  say: (line: string) => void,
): Promise<ExperimentProject> {
  const project = await createProject(db, { name: `bench-${experiments}` });
  const started = performance.now();
  const seconds = () => `${Math.round((performance.now() - started) / 1000)} s`;
  return unlimited(db, async (runner) => {
    await runner.query("SET maintenance_work_mem = '1GB'; SELECT setseed(0.42)");
    // Rows are made whole: triggers have nothing to do, and every key is one that has just been made.
    await runner.query('SET session_replication_role = replica');
    const versions = await insertExperiments(runner, project.uuid, experiments);
    await insertParameters(runner, project.uuid);
    await insertSummaries(runner, project.uuid, experiments, metrics, (line) => say(`${line}, ${seconds()}`));
    await runner.query('SET session_replication_role = DEFAULT');
    await runner.query('VACUUM ANALYZE');
    say(`vacuumed, ${seconds()}`);
    await saySizes(runner, say);
    return { uuid: project.uuid, name: project.name, versions };
  });
}

async function insertExperiments(runner: QueryRunner, project: string, count: number): Promise<string[]> {
  const [model, dataset] = [newId(), newId()];
  await runner.query("INSERT INTO model (id, project_id, name) VALUES ($1, $2, 'lights')", [model, project]);
  await runner.query("INSERT INTO dataset (id, project_id, name) VALUES ($1, $2, 'roads')", [
    dataset,
    project,
  ]);
  const versions: { id: string }[] = await runner.query(
    `INSERT INTO dataset_version (id, dataset_id, version, data_id, seed, train, validation, test, image_count,
       light_count, condition_names, condition_ids, condition_versions)
     SELECT uuidv7(), $1, n, 'data ' || n, 1, 0.7, 0.15, 0.15, 0, 0, '{}', '{}', '{}'
     FROM generate_series(1, ${VERSIONS}) n RETURNING id`,
    [dataset],
  );
  await runner.query(
    `INSERT INTO experiment (id, project_id, model_id, dataset_version_id, name, algorithm, state, engine, epochs_run,
       git_commit, created_at, started_at, finished_at)
     SELECT uuidv7(), $1, $2, ($3::uuid[])[1 + n % ${VERSIONS}], 'experiment ' || n, 'mobilenetv2',
       (ARRAY['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'FAILED', 'RUNNING'])[1 + floor(random() * 6)::int],
       'cuda', CASE WHEN n % 6 > 0 THEN 1 + n % 100 END, md5((n / 100)::text),
       t, t, CASE WHEN n % 6 > 0 THEN t + interval '1 h' END
     FROM (SELECT n, '2024-01-01T00:00Z'::timestamptz + n * interval '5 minutes' AS t
       FROM generate_series(0, $4::int - 1) n) made`,
    [project, model, versions.map(({ id }) => id), count],
  );
  await runner.query(
    `INSERT INTO experiment_tag (experiment_id, tag)
     SELECT id, tag FROM experiment, (VALUES ('baseline', 0.01), ('keep', 0.001), ('night shift', 0.2)) tags (tag, share)
     WHERE random() + 0 * length(name) < share`,
  );
  return versions.map(({ id }) => id);
}

const insertParameters = (runner: QueryRunner, project: string) =>
  runner.query(
    `INSERT INTO experiment_parameter (experiment_id, project_id, name, number, text, boolean, numbers)
     SELECT e.id, $1, p.* FROM experiment e CROSS JOIN LATERAL (VALUES
       ('learning_rate', 10 ^ (-5 + 4 * random() + 0 * length(e.name)), NULL, NULL, NULL::double precision[]),
       ('batch_size', (ARRAY[16, 32, 64, 128])[1 + floor(random() * 4 + 0 * length(e.name))::int], NULL, NULL, NULL),
       ('epochs', 1 + floor(random() * 100 + 0 * length(e.name)), NULL, NULL, NULL),
       ('optimizer', NULL, (ARRAY['Adam', 'SGD', 'RMSprop'])[1 + floor(random() * 3 + 0 * length(e.name))::int], NULL, NULL),
       ('augmentation.flip', NULL, NULL, random() + 0 * length(e.name) < 0.5, NULL),
       ('layers', NULL, NULL, NULL, ARRAY[32, 64, 64 * (1 + floor(random() * 8 + 0 * length(e.name)))])
     ) p (name, number, text, boolean, numbers) WHERE e.project_id = $1`,
    [project],
  );

/** Without indexes, which are made after: 50 million rows in minutes and not in hours. */
async function insertSummaries(
  runner: QueryRunner,
  project: string,
  experiments: number,
  metrics: number,
  say: (line: string) => void,
): Promise<void> {
  await runner.query(
    `INSERT INTO metric_series (project_id, name, split, condition)
     SELECT $1, CASE n / $3 WHEN 0 THEN 'accuracy' WHEN 1 THEN 'loss' ELSE 'metric ' || n / $3 END, 'VALIDATION',
       ($4::text[])[1 + n % $3] FROM generate_series(0, $2::int - 1) n`,
    [project, metrics, CONDITIONS.length, CONDITIONS],
  );
  const indexes: { name: string; made: string }[] = await runner.query(
    `SELECT indexname AS name, indexdef AS made FROM pg_indexes
     WHERE tablename = 'experiment_metric' AND indexname <> 'experiment_metric_pkey'`,
  );
  for (const { name } of indexes) await runner.query(`DROP INDEX ${name}`);
  await runner.query('ALTER TABLE experiment_metric SET UNLOGGED, DROP CONSTRAINT experiment_metric_pkey');
  const chunk = Math.max(1, Math.floor(CHUNK / metrics));
  for (let start = 0; start < experiments; start += chunk)
    await runner.query(
      `INSERT INTO experiment_metric (experiment_id, series_id, points, first_seq, last_seq, last_step, last_value,
         last_time, min_value, min_step, max_value, max_step)
       SELECT e.id, s.id, 100, s.id, s.id + 100 * 500, 99, CASE WHEN r < 0.01 THEN 'NaN' ELSE 0.95 * best END,
         '2024-06-01T00:00Z', 0.5 * best, 3, best, 60
       FROM (SELECT id FROM experiment WHERE project_id = $1 ORDER BY id OFFSET $2 LIMIT $3) e
         CROSS JOIN (SELECT id FROM metric_series WHERE project_id = $1) s
         CROSS JOIN LATERAL (SELECT random() AS r, random() + 0 * length(e.id::text) + 0 * s.id AS best) made
       WHERE r < 0.97`,
      [project, start, chunk],
    );
  say('summaries of metrics are in');
  await runner.query('ALTER TABLE experiment_metric ADD PRIMARY KEY (experiment_id, series_id)');
  for (const { made } of indexes) await runner.query(made);
  say('their indexes are made');
}

async function saySizes(runner: QueryRunner, say: (line: string) => void): Promise<void> {
  const rows: { name: string; n: number; heap: string; indexes: string }[] = await runner.query(
    `SELECT relname AS name, reltuples::bigint AS n, pg_size_pretty(pg_table_size(oid)) AS heap,
       pg_size_pretty(pg_indexes_size(oid)) AS indexes FROM pg_class
     WHERE relname = ANY ($1) ORDER BY pg_total_relation_size(oid) DESC`,
    [
      [
        'experiment',
        'experiment_metric',
        'experiment_parameter',
        'experiment_tag',
        'experiment_event',
        'metric_block',
      ],
    ],
  );
  for (const { name, n, heap, indexes } of rows) say(`${name}: ${n} rows, ${heap} and ${indexes} of indexes`);
}
