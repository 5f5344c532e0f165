import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What experiments are found by: parameters of every type, metrics, tags and notes; and the ways of lineage. */
export class ExperimentSearch1764300003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const ORDERS = [
  ['created', 'created_at'],
  ['finished', "coalesce(finished_at, 'infinity')"],
  ['algorithm', 'algorithm'],
  ['epochs', 'coalesce(epochs_run, 9223372036854775807)'],
] as const;

const UP = [
  // A name such as learning_rate is in every project: an index that begins with the project walks its own rows only.
  'ALTER TABLE experiment_parameter ADD project_id uuid',
  `UPDATE experiment_parameter p SET project_id = e.project_id FROM experiment e WHERE e.id = p.experiment_id`,
  'ALTER TABLE experiment_parameter ALTER project_id SET NOT NULL',
  `CREATE FUNCTION experiment_parameter_project() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
     SELECT project_id INTO NEW.project_id FROM experiment WHERE id = NEW.experiment_id;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER experiment_parameter_project BEFORE INSERT ON experiment_parameter
     FOR EACH ROW EXECUTE FUNCTION experiment_parameter_project()`,
  ...['number', 'boolean'].map(
    (type) => `CREATE INDEX experiment_parameter_${type} ON experiment_parameter
       (project_id, name, ${type}, experiment_id) WHERE ${type} IS NOT NULL`,
  ),
  // The first 200 characters: an index row holds 2,700 bytes.
  `CREATE INDEX experiment_parameter_text ON experiment_parameter
     (project_id, name, left(text, 200), experiment_id) WHERE text IS NOT NULL`,
  ...['numbers', 'texts'].map(
    (type) => `CREATE INDEX experiment_parameter_${type} ON experiment_parameter USING gin (${type})
       WHERE ${type} IS NOT NULL`,
  ),
  // The best and the newest of one metric of a hundred thousand experiments: a filter and an order each enter here.
  `CREATE INDEX experiment_metric_last ON experiment_metric (series_id, last_value, experiment_id)
     WHERE last_value <> 'NaN'`,
  ...['min', 'max'].map(
    (
      best,
    ) => `CREATE INDEX experiment_metric_${best} ON experiment_metric (series_id, ${best}_value, experiment_id)
       WHERE ${best}_value IS NOT NULL`,
  ),

  `CREATE TABLE experiment_tag (
    experiment_id uuid NOT NULL REFERENCES experiment ON DELETE CASCADE,
    tag text NOT NULL CHECK (length(tag) BETWEEN 1 AND 100),
    PRIMARY KEY (experiment_id, tag)
  )`,
  'CREATE INDEX experiment_tag_tag ON experiment_tag (tag, experiment_id)',
  `CREATE TABLE experiment_note (
    id uuid PRIMARY KEY,
    experiment_id uuid NOT NULL REFERENCES experiment ON DELETE CASCADE,
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 20000),
    author text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now()
  )`,
  'CREATE INDEX experiment_note_experiment ON experiment_note (experiment_id, id)',
  // As src/graphql/list/fields.ts orders by them.
  ...ORDERS.map(([name, sql]) => `CREATE INDEX experiment_${name} ON experiment (project_id, (${sql}), id)`),
  'CREATE INDEX experiment_state ON experiment (project_id, state, id)',
  'CREATE INDEX experiment_dataset_version ON experiment (dataset_version_id, id)',
  'CREATE INDEX experiment_model ON experiment (model_id, id)',
  'CREATE INDEX evaluation_dataset_version ON evaluation (dataset_version_id, id)',
  'CREATE INDEX model_alias_change_to ON model_alias_change (to_id) WHERE to_id IS NOT NULL',
];

const DOWN = [
  'DROP INDEX model_alias_change_to, evaluation_dataset_version, experiment_model, experiment_dataset_version, experiment_state',
  `DROP INDEX ${ORDERS.map(([name]) => `experiment_${name}`).join(', ')}`,
  'DROP TABLE experiment_note, experiment_tag',
  'DROP INDEX experiment_metric_last, experiment_metric_min, experiment_metric_max',
  `DROP INDEX ${['number', 'boolean', 'text', 'numbers', 'texts'].map((type) => `experiment_parameter_${type}`).join(', ')}`,
  'DROP TRIGGER experiment_parameter_project ON experiment_parameter',
  'DROP FUNCTION experiment_parameter_project',
  'ALTER TABLE experiment_parameter DROP project_id',
];
