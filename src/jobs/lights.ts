/** The lights of a data set version that training can learn from: those whose colour somebody could tell. */
import type { DataSource, EntityManager } from 'typeorm';
import type { Split } from '../catalog/vocabulary.js';

/** The boxes of `item`, one row each: `light` (jsonb) and `place` (from 1). */
export const BOXES = `jsonb_array_elements(
    CASE WHEN jsonb_typeof(item.annotations) = 'array' THEN item.annotations ELSE '[]' END)
  WITH ORDINALITY AS box (light, place)`;
export const IS_LIGHT = `light->>'category' = 'TRAFFIC_LIGHT' AND light->>'color' <> 'UNKNOWN'`;

export interface LightCount {
  split: Split;
  color: string;
  n: number;
}

export async function countLights(
  db: DataSource | EntityManager,
  versionUuid: string,
): Promise<LightCount[]> {
  return db.query(
    `/* job.lights */ SELECT item.split, light->>'color' AS color, count(*)::int AS n FROM dataset_item item
     CROSS JOIN LATERAL ${BOXES} WHERE item.version_id = $1 AND item.lights > 0 AND ${IS_LIGHT} GROUP BY 1, 2`,
    [versionUuid],
  );
}

/** Sorted, over every split: what a model trained on this version tells apart. */
export const classesOf = (counts: LightCount[]): string[] =>
  [...new Set(counts.map(({ color }) => color))].sort();

export const inSplit = (counts: LightCount[], split: Split): number =>
  counts.reduce((sum, count) => (count.split === split ? sum + count.n : sum), 0);

/** Of a version, in the order that its items' conditions count in. */
export async function conditionNames(db: DataSource, versionUuid: string): Promise<string[]> {
  const rows: { condition_names: string[] }[] = await db.query(
    '/* job.conditions */ SELECT condition_names FROM dataset_version WHERE id = $1',
    [versionUuid],
  );
  return rows[0]?.condition_names ?? [];
}
