import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Jobs that use a model: its export, and its predictions over images. */
export class ModelUse1764200004000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(only([...BEFORE, ...NEW]));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM job WHERE kind IN (${list(NEW)})`);
    await runner.query(only(BEFORE));
  }
}

const BEFORE = ['TRAINING', 'EVALUATION', 'IMPORT', 'EXPORT', 'ENRICHMENT', 'NEAR_DUPLICATES', 'PREDICTIONS'];
const NEW = ['MODEL_EXPORT', 'BATCH_PREDICTION'];

const list = (kinds: string[]) => kinds.map((kind) => `'${kind}'`).join(', ');
const only = (kinds: string[]) =>
  `ALTER TABLE job DROP CONSTRAINT job_kind_check, ADD CONSTRAINT job_kind_check CHECK (kind IN (${list(kinds)}))`;
