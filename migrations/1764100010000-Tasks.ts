import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Jobs that are no trainings: imports, exports, enrichment, near-duplicates; with what they were asked, found and made. */
export class Tasks1764100010000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const UP = [
  `ALTER TABLE job DROP CONSTRAINT job_kind_check,
    ADD CONSTRAINT job_kind_check
      CHECK (kind IN ('TRAINING', 'EVALUATION', 'IMPORT', 'EXPORT', 'ENRICHMENT', 'NEAR_DUPLICATES')),
    ALTER experiment_id DROP NOT NULL,
    ADD CONSTRAINT job_subject CHECK ((experiment_id IS NOT NULL) = (kind IN ('TRAINING', 'EVALUATION'))),
    -- What was asked for, of a job without an experiment; src/jobs/task/ has its form by kind.
    ADD input jsonb,
    -- What came of it.
    ADD report jsonb`,
  // Blobs that a job has made for people to fetch.
  `CREATE TABLE job_file (
    job_id uuid NOT NULL REFERENCES job ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes bigint NOT NULL,
    media_type text NOT NULL,
    PRIMARY KEY (job_id, name)
  )`,
];

const DOWN = [
  'DROP TABLE job_file',
  "DELETE FROM job WHERE kind NOT IN ('TRAINING', 'EVALUATION')",
  `ALTER TABLE job DROP CONSTRAINT job_subject, DROP CONSTRAINT job_kind_check,
    ADD CONSTRAINT job_kind_check CHECK (kind IN ('TRAINING', 'EVALUATION')),
    ALTER experiment_id SET NOT NULL, DROP input, DROP report`,
];
