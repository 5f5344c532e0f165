import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where the weights of an experiment began, and what it was trained with. */
export class ExperimentEnvironment1764200002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
    await runner.query(
      'CREATE INDEX experiment_parent ON experiment (parent_id) WHERE parent_id IS NOT NULL',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = `ALTER TABLE experiment
  -- No cascade: what it was trained on has been seen by all that descend from it, so it must stay known while they are.
  ADD parent_id uuid REFERENCES experiment CHECK (parent_id <> id),
  ADD service_version text,
  -- Of the service's sources; '-dirty' at its end: they had been changed since.
  ADD git_commit text,
  ADD node_version text,
  ADD platform text,
  -- {name: version}
  ADD packages jsonb`;

const DOWN = `ALTER TABLE experiment DROP parent_id, DROP service_version, DROP git_commit, DROP node_version,
  DROP platform, DROP packages`;
