import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Files that are sent in pieces: what was announced. What has arrived is the size of the file on disk. */
export class Uploads1764000006000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE upload');
  }
}

const UP = [
  `CREATE TABLE upload (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 500),
    media_type text NOT NULL CHECK (length(media_type) BETWEEN 1 AND 200),
    bytes bigint NOT NULL CHECK (bytes > 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    idempotency_key text CHECK (length(idempotency_key) BETWEEN 1 AND 200),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    expires_at timestamptz(3) NOT NULL,
    -- Set when the bytes are in the blob store under their digest.
    completed_at timestamptz(3),
    UNIQUE (project_id, idempotency_key)
  )`,
  'CREATE INDEX upload_open ON upload (project_id) WHERE completed_at IS NULL',
  'CREATE INDEX upload_expires ON upload (expires_at)',
  // Whatever collects unused blobs asks for the uploads that name one.
  'CREATE INDEX upload_sha256 ON upload (sha256)',
];
