import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The log that every API process keeps its coverage columns in step by: which images a transaction touched. See
 * src/catalog/coverage/columns and docs/decisions/0006.
 */
export class CoverageLog1764000010000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

/** Statement-level: one INSERT for a batch of 2,000 images. */
const logging = (name: string, rows: string) =>
  `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO coverage_log (project_id, image_id, nr) SELECT project_id, id, nr FROM ${rows};
    RETURN NULL;
  END $$`;
const trigger = (name: string, table: string, event: string, referencing: string) =>
  `CREATE TRIGGER ${name} AFTER ${event} ON ${table} REFERENCING ${referencing}
    FOR EACH STATEMENT EXECUTE FUNCTION ${name}()`;

const UP = [
  // A number that fits 32 bits for long: coverage keeps it for each image, and filters answer with lists of it.
  'ALTER TABLE image ADD nr bigint NOT NULL GENERATED ALWAYS AS IDENTITY',
  // With the number in it: a filter on boxes finds its images without reading their rows.
  'DROP INDEX image_project_id',
  'CREATE INDEX image_project_id ON image (project_id, id) INCLUDE (nr)',
  `CREATE TABLE coverage_log (
    project_id uuid NOT NULL,
    -- Of the transaction that wrote: a reader takes those that its last snapshot did not see.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    -- Null: a place of the project is another now.
    image_id uuid,
    nr bigint,
    at timestamptz NOT NULL DEFAULT now()
  )`,
  'CREATE INDEX coverage_log_project ON coverage_log (project_id, xid)',
  'CREATE INDEX coverage_log_at ON coverage_log (at)',
  // What has been removed from the log: a reader that is older begins anew.
  'CREATE TABLE coverage_log_end (single boolean PRIMARY KEY DEFAULT true CHECK (single), xid xid8 NOT NULL)',
  "INSERT INTO coverage_log_end (xid) VALUES ('0')",
  logging('coverage_image_added', 'added'),
  logging('coverage_image_removed', 'removed'),
  // An image may move to another project: both hear of it.
  logging(
    'coverage_image_changed',
    '(SELECT project_id, id, nr FROM added UNION SELECT project_id, id, nr FROM removed) AS changed',
  ),
  trigger('coverage_image_added', 'image', 'INSERT', 'NEW TABLE AS added'),
  trigger('coverage_image_removed', 'image', 'DELETE', 'OLD TABLE AS removed'),
  trigger('coverage_image_changed', 'image', 'UPDATE', 'OLD TABLE AS removed NEW TABLE AS added'),
  // A new place has no images; one that goes must have lost its own. Only a change matters.
  `CREATE FUNCTION coverage_place_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO coverage_log (project_id) SELECT DISTINCT project_id FROM added;
    INSERT INTO coverage_log (project_id, image_id, nr) SELECT i.project_id, i.id, i.nr
      FROM added a JOIN removed r USING (id) JOIN image i ON i.place_id = a.id WHERE a.time_zone <> r.time_zone;
    RETURN NULL;
  END $$`,
  `CREATE TABLE coverage_target (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- [{dimension, keys}]: the product of the keys are the cells.
    cells jsonb NOT NULL,
    -- The ImageWhere of the images that count.
    filter jsonb NOT NULL,
    -- [{measure, atLeast}]
    wants jsonb NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    UNIQUE (project_id, name)
  )`,
  trigger('coverage_place_changed', 'place', 'UPDATE', 'OLD TABLE AS removed NEW TABLE AS added'),
];

const DOWN = [
  'DROP TRIGGER coverage_image_added ON image',
  'DROP TRIGGER coverage_image_removed ON image',
  'DROP TRIGGER coverage_image_changed ON image',
  'DROP TRIGGER coverage_place_changed ON place',
  'DROP FUNCTION coverage_image_added, coverage_image_removed, coverage_image_changed, coverage_place_changed',
  'DROP TABLE coverage_target, coverage_log, coverage_log_end',
  'ALTER TABLE image DROP nr',
  // It went with its column.
  'CREATE INDEX image_project_id ON image (project_id, id)',
];
