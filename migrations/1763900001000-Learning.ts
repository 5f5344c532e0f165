import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Data set versions, models, experiments with their event log, evaluations, artifacts, jobs. */
export class Learning1763900001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `DROP TABLE evaluation_prediction, evaluation_condition, evaluation, artifact, experiment_event,
        experiment_parameter, job, experiment, model, dataset_item, dataset_version, dataset`,
    );
  }
}

const STATE = "('QUEUED', 'RUNNING', 'CANCELLING', 'SUCCEEDED', 'FAILED', 'CANCELLED')";
const SPLIT = "('TRAIN', 'VALIDATION', 'TEST')";

const UP = [
  `CREATE TABLE dataset (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description text NOT NULL DEFAULT '',
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (project_id, name)
  )`,
  `CREATE TABLE dataset_version (
    id uuid PRIMARY KEY,
    dataset_id uuid NOT NULL REFERENCES dataset ON DELETE CASCADE,
    version int NOT NULL CHECK (version > 0),
    -- SHA-256 of the content (not of ids): the same recipe on the same data gives the same data id anywhere.
    data_id text NOT NULL,
    filter jsonb,
    seed int NOT NULL,
    train double precision NOT NULL, validation double precision NOT NULL, test double precision NOT NULL,
    image_count int NOT NULL,
    light_count int NOT NULL,
    -- The conditions of the project at that moment; items refer to them by their place in these arrays.
    condition_names text[] NOT NULL,
    condition_ids uuid[] NOT NULL,
    condition_versions int[] NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (dataset_id, version)
  )`,
  // Frozen: what the image, its labels and its conditions were when the version was made.
  `CREATE TABLE dataset_item (
    version_id uuid NOT NULL REFERENCES dataset_version ON DELETE CASCADE,
    sha256 text NOT NULL REFERENCES picture,
    -- Not a foreign key: an image may be deleted later, a version may not change.
    image_id uuid NOT NULL,
    split text NOT NULL CHECK (split IN ${SPLIT}),
    weather text, time_of_day text, scene text,
    -- Indices into dataset_version.condition_names.
    conditions smallint[] NOT NULL,
    -- [{id, category, x, y, width, height, color, arrows, role, occluded, truncated}]; null: unlabelled.
    annotations jsonb,
    -- How many of them are traffic lights.
    lights int NOT NULL,
    PRIMARY KEY (version_id, sha256)
  )`,
  `CREATE TABLE model (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description text NOT NULL DEFAULT '',
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (project_id, name)
  )`,
  `CREATE TABLE experiment (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    model_id uuid NOT NULL REFERENCES model,
    dataset_version_id uuid NOT NULL REFERENCES dataset_version,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    algorithm text NOT NULL,
    state text NOT NULL DEFAULT 'QUEUED' CHECK (state IN ${STATE}),
    engine text,
    engine_reason text,
    best_epoch int, epochs_run int, stopped_early boolean,
    -- Number of the newest row of its event log. Writers take this row's lock, so numbers commit in order.
    last_seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    started_at timestamptz(3), finished_at timestamptz(3),
    UNIQUE (project_id, name)
  )`,
  'CREATE INDEX experiment_project ON experiment (project_id, id)',
  `CREATE TABLE experiment_parameter (
    experiment_id uuid NOT NULL REFERENCES experiment ON DELETE CASCADE,
    name text NOT NULL,
    number double precision, text text, boolean boolean,
    PRIMARY KEY (experiment_id, name)
  )`,
  `CREATE TABLE experiment_event (
    experiment_id uuid NOT NULL REFERENCES experiment ON DELETE CASCADE,
    seq bigint NOT NULL,
    time timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL CHECK (kind IN ('METRIC', 'STATUS', 'LOG', 'DONE')),
    -- METRIC; condition null: every image of the split.
    name text, split text CHECK (split IN ${SPLIT}), condition text, step int,
    value double precision, n int, lower double precision, upper double precision, method text,
    -- STATUS, DONE
    state text CHECK (state IN ${STATE}), reason_code text,
    -- LOG: level and message; STATUS, DONE: the reason's message
    level text, message text,
    PRIMARY KEY (experiment_id, seq)
  )`,
  "CREATE INDEX experiment_event_metric ON experiment_event (experiment_id, name, seq) WHERE kind = 'METRIC'",
  `CREATE TABLE artifact (
    id uuid PRIMARY KEY,
    experiment_id uuid NOT NULL REFERENCES experiment ON DELETE CASCADE,
    path text NOT NULL CHECK (length(path) BETWEEN 1 AND 500),
    kind text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    media_type text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (experiment_id, path)
  )`,
  `CREATE TABLE evaluation (
    id uuid PRIMARY KEY,
    experiment_id uuid NOT NULL REFERENCES experiment ON DELETE CASCADE,
    dataset_version_id uuid NOT NULL REFERENCES dataset_version,
    split text NOT NULL CHECK (split IN ${SPLIT}),
    weights text NOT NULL CHECK (weights IN ('BEST', 'INITIAL')),
    state text NOT NULL DEFAULT 'QUEUED' CHECK (state IN ${STATE}),
    classes text[] NOT NULL,
    n int,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    finished_at timestamptz(3)
  )`,
  'CREATE INDEX evaluation_experiment ON evaluation (experiment_id, id)',
  // One row a light: a new slice is then a GROUP BY, not a second run.
  `CREATE TABLE evaluation_prediction (
    evaluation_id uuid NOT NULL REFERENCES evaluation ON DELETE CASCADE,
    sha256 text NOT NULL,
    light int NOT NULL,
    conditions smallint[] NOT NULL,
    actual smallint NOT NULL,
    predicted smallint NOT NULL,
    score real NOT NULL,
    PRIMARY KEY (evaluation_id, sha256, light)
  )`,
  `CREATE TABLE evaluation_condition (
    evaluation_id uuid NOT NULL REFERENCES evaluation ON DELETE CASCADE,
    -- 0: every image; then in the order of dataset_version.condition_names.
    position smallint NOT NULL,
    condition text,
    condition_version int,
    n int NOT NULL, correct int NOT NULL,
    lower double precision NOT NULL, upper double precision NOT NULL, method text NOT NULL,
    -- Row-major, classes × classes: actual × predicted.
    confusion int[] NOT NULL,
    PRIMARY KEY (evaluation_id, position)
  )`,
  `CREATE TABLE job (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('TRAINING', 'EVALUATION')),
    state text NOT NULL DEFAULT 'QUEUED' CHECK (state IN ${STATE}),
    reason_code text, reason_message text,
    experiment_id uuid NOT NULL REFERENCES experiment ON DELETE CASCADE,
    evaluation_id uuid REFERENCES evaluation ON DELETE CASCADE,
    requested_engine text NOT NULL DEFAULT 'auto',
    engine text,
    worker text,
    -- The fence: raised by each claim, named by every write of a trainer; an older attempt can write nothing.
    attempt int NOT NULL DEFAULT 0,
    max_attempts int NOT NULL DEFAULT 3,
    -- Attempts that ended in a crash or with their worker; a drained one does not count.
    crashes int NOT NULL DEFAULT 0,
    heartbeat_at timestamptz(3),
    -- {path, …} blobs of the newest complete checkpoint: {"files": {relative path: sha256}, "epoch": n}
    checkpoint jsonb,
    phase text, epoch int, epochs int, done bigint, total bigint,
    images_per_second double precision, seconds_left double precision,
    idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 200),
    -- SHA-256 of the request: the same key with another request is a CONFLICT.
    request_hash text NOT NULL,
    -- From project.job_seq at its last change.
    seq bigint NOT NULL,
    queued_at timestamptz(3) NOT NULL DEFAULT now(),
    started_at timestamptz(3), finished_at timestamptz(3),
    UNIQUE (project_id, idempotency_key)
  )`,
  'CREATE INDEX job_project_seq ON job (project_id, seq)',
  "CREATE INDEX job_unfinished ON job (state) WHERE state IN ('QUEUED', 'RUNNING', 'CANCELLING')",
  'CREATE INDEX job_experiment ON job (experiment_id)',
];
