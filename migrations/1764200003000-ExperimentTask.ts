import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an experiment has learnt; until now all told the colours of lights apart. */
export class ExperimentTask1764200003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE experiment ADD task text NOT NULL DEFAULT 'LIGHT_STATE'
         CHECK (task IN ('LIGHT_STATE', 'LIGHT_DETECTION'))`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE experiment DROP task');
  }
}
