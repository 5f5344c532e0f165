import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Labels may come before their pictures: an image without bytes waits under its file name. */
export class LabelsFirst1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

/** What only the bytes tell. */
const OF_BYTES = ['sha256', 'width', 'height', 'brightness'];
const alter = (change: string) => OF_BYTES.map((column) => `ALTER COLUMN ${column} ${change}`).join(', ');

const UP = [
  `ALTER TABLE image ${alter('DROP NOT NULL')}`,
  'CREATE UNIQUE INDEX image_waiting ON image (project_id, file_name) WHERE sha256 IS NULL',
  // By a hash of 4 bytes: label files name images, and a name of 1,000 characters is too long for a B-tree.
  'CREATE INDEX image_by_name ON image (project_id, hashtext(file_name))',
  // Of an image without bytes it is the digest of its name; see createVersion.ts.
  'ALTER TABLE dataset_item DROP CONSTRAINT dataset_item_sha256_fkey',
];
const DOWN = [
  // Without bytes there was no image.
  'DELETE FROM dataset_item i WHERE NOT EXISTS (SELECT 1 FROM picture p WHERE p.sha256 = i.sha256)',
  'ALTER TABLE dataset_item ADD CONSTRAINT dataset_item_sha256_fkey FOREIGN KEY (sha256) REFERENCES picture',
  'DROP INDEX image_waiting, image_by_name',
  `DELETE FROM image WHERE ${OF_BYTES.map((column) => `${column} IS NULL`).join(' OR ')}`,
  `ALTER TABLE image ${alter('SET NOT NULL')}`,
];
