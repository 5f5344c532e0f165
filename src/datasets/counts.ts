import type { DataSource } from 'typeorm';
import { Split } from '../catalog/vocabulary.js';
import type { DatasetCount } from './datasetVersion.js';

/** Images and lights of each version, by condition and split; every split of every condition is there, be it 0. */
export async function countsOfVersions(
  db: DataSource,
  versions: readonly string[],
): Promise<DatasetCount[][]> {
  const rows: { version_id: string; position: number; split: Split; images: number; lights: number }[] =
    await db.query(
      `/* dataset.counts */ SELECT i.version_id, c.position, i.split, count(*)::int AS images, sum(i.lights)::int AS lights
     FROM dataset_item i CROSS JOIN LATERAL (SELECT -1 AS position UNION ALL SELECT unnest(i.conditions)) c
     WHERE i.version_id = ANY($1) GROUP BY i.version_id, c.position, i.split`,
      [versions],
    );
  const names: { id: string; condition_names: string[] }[] = await db.query(
    '/* dataset.countNames */ SELECT id, condition_names FROM dataset_version WHERE id = ANY($1)',
    [versions],
  );
  return versions.map((version) => {
    const conditions = [null, ...(names.find((row) => row.id === version)?.condition_names ?? [])];
    return conditions.flatMap((condition, index) =>
      Object.values(Split).map((split) => {
        const row = rows.find(
          (r) => r.version_id === version && r.position === index - 1 && r.split === split,
        );
        return { condition, split, images: row?.images ?? 0, lights: row?.lights ?? 0 };
      }),
    );
  });
}
