import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Experiments that are trained elsewhere and log here; what a metric is, once a project; its last, least and greatest. */
export class Logging1764300002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...EXPERIMENT, ...SERIES, ...BACKFILL]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const EXPERIMENT = [
  // JOB: trained by a worker of this service. LOGGED: trained elsewhere, and told by createExperiment, logMetrics, ….
  `ALTER TABLE experiment
    ADD source text NOT NULL DEFAULT 'JOB' CHECK (source IN ('JOB', 'LOGGED')),
    ALTER dataset_version_id DROP NOT NULL,
    ADD CONSTRAINT experiment_data CHECK (source = 'LOGGED' OR dataset_version_id IS NOT NULL),
    -- Of a logged one, as its trainer calls it, e.g. a commit.
    ADD code_version text CHECK (length(code_version) BETWEEN 1 AND 200),
    -- When something was last written about it.
    ADD heard_at timestamptz(3),
    -- Why a logged one failed or was cancelled; of the others its job knows.
    ADD reason_message text,
    -- Of createExperiment, as of a job's request: the same name with another request is a CONFLICT.
    ADD request_hash text`,
  // A list is of numbers or of texts; one of the five columns at most is not null.
  'ALTER TABLE experiment_parameter ADD numbers double precision[], ADD texts text[]',
  // One row a request that has been done: sent again it is answered from here.
  `CREATE TABLE experiment_batch (
    experiment_id uuid NOT NULL REFERENCES experiment ON DELETE CASCADE,
    batch_id text NOT NULL CHECK (length(batch_id) BETWEEN 1 AND 200),
    -- SHA-256 of the request: the same id with another request is a CONFLICT.
    request_hash text NOT NULL,
    -- The events that it wrote; null: none.
    first_seq bigint, last_seq bigint,
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (experiment_id, batch_id)
  )`,
];

const SERIES = [
  // Names once a project. Null: of no split, over every condition, over every class.
  `CREATE TABLE metric_series (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    split text CHECK (split IN ('TRAIN', 'VALIDATION', 'TEST')),
    condition text CHECK (length(condition) BETWEEN 1 AND 200),
    class text CHECK (length(class) BETWEEN 1 AND 200),
    UNIQUE NULLS NOT DISTINCT (project_id, name, split, condition, class)
  )`,
  // A row of METRIC says in words what it is, as a reader of the log needs it, and by number for the index.
  `ALTER TABLE experiment_event ADD class text, ADD series_id int,
    ADD CONSTRAINT experiment_event_series CHECK (kind <> 'METRIC' OR series_id IS NOT NULL) NOT VALID`,
  // One row an experiment and series, kept by appendEvents. NaN counts in points, and may be the last value.
  `CREATE TABLE experiment_metric (
    experiment_id uuid NOT NULL REFERENCES experiment ON DELETE CASCADE,
    series_id int NOT NULL REFERENCES metric_series ON DELETE CASCADE,
    points bigint NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    -- Of the greatest step; of several points at that step the one that was logged last.
    last_step int NOT NULL, last_value double precision NOT NULL, last_time timestamptz(3) NOT NULL,
    -- Never NaN; of several equal ones the one that was logged first.
    min_value double precision, min_step int,
    max_value double precision, max_step int,
    PRIMARY KEY (experiment_id, series_id)
  )`,
  // Of every 256 points of a series in the order of the log one row, written when the 256th has come and never changed:
  // what comes after the last block, 255 points at most, is read from experiment_event (its index ends in seq).
  `CREATE TABLE metric_block (
    experiment_id uuid NOT NULL REFERENCES experiment ON DELETE CASCADE,
    series_id int NOT NULL,
    -- 0, 1, 2, …
    block int NOT NULL,
    first_seq bigint NOT NULL, first_step int NOT NULL, first_value double precision NOT NULL,
    last_seq bigint NOT NULL, last_step int NOT NULL, last_value double precision NOT NULL,
    -- Points need not come in the order of their steps.
    low_step int NOT NULL, high_step int NOT NULL,
    -- Never NaN; null: all 256 are.
    min_seq bigint, min_step int, min_value double precision,
    max_seq bigint, max_step int, max_value double precision,
    -- The first NaN: a thinned curve shows that there was one.
    nan_seq bigint, nan_step int,
    PRIMARY KEY (experiment_id, series_id, block)
  )`,
];

const BACKFILL = [
  `INSERT INTO metric_series (project_id, name, split, condition)
   SELECT DISTINCT e.project_id, v.name, v.split, v.condition
   FROM experiment_event v JOIN experiment e ON e.id = v.experiment_id WHERE v.kind = 'METRIC'`,
  `UPDATE experiment_event v SET series_id = s.id FROM experiment e JOIN metric_series s ON s.project_id = e.project_id
   WHERE e.id = v.experiment_id AND v.kind = 'METRIC' AND s.name = v.name
     AND s.split IS NOT DISTINCT FROM v.split AND s.condition IS NOT DISTINCT FROM v.condition`,
  'ALTER TABLE experiment_event VALIDATE CONSTRAINT experiment_event_series',
  'DROP INDEX experiment_event_metric',
  'CREATE INDEX experiment_event_series ON experiment_event (experiment_id, series_id, seq) WHERE series_id IS NOT NULL',
  `INSERT INTO experiment_metric (experiment_id, series_id, points, first_seq, last_seq, last_step, last_value, last_time,
     min_value, min_step, max_value, max_step)
   SELECT experiment_id, series_id, count(*), min(seq), max(seq),
     (array_agg(step ORDER BY step DESC, seq DESC))[1],
     (array_agg(value ORDER BY step DESC, seq DESC))[1], (array_agg(time ORDER BY step DESC, seq DESC))[1],
     (array_agg(value ORDER BY value, seq) FILTER (WHERE value <> 'NaN'))[1],
     (array_agg(step ORDER BY value, seq) FILTER (WHERE value <> 'NaN'))[1],
     (array_agg(value ORDER BY value DESC, seq) FILTER (WHERE value <> 'NaN'))[1],
     (array_agg(step ORDER BY value DESC, seq) FILTER (WHERE value <> 'NaN'))[1]
   FROM experiment_event WHERE series_id IS NOT NULL GROUP BY experiment_id, series_id`,
  // As src/experiments/events/blocks.ts has it today.
  `INSERT INTO metric_block (experiment_id, series_id, block, first_seq, first_step, first_value, last_seq, last_step,
     last_value, low_step, high_step, min_seq, min_step, min_value, max_seq, max_step, max_value, nan_seq, nan_step)
   SELECT experiment_id, series_id, block, min(seq), (array_agg(step ORDER BY seq))[1], (array_agg(value ORDER BY seq))[1],
     max(seq), (array_agg(step ORDER BY seq DESC))[1], (array_agg(value ORDER BY seq DESC))[1], min(step), max(step),
     (array_agg(seq ORDER BY value, seq) FILTER (WHERE value <> 'NaN'))[1],
     (array_agg(step ORDER BY value, seq) FILTER (WHERE value <> 'NaN'))[1],
     min(value) FILTER (WHERE value <> 'NaN'),
     (array_agg(seq ORDER BY value DESC, seq) FILTER (WHERE value <> 'NaN'))[1],
     (array_agg(step ORDER BY value DESC, seq) FILTER (WHERE value <> 'NaN'))[1],
     max(value) FILTER (WHERE value <> 'NaN'),
     min(seq) FILTER (WHERE value = 'NaN'), (array_agg(step ORDER BY seq) FILTER (WHERE value = 'NaN'))[1]
   FROM (SELECT *, ((row_number() OVER (PARTITION BY experiment_id, series_id ORDER BY seq)) - 1) / 256 AS block
     FROM experiment_event WHERE series_id IS NOT NULL) points
   GROUP BY experiment_id, series_id, block HAVING count(*) = 256`,
  `UPDATE experiment e SET heard_at = v.time FROM experiment_event v WHERE v.experiment_id = e.id AND v.seq = e.last_seq`,
];

const DOWN = [
  'DROP TABLE metric_block, experiment_metric, experiment_batch',
  // Nothing of before can show them.
  "DELETE FROM evaluation WHERE experiment_id IN (SELECT id FROM experiment WHERE source = 'LOGGED')",
  "DELETE FROM experiment WHERE source = 'LOGGED'",
  `DELETE FROM experiment_event WHERE kind = 'METRIC' AND class IS NOT NULL`,
  'ALTER TABLE experiment_event DROP class, DROP series_id',
  "CREATE INDEX experiment_event_metric ON experiment_event (experiment_id, name, seq) WHERE kind = 'METRIC'",
  'DROP TABLE metric_series',
  'ALTER TABLE experiment_parameter DROP numbers, DROP texts',
  `ALTER TABLE experiment DROP source, DROP code_version, DROP heard_at, DROP reason_message, DROP request_hash,
    ALTER dataset_version_id SET NOT NULL`,
];
