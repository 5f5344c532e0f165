/** What changed from one data set version to another: images, annotations, conditions. */
import type { DataSource } from 'typeorm';

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

/** Images are told apart by their bytes, annotations by their ids. Both versions exist. */
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
    x.sha256 IS NOT NULL AND y.sha256 IS NOT NULL AND (x.annotations, x.weather, x.time_of_day, x.scene)
      IS DISTINCT FROM (y.annotations, y.weather, y.time_of_day, y.scene) AS changed,
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
       old AS (SELECT sha256, e ->> 'id' AS id, e FROM differing, jsonb_array_elements(before) e),
       new AS (SELECT sha256, e ->> 'id' AS id, e FROM differing, jsonb_array_elements(after) e)
     SELECT count(*) FILTER (WHERE old.id IS NULL)::int AS added, count(*) FILTER (WHERE new.id IS NULL)::int AS removed,
       count(*) FILTER (WHERE old.e <> new.e)::int AS changed
     FROM old FULL JOIN new ON new.sha256 = old.sha256 AND new.id = old.id`,
    [a, b],
  );
  return row;
}

async function conditionCounts(db: DataSource, a: string, b: string): Promise<VersionDiff['conditions']> {
  const rows: { version_id: string; condition: string | null; n: number }[] = await db.query(
    `/* diff.conditions */ SELECT i.version_id, c.name AS condition, count(*)::int AS n
     FROM dataset_item i JOIN dataset_version v ON v.id = i.version_id
     CROSS JOIN LATERAL (SELECT NULL::text AS name UNION ALL
       SELECT v.condition_names[m + 1] FROM unnest(i.conditions) m) c
     WHERE i.version_id IN ($1, $2) GROUP BY 1, 2`,
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
