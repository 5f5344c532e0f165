import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a model version that was made elsewhere was trained on, so that predictions on those images can be refused. */
export class TrainedOn1764300007000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE model_version ADD trained_on_id uuid REFERENCES dataset_version');
    await runner.query(
      'CREATE INDEX model_version_trained_on ON model_version (trained_on_id) WHERE trained_on_id IS NOT NULL',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE model_version DROP trained_on_id');
  }
}
