import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Experiments that are deleted and can be restored, how long a project keeps what, and the jobs that remove it. */
export class Deletion1764300008000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const BEFORE = [
  ...['TRAINING', 'EVALUATION', 'IMPORT', 'EXPORT', 'ENRICHMENT', 'NEAR_DUPLICATES', 'PREDICTIONS'],
  ...['MODEL_EXPORT', 'BATCH_PREDICTION', 'GATE'],
];
const only = (kinds: string[]) =>
  `ALTER TABLE job DROP CONSTRAINT job_kind_check,
    ADD CONSTRAINT job_kind_check CHECK (kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')}))`;

const UP = [
  only([...BEFORE, 'PURGE', 'ORPHANS']),
  `ALTER TABLE experiment
    -- Hidden since then, and to be purged when the project's time for it is over.
    ADD deleted_at timestamptz(3),
    -- The first of its rows have gone: it cannot be restored any more.
    ADD purge_started_at timestamptz(3),
    ADD CONSTRAINT experiment_purge CHECK (purge_started_at IS NULL OR deleted_at IS NOT NULL)`,
  'CREATE INDEX experiment_deleted ON experiment (project_id, deleted_at) WHERE deleted_at IS NOT NULL',
  // An evaluation that goes looks for its job.
  'CREATE INDEX job_evaluation ON job (evaluation_id) WHERE evaluation_id IS NOT NULL',
  // Without a row: 30 days, and nothing is deleted by itself.
  `CREATE TABLE retention (
    project_id uuid PRIMARY KEY REFERENCES project ON DELETE CASCADE,
    deleted_days int NOT NULL CHECK (deleted_days BETWEEN 0 AND 3650),
    failed_days int CHECK (failed_days BETWEEN 1 AND 3650),
    checkpoint_days int CHECK (checkpoint_days BETWEEN 1 AND 3650)
  )`,
];

const DOWN = [
  'DROP TABLE retention',
  'DROP INDEX job_evaluation',
  // Nobody could see or remove them.
  'DELETE FROM experiment WHERE purge_started_at IS NOT NULL',
  'ALTER TABLE experiment DROP purge_started_at, DROP deleted_at',
  "DELETE FROM job WHERE kind IN ('PURGE', 'ORPHANS')",
  only(BEFORE),
];
