import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Jobs on many hosts: who is there, what a job asks of a host, who goes first, and what is left of those given up. */
export class Hosts1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const UP = [
  `ALTER TABLE job
    -- Which slots take it: those of trainers or those of tasks.
    ADD lane text NOT NULL GENERATED ALWAYS AS
      (CASE WHEN kind IN ('TRAINING', 'EVALUATION') THEN 'jobs' ELSE 'tasks' END) STORED,
    -- The higher goes first.
    ADD priority int NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1000 AND 1000),
    -- Sorted, none twice: jobs that ask for the same are one group to the claim.
    ADD required_labels text[] NOT NULL DEFAULT '{}',
    -- QUEUED, but nobody may take it: it waits for other jobs.
    ADD held boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT job_held CHECK (NOT held OR state = 'QUEUED'),
    ADD host text, ADD device text,
    -- Of running time, over all attempts; null: no limit.
    ADD timeout_seconds int CHECK (timeout_seconds > 0),
    -- As of its last progress; null: not known.
    ADD expected_end timestamptz(3),
    -- Before that nobody takes it: it has crashed and waits a while.
    ADD not_before timestamptz(3),
    -- When the attempt that is running began, and how long those before it ran.
    ADD running_since timestamptz(3), ADD ran_seconds double precision NOT NULL DEFAULT 0,
    -- Workers that it lost in a row without a checkpoint in between.
    ADD losses int NOT NULL DEFAULT 0,
    -- Given up: it crashed, or lost its worker, too often.
    ADD dead boolean NOT NULL DEFAULT false,
    -- What its newest attempt said last.
    ADD last_lines text[] NOT NULL DEFAULT '{}'`,
  "UPDATE job SET running_since = coalesce(started_at, now()) WHERE state IN ('RUNNING', 'CANCELLING')",
  // Read by leaps from group to group, and within one in its order; see src/jobs/worker/claim.ts.
  `CREATE INDEX job_line ON job (lane, (-priority), project_id, requested_engine, required_labels,
    (coalesce(not_before, queued_at)), id) WHERE state = 'QUEUED' AND NOT held`,
  "CREATE INDEX job_running ON job (lane, project_id) WHERE state IN ('RUNNING', 'CANCELLING')",
  "CREATE INDEX job_queued ON job (project_id) WHERE state = 'QUEUED'",
  'CREATE INDEX job_dead ON job (project_id, finished_at) WHERE dead',
  // One row a worker that runs; kept alive by it.
  `CREATE TABLE host (
    id uuid PRIMARY KEY,
    -- Of the machine.
    name text NOT NULL,
    worker text NOT NULL,
    labels text[] NOT NULL,
    engines text[] NOT NULL,
    -- [{"engine", "device", "count"}]
    slots jsonb NOT NULL,
    task_slots int NOT NULL,
    version text NOT NULL,
    started_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
  )`,
  'CREATE INDEX host_seen ON host (seen_at)',
  // A project without a row has a share of 1 and no limit.
  `CREATE TABLE job_limit (
    project_id uuid PRIMARY KEY REFERENCES project ON DELETE CASCADE,
    share double precision NOT NULL DEFAULT 1 CHECK (share > 0 AND share <= 1000),
    max_running int CHECK (max_running >= 0),
    max_queued int CHECK (max_queued >= 0)
  )`,
  // Asked twice with one key, a job is retried once.
  `CREATE TABLE job_retry (
    job_id uuid NOT NULL REFERENCES job ON DELETE CASCADE,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    -- The last one before it.
    attempt int NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, key)
  )`,
  // What a running job takes of its host. Thinned as it ages; see src/jobs/worker/system/.
  `CREATE TABLE job_system (
    job_id uuid NOT NULL REFERENCES job ON DELETE CASCADE,
    time timestamptz(3) NOT NULL,
    attempt int NOT NULL,
    -- Of one core: 200 is two cores.
    cpu_percent real NOT NULL,
    memory_bytes bigint NOT NULL,
    disk_bytes bigint, disk_free_bytes bigint,
    host_cpu_percent real, host_memory_bytes bigint, host_memory_total_bytes bigint,
    gpu_percent real, gpu_memory_bytes bigint, gpu_memory_total_bytes bigint,
    PRIMARY KEY (job_id, time)
  )`,
];

const DOWN = [
  'DROP TABLE job_system',
  'DROP TABLE job_retry',
  'DROP TABLE job_limit',
  'DROP TABLE host',
  'DROP INDEX job_line, job_running, job_queued, job_dead',
  `ALTER TABLE job DROP CONSTRAINT job_held, DROP lane, DROP priority, DROP required_labels, DROP held, DROP host, DROP device,
    DROP timeout_seconds, DROP not_before, DROP expected_end, DROP running_since, DROP ran_seconds, DROP losses, DROP dead,
    DROP last_lines`,
];
