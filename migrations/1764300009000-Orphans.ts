import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Blobs that nothing refers to are removed: src/retention/removal.ts says how nobody loses one by it. */
export class Orphans1764300009000 implements MigrationInterface {
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

/** By which whoever refers to a blob and whoever removes it keep clear of each other. */
const KEY = (digest: string) => `hashtextextended(${digest}, 4600)`;

const UP = [
  only([...BEFORE, 'PURGE', 'ORPHANS']),
  `CREATE TABLE blob_removal (
    sha256 text PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT now(),
    -- Null: under way, or its remover has died.
    removed_at timestamptz
  )`,
  'CREATE INDEX blob_removal_started ON blob_removal (started_at)',
  // Two statements with a snapshot each: what a removal that this waited for has written is seen.
  `CREATE FUNCTION claim_blobs(digests text[])
   RETURNS TABLE (sha256 text, removed boolean, seconds double precision) LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_advisory_xact_lock_shared(${KEY('digest')}) FROM unnest(digests) digest;
    RETURN QUERY SELECT b.sha256, b.removed_at IS NOT NULL,
      extract(epoch FROM clock_timestamp() - b.started_at)::double precision
      FROM blob_removal b WHERE b.sha256 = ANY (digests);
   END $$`,
  `CREATE FUNCTION lock_blobs(digests text[]) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT digest FROM unnest(digests) digest WHERE pg_try_advisory_xact_lock(${KEY('digest')})
   $$`,
  // Whatever refers to a blob is found by it.
  'CREATE INDEX artifact_sha256 ON artifact (sha256)',
  'CREATE INDEX job_file_sha256 ON job_file (sha256)',
  'CREATE INDEX model_version_artifact ON model_version (artifact_sha256) WHERE artifact_sha256 IS NOT NULL',
  `CREATE INDEX job_checkpoint_files ON job USING gin (jsonb_path_query_array(checkpoint, '$.files.*'))
    WHERE checkpoint IS NOT NULL`,
  "CREATE INDEX job_input_sha256 ON job ((input->>'sha256')) WHERE input->>'sha256' IS NOT NULL",
];

const DOWN = [
  'DROP INDEX artifact_sha256, job_file_sha256, model_version_artifact, job_checkpoint_files, job_input_sha256',
  'DROP FUNCTION claim_blobs(text[]), lock_blobs(text[])',
  'DROP TABLE blob_removal',
  "DELETE FROM job WHERE kind IN ('PURGE', 'ORPHANS')",
  only(BEFORE),
];
