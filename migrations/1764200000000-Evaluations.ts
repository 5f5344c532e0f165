import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Evaluation protocols; evaluations of detections and of predictions made elsewhere; their figures as cells. */
export class Evaluations1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const TASK = "('LIGHT_STATE', 'LIGHT_DETECTION')";
const KINDS = "'TRAINING', 'EVALUATION', 'IMPORT', 'EXPORT', 'ENRICHMENT', 'NEAR_DUPLICATES'";

/** COCO's thresholds as pycocotools has them, numpy.linspace(.5, .95, 10). As src/experiments/protocol/standard.ts has it today; a project that is made later takes it from there. */
const STANDARD = `INSERT INTO evaluation_protocol (id, project_id, name, version, task, iou_thresholds, max_detections,
    box_convention, ignore_rule, score_threshold, size_bounds, interval_method, confidence, resamples, seed, minimum_n)
  SELECT gen_random_uuid(), project.id, p.name, 1, p.task, p.iou, p.detections, 'CONTINUOUS', 'UNKNOWN_COLOR', p.score,
    '{8,16,32}', 'WILSON_OR_BOOTSTRAP', 0.95, 1000, 1, 20
  FROM project CROSS JOIN (VALUES
    ('light-state', 'LIGHT_STATE', '{}'::float8[], '{}'::int[], 0::float8),
    ('light-detection', 'LIGHT_DETECTION', '{0.5,0.55,0.6,0.65,0.7,0.75,0.8,0.85,0.8999999999999999,0.95}', '{1,10,100}', 0.3)
  ) p (name, task, iou, detections, score)`;

const UP = [
  `CREATE TABLE evaluation_protocol (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
    -- A change is a new version; evaluations stay with the one that they used.
    version int NOT NULL CHECK (version > 0),
    task text NOT NULL CHECK (task IN ${TASK}),
    -- Of detections; empty where nothing is detected.
    iou_thresholds double precision[] NOT NULL,
    max_detections int[] NOT NULL,
    box_convention text NOT NULL CHECK (box_convention IN ('CONTINUOUS')),
    ignore_rule text NOT NULL CHECK (ignore_rule IN ('UNKNOWN_COLOR', 'UNKNOWN_COLOR_OR_OCCLUDED')),
    -- Recall, precision and confusion look at detections of this score and better.
    score_threshold double precision NOT NULL CHECK (score_threshold BETWEEN 0 AND 1),
    -- Widths in pixels of the picture, rising: n bounds make n + 1 bins.
    size_bounds double precision[] NOT NULL,
    interval_method text NOT NULL CHECK (interval_method IN ('WILSON_OR_BOOTSTRAP', 'BOOTSTRAP')),
    confidence double precision NOT NULL CHECK (confidence > 0 AND confidence < 1),
    resamples int NOT NULL CHECK (resamples BETWEEN 100 AND 10000),
    seed int NOT NULL,
    -- A figure of fewer is INSUFFICIENT_DATA.
    minimum_n int NOT NULL CHECK (minimum_n > 0),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (project_id, name, version)
  )`,
  STANDARD,
  `ALTER TABLE evaluation
    ALTER experiment_id DROP NOT NULL, ALTER weights DROP NOT NULL,
    ADD task text NOT NULL DEFAULT 'LIGHT_STATE' CHECK (task IN ${TASK}),
    ADD source text NOT NULL DEFAULT 'JOB' CHECK (source IN ('JOB', 'IMPORTED')),
    ADD project_id uuid REFERENCES project ON DELETE CASCADE,
    -- Of predictions made elsewhere: whose they are, and what they are called.
    ADD model_id uuid REFERENCES model,
    ADD name text CHECK (length(name) BETWEEN 1 AND 200),
    ADD protocol_id uuid REFERENCES evaluation_protocol,
    ADD CONSTRAINT evaluation_subject CHECK (
      (source = 'JOB' AND experiment_id IS NOT NULL AND weights IS NOT NULL)
      OR (source = 'IMPORTED' AND model_id IS NOT NULL AND name IS NOT NULL))`,
  `UPDATE evaluation SET project_id = e.project_id, model_id = e.model_id, protocol_id = p.id
   FROM experiment e JOIN evaluation_protocol p ON p.project_id = e.project_id AND p.name = 'light-state'
   WHERE e.id = evaluation.experiment_id`,
  'ALTER TABLE evaluation ALTER project_id SET NOT NULL, ALTER model_id SET NOT NULL, ALTER protocol_id SET NOT NULL',
  'CREATE INDEX evaluation_project ON evaluation (project_id, id)',
  'CREATE INDEX evaluation_model ON evaluation (model_id, id)',
  // Of the light, in pixels of the picture; null: predicted before it was kept, and its label is gone.
  'ALTER TABLE evaluation_prediction ADD width real',
  `UPDATE evaluation_prediction p SET width = (i.annotations->p.light->>'width')::real
   FROM evaluation e JOIN dataset_item i ON i.version_id = e.dataset_version_id
   WHERE e.id = p.evaluation_id AND i.sha256 = p.sha256`,
  // One row an image: how its detections met its lights, which is all that any figure of any slice needs.
  `CREATE TABLE evaluation_image (
    evaluation_id uuid NOT NULL REFERENCES evaluation ON DELETE CASCADE,
    sha256 text NOT NULL,
    -- In the file: of detections of equal score those of the earlier image count first, as pycocotools has it.
    position int NOT NULL,
    conditions smallint[] NOT NULL,
    -- Consecutive frames are no independent samples: the bootstrap draws whole drives where there are some.
    drive text,
    -- Of each light that counts, its index in dataset_item.annotations.
    lights int[] NOT NULL,
    -- packMatches() of src/training/statistics/detection/: about 20 bytes a detection.
    matches bytea NOT NULL,
    PRIMARY KEY (evaluation_id, sha256),
    UNIQUE (evaluation_id, position)
  )`,
  // Null: of every class, of the whole split, of every size.
  `CREATE TABLE evaluation_cell (
    evaluation_id uuid NOT NULL REFERENCES evaluation ON DELETE CASCADE,
    metric text NOT NULL,
    class text,
    condition text, condition_version int,
    size_bin smallint,
    value double precision,
    n int NOT NULL,
    lower double precision, upper double precision,
    method text NOT NULL,
    UNIQUE NULLS NOT DISTINCT (evaluation_id, metric, condition, condition_version, class, size_bin)
  )`,
  // What is more than a number of a slice: curves, errors, calibration; its form is that of the task.
  `ALTER TABLE evaluation_condition ADD images int, ADD details jsonb,
    ADD CONSTRAINT evaluation_condition_slice UNIQUE NULLS NOT DISTINCT (evaluation_id, condition, condition_version)`,
  `ALTER TABLE job DROP CONSTRAINT job_kind_check,
    ADD CONSTRAINT job_kind_check CHECK (kind IN (${KINDS}, 'PREDICTIONS'))`,
];

const DOWN = [
  "DELETE FROM job WHERE kind = 'PREDICTIONS'",
  `ALTER TABLE job DROP CONSTRAINT job_kind_check, ADD CONSTRAINT job_kind_check CHECK (kind IN (${KINDS}))`,
  "DELETE FROM evaluation WHERE source = 'IMPORTED'",
  'ALTER TABLE evaluation_condition DROP CONSTRAINT evaluation_condition_slice, DROP images, DROP details',
  'DROP TABLE evaluation_cell, evaluation_image',
  'ALTER TABLE evaluation_prediction DROP width',
  `ALTER TABLE evaluation DROP CONSTRAINT evaluation_subject, DROP task, DROP source, DROP project_id, DROP model_id,
    DROP name, DROP protocol_id, ALTER experiment_id SET NOT NULL, ALTER weights SET NOT NULL`,
  'DROP TABLE evaluation_protocol',
];
