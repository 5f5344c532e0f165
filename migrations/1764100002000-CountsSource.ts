import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Whose count an image's object counts are. A person's come first: once a person has looked, what a model found stays
 * stored and no longer counts.
 */
export class CountsSource1764100002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

const COUNTS = {
  people: "category IN ('PERSON', 'RIDER')",
  cars: "category = 'CAR'",
  bicycles: "category = 'BICYCLE'",
  buses: "category = 'BUS'",
  traffic_lights: "category = 'TRAFFIC_LIGHT'",
};
const columns = Object.keys(COUNTS);
const sums = Object.entries(COUNTS)
  .map(([column, holds]) => `coalesce(sum(n) FILTER (WHERE ${holds}), 0) AS ${column}`)
  .join(', ');

/** In one order for everybody: two statements over the same images cannot wait for each other in a circle. */
const lock = (change: string) =>
  `PERFORM 1 FROM image WHERE id IN (SELECT image_id FROM (${change}) c) ORDER BY id FOR NO KEY UPDATE;`;

const replace = (name: string, body: string) =>
  `CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NULL; END $$`;

/**
 * Only what changed is counted. That is exact because counts_source says which annotations there are: null none, MODEL
 * no person's. So where the source changes, the count of the new one begins at nought. A person's annotation, once it
 * is made, changed or deleted, means that a person has looked; then a model's change nothing ('LABEL' < 'MODEL').
 */
const countObjects = (name: string, change: string) =>
  replace(
    name,
    `${lock(change)}
    WITH delta AS (
      SELECT DISTINCT ON (image_id) image_id, source, ${sums} FROM (${change}) c GROUP BY image_id, source
      ORDER BY image_id, source
    )
    UPDATE image SET counts_source = delta.source, ${columns
      .map(
        (column) =>
          `${column} = CASE WHEN image.counts_source = delta.source THEN image.${column} ELSE 0 END + delta.${column}`,
      )
      .join(', ')}
    FROM delta WHERE image.id = delta.image_id
      AND (delta.source = 'LABEL' OR image.counts_source IS DISTINCT FROM 'LABEL');`,
  );

/** As it was: every annotation counts. */
const countAll = (name: string, change: string) =>
  replace(
    name,
    `${lock(change)}
    WITH delta AS (SELECT image_id, ${sums} FROM (${change}) c GROUP BY image_id)
    UPDATE image SET ${columns
      .map((column) => `${column} = coalesce(image.${column}, 0) + delta.${column}`)
      .join(', ')}
    FROM delta WHERE image.id = delta.image_id;`,
  );

const functions = (count: (name: string, change: string) => string, source: string) => {
  const added = `SELECT image_id, category${source}, 1 AS n FROM added`;
  const removed = `SELECT image_id, category${source}, -1 AS n FROM removed`;
  return [
    count('annotation_inserted', added),
    count('annotation_deleted', removed),
    count('annotation_updated', `${added} UNION ALL ${removed}`),
  ];
};

const UP = [
  "ALTER TABLE image ADD counts_source text CHECK (counts_source IN ('LABEL', 'MODEL'))",
  "UPDATE image SET counts_source = 'LABEL' WHERE traffic_lights IS NOT NULL",
  'ALTER TABLE image ADD CONSTRAINT image_counted CHECK ((counts_source IS NULL) = (traffic_lights IS NULL))',
  // Filters on boxes ask whose annotations count: with it in the index, coverage reads no image rows for them (345 ms
  // instead of 600 for a million images and 4.4 million boxes, of which no index serves the filter).
  'DROP INDEX image_project_id',
  'CREATE INDEX image_project_id ON image (project_id, id) INCLUDE (nr, counts_source)',
  ...functions(countObjects, ', source'),
  // Who writes counts and does not say whose means a person's: an importer that has read an empty list of labels.
  `CREATE FUNCTION image_counts_source() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.counts_source := 'LABEL'; RETURN NEW; END $$`,
  `CREATE TRIGGER image_counts_source BEFORE INSERT OR UPDATE OF counts_source, traffic_lights ON image FOR EACH ROW
    WHEN (NEW.traffic_lights IS NOT NULL AND NEW.counts_source IS NULL) EXECUTE FUNCTION image_counts_source()`,
];

const DOWN = [
  'DROP TRIGGER image_counts_source ON image',
  'DROP FUNCTION image_counts_source',
  ...functions(countAll, ''),
  // Those of a model counted nowhere beside a person's.
  `UPDATE image SET ${columns.map((column) => `${column} = image.${column} + m.${column}`).join(', ')}
    FROM (SELECT image_id, ${sums} FROM (SELECT *, 1 AS n FROM annotation WHERE source = 'MODEL') a GROUP BY 1) m
    WHERE image.id = m.image_id AND image.counts_source = 'LABEL'`,
  'ALTER TABLE image DROP counts_source',
  // It went with its column.
  'CREATE INDEX image_project_id ON image (project_id, id) INCLUDE (nr)',
];
