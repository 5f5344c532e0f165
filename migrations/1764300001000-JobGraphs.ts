import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Jobs that need jobs, schedules that start them, and sweeps over parameters. */
export class JobGraphs1764300001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const BEFORE = [
  ...['TRAINING', 'EVALUATION', 'IMPORT', 'EXPORT', 'ENRICHMENT', 'NEAR_DUPLICATES', 'PREDICTIONS'],
  ...['MODEL_EXPORT', 'BATCH_PREDICTION'],
];
const only = (kinds: string[]) =>
  `ALTER TABLE job DROP CONSTRAINT job_kind_check,
    ADD CONSTRAINT job_kind_check CHECK (kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')}))`;

const UP = [
  only([...BEFORE, 'GATE']),
  `ALTER TABLE job
    -- Of the jobs that one request makes only the first has its key.
    ALTER idempotency_key DROP NOT NULL, ALTER request_hash DROP NOT NULL,
    -- A training that stops after this epoch and waits for its sweep; null: it runs to its end.
    ADD pause_epoch int`,
  'CREATE INDEX job_held ON job (id) WHERE held',
  `CREATE TABLE job_dependency (
    job_id uuid NOT NULL REFERENCES job ON DELETE CASCADE,
    needs_id uuid NOT NULL REFERENCES job ON DELETE CASCADE,
    PRIMARY KEY (job_id, needs_id), CHECK (job_id <> needs_id)
  )`,
  'CREATE INDEX job_dependency_needs ON job_dependency (needs_id)',
  `CREATE TABLE schedule (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    cron text NOT NULL, time_zone text NOT NULL,
    dataset_id uuid NOT NULL REFERENCES dataset ON DELETE CASCADE,
    -- Each time one by the recipe of the newest; else the newest itself.
    new_version boolean NOT NULL,
    -- What is started: src/jobs/graph/pipeline.ts has its form.
    template jsonb NOT NULL,
    skip_unchanged boolean NOT NULL,
    paused boolean NOT NULL DEFAULT false,
    -- Strictly after every run that there was; null: never again.
    next_due timestamptz(3),
    created_by text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (project_id, name)
  )`,
  'CREATE INDEX schedule_due ON schedule (next_due) WHERE NOT paused',
  `CREATE TABLE schedule_run (
    id uuid PRIMARY KEY,
    schedule_id uuid NOT NULL REFERENCES schedule ON DELETE CASCADE,
    due timestamptz(3) NOT NULL,
    -- Due times before this one that nobody was there for.
    missed int NOT NULL DEFAULT 0,
    fired_at timestamptz(3) NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'STARTING' CHECK (state IN ('STARTING', 'STARTED', 'SKIPPED', 'FAILED')),
    reason_code text, reason_message text,
    -- Faults that nobody foresaw; each is another try.
    faults int NOT NULL DEFAULT 0,
    dataset_version_id uuid REFERENCES dataset_version ON DELETE SET NULL,
    job_id uuid REFERENCES job ON DELETE SET NULL,
    UNIQUE (schedule_id, due)
  )`,
  "CREATE INDEX schedule_run_starting ON schedule_run (due) WHERE state = 'STARTING'",
  `CREATE TABLE sweep (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    strategy text NOT NULL CHECK (strategy IN ('GRID', 'RANDOM', 'SUCCESSIVE_HALVING')),
    state text NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING', 'CANCELLING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    dataset_version_id uuid NOT NULL REFERENCES dataset_version ON DELETE CASCADE,
    model_id uuid NOT NULL REFERENCES model ON DELETE CASCADE,
    metric text NOT NULL, split text NOT NULL, condition text, maximize boolean NOT NULL,
    space jsonb NOT NULL,
    seed int NOT NULL,
    max_concurrent int NOT NULL CHECK (max_concurrent >= 1),
    -- Epochs at which halving looks, the last one the whole training; empty: it never looks.
    rungs int[] NOT NULL,
    reduction int,
    -- Counts from 0.
    rung int NOT NULL DEFAULT 0,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    finished_at timestamptz(3)
  )`,
  'CREATE INDEX sweep_project ON sweep (project_id, id)',
  "CREATE INDEX sweep_unfinished ON sweep (id) WHERE state IN ('RUNNING', 'CANCELLING')",
  `CREATE TABLE sweep_trial (
    sweep_id uuid NOT NULL REFERENCES sweep ON DELETE CASCADE,
    -- Counts from 1.
    number int NOT NULL,
    job_id uuid NOT NULL UNIQUE REFERENCES job ON DELETE CASCADE,
    experiment_id uuid NOT NULL UNIQUE REFERENCES experiment ON DELETE CASCADE,
    -- {name: value} of the space.
    assigned jsonb NOT NULL,
    -- The last that it was let into.
    rung int NOT NULL DEFAULT 0,
    PRIMARY KEY (sweep_id, number)
  )`,
];

const DOWN = [
  'DROP TABLE sweep_trial, sweep, schedule_run, schedule, job_dependency',
  "DELETE FROM job WHERE kind = 'GATE' OR idempotency_key IS NULL",
  `ALTER TABLE job DROP pause_epoch,
    ALTER idempotency_key SET NOT NULL, ALTER request_hash SET NOT NULL`,
  only(BEFORE),
];
