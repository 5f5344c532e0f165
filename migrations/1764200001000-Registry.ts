import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Model versions, their aliases with who moved them and why, and the rules that stand before the champion. */
export class Registry1764200001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const NAME = "'^[a-z][a-z0-9_-]{0,62}$'";

const UP = [
  `CREATE TABLE model_version (
    id uuid PRIMARY KEY,
    model_id uuid NOT NULL REFERENCES model ON DELETE CASCADE,
    number int NOT NULL CHECK (number > 0),
    task text NOT NULL CHECK (task IN ('LIGHT_STATE', 'LIGHT_DETECTION')),
    classes text[] NOT NULL CHECK (cardinality(classes) BETWEEN 1 AND 100),
    -- Its BEST weights. Null: made elsewhere.
    experiment_id uuid REFERENCES experiment,
    description text NOT NULL CHECK (length(description) <= 10000),
    framework text CHECK (length(framework) BETWEEN 1 AND 200),
    code_version text CHECK (length(code_version) BETWEEN 1 AND 200),
    -- A blob; of what was made elsewhere, where somebody has sent it.
    artifact_sha256 text, artifact_name text, artifact_media_type text, artifact_bytes bigint,
    created_by text NOT NULL,
    -- Of what was made elsewhere; an experiment is its own key.
    idempotency_key text CHECK (length(idempotency_key) BETWEEN 1 AND 200),
    request_hash text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (model_id, number),
    UNIQUE (model_id, experiment_id),
    UNIQUE (model_id, idempotency_key),
    CHECK ((experiment_id IS NULL) <> (idempotency_key IS NULL))
  )`,
  'CREATE INDEX model_version_experiment ON model_version (experiment_id) WHERE experiment_id IS NOT NULL',
  `CREATE TABLE model_alias (
    id uuid PRIMARY KEY,
    model_id uuid NOT NULL REFERENCES model ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ ${NAME}),
    version_id uuid NOT NULL REFERENCES model_version,
    since timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (model_id, name)
  )`,
  'CREATE INDEX model_alias_version ON model_alias (version_id)',
  `CREATE TABLE model_alias_change (
    id uuid PRIMARY KEY,
    model_id uuid NOT NULL REFERENCES model ON DELETE CASCADE,
    -- Counted up under the lock of the model's row, so that numbers commit in order.
    seq int NOT NULL,
    alias text NOT NULL,
    -- Null: nothing held it before; nothing holds it after.
    from_id uuid REFERENCES model_version,
    to_id uuid REFERENCES model_version,
    actor text NOT NULL,
    reason text NOT NULL CHECK (length(reason) <= 2000),
    forced boolean NOT NULL,
    -- As it was at that moment; null: no gate stands before this alias.
    gate_report jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (model_id, seq)
  )`,
  // Appended to, never rewritten. A row goes only with its model (a cascade, which comes from within a trigger).
  `CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '% is never changed', TG_TABLE_NAME; END $$`,
  `CREATE TRIGGER model_alias_change_kept BEFORE UPDATE OR DELETE ON model_alias_change
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER model_version_kept BEFORE UPDATE ON model_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TABLE gate_rule (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    -- Null: every model of the project.
    model_id uuid REFERENCES model ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- The evaluation that counts: the newest on any version of this data set.
    dataset_id uuid NOT NULL REFERENCES dataset ON DELETE CASCADE,
    split text NOT NULL CHECK (split IN ('TRAIN', 'VALIDATION', 'TEST')),
    protocol text NOT NULL,
    -- Of the protocol: a rule says nothing of versions of another task.
    task text NOT NULL,
    metric text NOT NULL,
    class text,
    condition text,
    every_condition boolean NOT NULL DEFAULT false CHECK (NOT every_condition OR condition IS NULL),
    size_bin smallint CHECK (size_bin >= 0),
    bound text NOT NULL CHECK (bound IN ('LOWER', 'UPPER', 'NOT_WORSE')),
    -- LOWER, UPPER: of the figure; NOT_WORSE: the margin.
    threshold double precision NOT NULL CHECK (threshold BETWEEN 0 AND 1),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (project_id, name)
  )`,
  // Of predictions made elsewhere. Those of an experiment's BEST weights are its version's without being told.
  'ALTER TABLE evaluation ADD model_version_id uuid REFERENCES model_version',
  `CREATE INDEX evaluation_model_version ON evaluation (model_version_id, id) WHERE model_version_id IS NOT NULL`,
  `CREATE VIEW model_version_evaluation AS
    SELECT model_version_id AS version_id, id AS evaluation_id FROM evaluation WHERE model_version_id IS NOT NULL
    UNION ALL SELECT v.id, e.id FROM model_version v JOIN evaluation e ON e.experiment_id = v.experiment_id
    WHERE e.weights = 'BEST' AND e.model_version_id IS NULL`,
];

const DOWN = [
  'DROP VIEW model_version_evaluation',
  'ALTER TABLE evaluation DROP model_version_id',
  'DROP TABLE gate_rule, model_alias_change, model_alias, model_version',
  'DROP FUNCTION refuse_change',
];
