/** What a trainer learns from or is examined on, as JSON lines: lights for LIGHT_STATE, frames for LIGHT_DETECTION. */
import { createWriteStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DataSource } from 'typeorm';
import { LearningTask, type Split } from '../../catalog/vocabulary.js';
import type { BlobStore } from '../../platform/blobs.js';
import { forEachLimited } from '../../platform/concurrency.js';
import type { Frame, Sample } from '../../training/protocol.js';
import { BOXES, IS_LIGHT } from '../lights.js';

interface LightRow {
  index: number;
  color: string | null;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface ItemRow {
  sha256: string;
  split: Split;
  conditions: number[];
  lights: LightRow[];
}

/** Which images, and the lines that an image becomes. */
interface Kind {
  images: string;
  lines(row: ItemRow, file: string, classes: string[]): (Sample | Frame)[];
}

const KINDS: Record<LearningTask, Kind> = {
  [LearningTask.LIGHT_STATE]: { images: 'item.lights > 0', lines: samplesOf },
  // An image on which somebody found no light teaches what is none; one that nobody looked at teaches nothing.
  [LearningTask.LIGHT_DETECTION]: {
    images: "jsonb_typeof(item.annotations) = 'array'",
    lines: (row, file, classes) => [frameOf(row, file, classes)],
  },
};

const lightsOf = (where: string) => `(
  SELECT coalesce(json_agg(json_build_object('index', place - 1, 'color', light->'color', 'x', light->'x',
    'y', light->'y', 'width', light->'width', 'height', light->'height') ORDER BY place), '[]')
  FROM ${BOXES} WHERE ${where})`;

/** SQL: the `lights` of an ItemRow. */
export const LIGHTS_OF_ITEM: Record<LearningTask, string> = {
  [LearningTask.LIGHT_STATE]: lightsOf(IS_LIGHT),
  [LearningTask.LIGHT_DETECTION]: lightsOf("light->>'category' = 'TRAFFIC_LIGHT'"),
};

export interface ItemsWanted {
  task: LearningTask;
  versionUuid: string;
  splits: Split[];
  classes: string[];
}

const PAGE = 1_000;
/** Pictures fetched at a time where the store is elsewhere. */
const FETCHES = 16;

/** A path for each picture, which is good as long as `folder` is. @throws ShingoError BLOB_MISSING, BLOB_DAMAGED */
export async function picturesOf(
  blobs: BlobStore,
  rows: { sha256: string }[],
  folder: string,
): Promise<string[]> {
  const files: string[] = [];
  await forEachLimited(rows, FETCHES, async ({ sha256 }, at) => {
    files[at] = await blobs.keep(sha256, folder);
  });
  return files;
}

/** A page of images at a time, whatever the size of the version. Returns the number of lines. */
export async function writeItems(
  { db, blobs }: { db: DataSource; blobs: BlobStore },
  { task, versionUuid, splits, classes }: ItemsWanted,
  file: string,
): Promise<number> {
  const kind = KINDS[task];
  let count = 0;
  async function* lines(): AsyncGenerator<string> {
    for (let after = ''; ;) {
      const rows: ItemRow[] = await db.query(
        `/* job.items */ SELECT item.sha256, item.split, item.conditions, ${LIGHTS_OF_ITEM[task]} AS lights
         FROM dataset_item item WHERE item.version_id = $1 AND item.sha256 > $2 AND item.split = ANY ($3)
           AND ${kind.images} ORDER BY item.sha256 LIMIT ${PAGE}`,
        [versionUuid, after, splits],
      );
      const files = await picturesOf(blobs, rows, join(dirname(file), 'pictures'));
      const items = rows.flatMap((row, at) => kind.lines(row, files[at]!, classes));
      count += items.length;
      if (items.length > 0) yield items.map((item) => `${JSON.stringify(item)}\n`).join('');
      if (rows.length < PAGE) return;
      after = rows.at(-1)?.sha256 ?? '';
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(file));
  return count;
}

function samplesOf(row: ItemRow, file: string, classes: string[]): Sample[] {
  return row.lights.map(({ index, color, x, y, width, height }) => ({
    id: `${row.sha256}:${index}`,
    file,
    box: { x, y, width, height },
    label: classes.indexOf(color ?? ''),
    split: row.split,
    conditions: row.conditions,
  }));
}

/** A light of a colour that is no class (nobody could tell it) is there, but neither to be found nor wrong when found. */
export function frameOf(row: ItemRow, file: string, classes: string[]): Frame {
  const { sha256: id, split, conditions } = row;
  const boxes = row.lights.flatMap(({ color, x, y, width, height }) => {
    if (!(width > 0 && height > 0)) return [];
    const label = classes.indexOf(color ?? '');
    return [{ x, y, width, height, label: label < 0 ? null : label, ignore: label < 0 }];
  });
  return { id, file, split, conditions, boxes };
}
