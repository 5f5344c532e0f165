/** What changed from one data set version to another: images, annotations, conditions. */
import type { DataSource } from 'typeorm';
import { contentOf, differ } from './annotationContent.js';

export interface VersionDiff {
  images: { added: number; removed: number; changed: number; moved: number; examples: DiffExample[] };
  annotations: { added: number; removed: number; changed: number };
  conditions: {
    condition: string | null;
    before: number;
    after: number;
    shareBefore: number | null;
    shareAfter: number | null;
  }[];
}

export interface DiffExample {
  imageUuid: string;
  change: 'ADDED' | 'REMOVED' | 'CHANGED' | 'MOVED';
}

const MAX_EXAMPLES = 20;

/**
 * Images are told apart by their bytes, annotations by their ids, and where an id is in one version only by what they say: a box that
 * was deleted and drawn again has not changed. Both versions exist.
 */
export async function diffVersions(db: DataSource, a: string, b: string): Promise<VersionDiff> {
  const [images, examples, annotations, conditions] = await Promise.all([
    imageCounts(db, a, b),
    imageExamples(db, a, b),
    annotationCounts(db, a, b),
    conditionCounts(db, a, b),
  ]);
  return { images: { ...images, examples }, annotations, conditions };
}

/** Moved: into another split. Changed: its labels, or what was derived of it. An image may be both. */
const PAIRED = `paired AS (
  SELECT coalesce(x.image_id, y.image_id) AS image_id, coalesce(x.sha256, y.sha256) AS sha256,
    x.sha256 IS NULL AS added, y.sha256 IS NULL AS removed,
    x.sha256 IS NOT NULL AND y.sha256 IS NOT NULL AND x.split <> y.split AS moved,
    x.sha256 IS NOT NULL AND y.sha256 IS NOT NULL AND
      ((x.weather, x.time_of_day, x.scene) IS DISTINCT FROM (y.weather, y.time_of_day, y.scene)
        OR ${differ('x.annotations', 'y.annotations')}) AS changed,
    x.annotations AS before, y.annotations AS after
  FROM (SELECT * FROM dataset_item WHERE version_id = $1) x
  FULL JOIN (SELECT * FROM dataset_item WHERE version_id = $2) y ON y.sha256 = x.sha256)`;

async function imageCounts(db: DataSource, a: string, b: string) {
  const [row]: [{ added: number; removed: number; changed: number; moved: number }] = await db.query(
    `/* diff.images */ WITH ${PAIRED} SELECT count(*) FILTER (WHERE added)::int AS added,
       count(*) FILTER (WHERE removed)::int AS removed, count(*) FILTER (WHERE changed)::int AS changed,
       count(*) FILTER (WHERE moved)::int AS moved FROM paired`,
    [a, b],
  );
  return row;
}

function imageExamples(db: DataSource, a: string, b: string): Promise<DiffExample[]> {
  return db.query(
    `/* diff.examples */ WITH ${PAIRED} SELECT image_id AS "imageUuid", CASE WHEN added THEN 'ADDED' WHEN removed THEN 'REMOVED'
       WHEN changed THEN 'CHANGED' ELSE 'MOVED' END AS change
     FROM paired WHERE added OR removed OR changed OR moved ORDER BY sha256 LIMIT ${MAX_EXAMPLES}`,
    [a, b],
  );
}

async function annotationCounts(db: DataSource, a: string, b: string) {
  const [row]: [{ added: number; removed: number; changed: number }] = await db.query(
    `/* diff.annotations */ WITH ${PAIRED},
       differing AS (SELECT * FROM paired WHERE before IS DISTINCT FROM after),
       old AS (SELECT sha256, box ->> 'id' AS id, ${contentOf('box')} AS said FROM differing, jsonb_array_elements(before) box),
       new AS (SELECT sha256, box ->> 'id' AS id, ${contentOf('box')} AS said FROM differing, jsonb_array_elements(after) box),
       same AS (SELECT sha256, id, old.said <> new.said AS changed FROM old JOIN new USING (sha256, id)),
       gone AS (${unpaired('old')}),
       come AS (${unpaired('new')})
     SELECT count(*) FILTER (WHERE gone.nth IS NULL)::int AS added, count(*) FILTER (WHERE come.nth IS NULL)::int AS removed,
       (SELECT count(*) FILTER (WHERE changed)::int FROM same) AS changed
     FROM gone FULL JOIN come USING (sha256, said, nth)`,
    [a, b],
  );
  return row;
}

/** Those whose id the other version has not; equal ones of an image are numbered, so that they pair off one by one. */
const unpaired = (boxes: string) =>
  `SELECT sha256, said, row_number() OVER (PARTITION BY sha256, said) AS nth FROM ${boxes}
   WHERE NOT EXISTS (SELECT 1 FROM same s WHERE s.sha256 = ${boxes}.sha256 AND s.id = ${boxes}.id)`;

async function conditionCounts(db: DataSource, a: string, b: string): Promise<VersionDiff['conditions']> {
  // Every condition of either version, be it that no image is in it.
  const rows: { version_id: string; condition: string | null; n: number }[] = await db.query(
    `/* diff.conditions */ SELECT v.id AS version_id, c.name AS condition, coalesce(i.n, 0)::int AS n
     FROM dataset_version v
     CROSS JOIN LATERAL (SELECT NULL::text AS name, -1 AS position UNION ALL
       SELECT name, nth::int - 1 FROM unnest(v.condition_names) WITH ORDINALITY AS u(name, nth)) c
     LEFT JOIN (SELECT i.version_id, m.position, count(*) AS n FROM dataset_item i
       CROSS JOIN LATERAL (SELECT -1 AS position UNION ALL SELECT unnest(i.conditions)) m
       WHERE i.version_id IN ($1, $2) GROUP BY 1, 2) i ON i.version_id = v.id AND i.position = c.position
     WHERE v.id IN ($1, $2)`,
    [a, b],
  );
  const of = (version: string, condition: string | null) =>
    rows.find((row) => row.version_id === version && row.condition === condition)?.n ?? 0;
  const [totalA, totalB] = [of(a, null), of(b, null)];
  const names = [...new Set(rows.map((row) => row.condition))].sort((x, y) =>
    x === null ? -1 : y === null ? 1 : x < y ? -1 : 1,
  );
  return names.map((condition) => ({
    condition,
    before: of(a, condition),
    after: of(b, condition),
    shareBefore: totalA > 0 ? of(a, condition) / totalA : null,
    shareAfter: totalB > 0 ? of(b, condition) / totalB : null,
  }));
}
