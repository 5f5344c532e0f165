import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Evaluations of the last epoch's weights; what the export of a model may change, said by the protocol. */
export class ModelBounds1764200005000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(only([...BEFORE, 'LAST']));
    // As src/experiments/protocol/standard.ts has it today, for those that are there; whoever makes one says it.
    await runner.query(`ALTER TABLE evaluation_protocol
      ADD max_changed_share double precision NOT NULL DEFAULT 0.01 CHECK (max_changed_share BETWEEN 0 AND 1),
      ADD max_score_difference double precision NOT NULL DEFAULT 1 CHECK (max_score_difference BETWEEN 0 AND 1)`);
    await runner.query(
      'ALTER TABLE evaluation_protocol ALTER max_changed_share DROP DEFAULT, ALTER max_score_difference DROP DEFAULT',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE evaluation_protocol DROP max_changed_share, DROP max_score_difference');
    await runner.query("DELETE FROM evaluation WHERE weights = 'LAST'");
    await runner.query(only(BEFORE));
  }
}

const BEFORE = ['BEST', 'INITIAL'];

const only = (weights: string[]) =>
  `ALTER TABLE evaluation DROP CONSTRAINT evaluation_weights_check,
     ADD CONSTRAINT evaluation_weights_check CHECK (weights IN (${weights.map((one) => `'${one}'`).join(', ')}))`;
