/** Lights or frames of a split, drawn by a seed: the same seed gives the same of a version anywhere. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DataSource } from 'typeorm';
import type { Split } from '../../catalog/vocabulary.js';
import { BOXES, IS_LIGHT } from '../../jobs/lights.js';
import type { BlobStore } from '../../platform/blobs.js';
import { frameOf, LIGHTS_OF_ITEM, picturesOf, type ItemRow } from '../../jobs/worker/items.js';
import type { Frame, Sample } from '../../training/protocol.js';

export interface SampleQuestion {
  versionUuid: string;
  split: Split;
  classes: string[];
  seed: number;
  /** At most so many. */
  size: number;
}

interface LightRow {
  sha256: string;
  index: number;
  color: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Writes a samples file. @returns how many lights are in it */
export async function writeLightSample(
  { db, blobs }: { db: DataSource; blobs: BlobStore },
  { versionUuid, split, classes, seed, size }: SampleQuestion,
  file: string,
): Promise<number> {
  const rows: LightRow[] = await db.query(
    `/* modelExport.sample */ SELECT item.sha256, (place - 1)::int AS index, light->>'color' AS color,
       (light->>'x')::float8 AS x, (light->>'y')::float8 AS y, (light->>'width')::float8 AS width,
       (light->>'height')::float8 AS height
     FROM dataset_item item CROSS JOIN LATERAL ${BOXES}
     WHERE item.version_id = $1 AND item.split = $2 AND item.lights > 0 AND ${IS_LIGHT} AND light->>'color' = ANY ($3)
     ORDER BY sha256(convert_to($4 || ':' || item.sha256 || ':' || place, 'UTF8')) LIMIT $5`,
    [versionUuid, split, classes, String(seed), size],
  );
  const files = await picturesOf(blobs, rows, join(dirname(file), 'pictures'));
  const lines = rows.map(({ sha256, index, color, ...box }, at) =>
    JSON.stringify({
      id: `${sha256}:${index}`,
      file: files[at]!,
      box,
      label: classes.indexOf(color),
      split,
      conditions: [],
    } satisfies Sample),
  );
  await writeFile(file, lines.map((line) => `${line}\n`).join(''));
  return rows.length;
}

/** Images that somebody has labelled, with or without a light. */
export async function frameSample(
  { db, blobs, folder }: { db: DataSource; blobs: BlobStore; folder: string },
  { versionUuid, split, classes, seed, size }: SampleQuestion,
): Promise<Frame[]> {
  const rows: ItemRow[] = await db.query(
    `/* modelExport.frames */ SELECT item.sha256, item.split, item.conditions, ${LIGHTS_OF_ITEM.LIGHT_DETECTION} AS lights
     FROM dataset_item item
     WHERE item.version_id = $1 AND item.split = $2 AND jsonb_typeof(item.annotations) = 'array'
     ORDER BY sha256(convert_to($3 || ':' || item.sha256, 'UTF8')) LIMIT $4`,
    [versionUuid, split, String(seed), size],
  );
  const files = await picturesOf(blobs, rows, join(folder, 'pictures'));
  return rows.map((row, at) => frameOf(row, files[at]!, classes));
}
