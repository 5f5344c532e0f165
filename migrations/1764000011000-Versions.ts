import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Perceptual hashes of pictures, and what data set versions say of how they were split and of what they follow. */
export class Versions1764000011000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

/** Two hashes that differ in at most 7 of 64 bits differ in at most 1 bit in one of four bands of 16. */
const BANDS = [0, 1, 2, 3];
const band = (n: number) => `((perceptual_hash >> ${16 * n}) & 65535)`;

const UP = [
  // 64 bits, see picture/perceptualHash.ts; null: stored before hashes were taken.
  'ALTER TABLE picture ADD perceptual_hash bigint',
  ...BANDS.map((n) => `CREATE INDEX picture_hash_${n} ON picture (${band(n)})`),
  `ALTER TABLE dataset_version
    ADD strategy text NOT NULL DEFAULT 'RANDOM' CHECK (strategy IN ('RANDOM', 'BY_PLACE', 'BY_DRIVE', 'BY_TIME')),
    ADD fixed_test_from uuid REFERENCES dataset_version,
    ADD max_leak_share double precision NOT NULL DEFAULT 1,
    ADD major int NOT NULL DEFAULT 1, ADD minor int NOT NULL DEFAULT 0, ADD patch int NOT NULL DEFAULT 0`,
  // Before, a version counted up by itself, and each was another content.
  'UPDATE dataset_version SET major = version',
  // Frozen with the rest, so that leaks and exports of a version do not change with the catalog.
  `ALTER TABLE dataset_item ADD drive text, ADD place_id uuid, ADD recorded_at timestamptz(3),
    ADD latitude double precision, ADD longitude double precision`,
];
const DOWN = [
  `ALTER TABLE dataset_item DROP drive, DROP place_id, DROP recorded_at, DROP latitude, DROP longitude`,
  `ALTER TABLE dataset_version DROP strategy, DROP fixed_test_from, DROP max_leak_share, DROP major, DROP minor, DROP patch`,
  'ALTER TABLE picture DROP perceptual_hash',
];
