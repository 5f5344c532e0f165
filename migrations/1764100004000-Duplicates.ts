import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Near-duplicates are searched in memory (src/catalog/image/hashes), which hears of changes by the coverage log; the indexes
 * over bands of the hash go.
 */
export class Duplicates1764100004000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const BANDS = [0, 1, 2, 3];

const UP = [
  ...BANDS.map((n) => `DROP INDEX picture_hash_${n}`),
  // A picture comes before its images; what may change later is a hash that was missing.
  `CREATE FUNCTION picture_hash_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO coverage_log (project_id, image_id, nr) SELECT i.project_id, i.id, i.nr
      FROM added a JOIN removed r USING (sha256) JOIN image i ON i.sha256 = a.sha256
      WHERE a.perceptual_hash IS DISTINCT FROM r.perceptual_hash;
    RETURN NULL;
  END $$`,
  `CREATE TRIGGER picture_hash_changed AFTER UPDATE ON picture REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION picture_hash_changed()`,
];
const DOWN = [
  'DROP TRIGGER picture_hash_changed ON picture',
  'DROP FUNCTION picture_hash_changed',
  ...BANDS.map((n) => `CREATE INDEX picture_hash_${n} ON picture (((perceptual_hash >> ${16 * n}) & 65535))`),
];
