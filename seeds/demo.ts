import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { ManifestBox, ManifestRow } from './manifest.js';
import { bendDrops, develop } from './pixels.js';
import { localTime, planDemo, type Shot } from './plan.js';
import { seededRandom } from './random.js';
import { composeScene } from './scene.js';
import { HEIGHT, WIDTH } from './stage.js';

export interface DemoOptions {
  images?: number;
  seed?: number;
  onProgress?: (done: number, total: number) => void;
}

export const DEMO_IMAGES = 320;
/** sharp renders on its own threads: three pictures in flight keep two cores busy while one is written. */
const IN_FLIGHT = 3;

/**
 * Writes `folder/images/*.jpg` and `folder/manifest.jsonl`. The same seed writes the same bytes. Files are replaced
 * one by one through a rename, the manifest last: whoever reads it finds every picture that it names.
 */
export async function renderDemo(folder: string, options: DemoOptions = {}): Promise<void> {
  const { images = DEMO_IMAGES, seed = 1, onProgress } = options;
  await mkdir(join(folder, 'images'), { recursive: true });
  const shots = planDemo(images, seed);
  const rows: ManifestRow[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    for (let shot = shots[next++]; shot; shot = shots[next++]) {
      const { jpeg, boxes } = await renderShot(shot, seed);
      const file = fileOf(shot);
      await replaceFile(join(folder, file), jpeg);
      rows[shot.index] = rowOf(shot, file, boxes);
      onProgress?.(++done, images);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  await replaceFile(join(folder, 'manifest.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

export async function renderShot(shot: Shot, seed: number): Promise<{ jpeg: Buffer; boxes: ManifestBox[] }> {
  const { svg, mood, drops, boxes } = composeScene(shot, seed);
  const drawn = await sharp(Buffer.from(svg)).removeAlpha().blur(Math.max(0.3, mood.blur)).raw().toBuffer();
  bendDrops(drawn, drops);
  develop(drawn, mood, seededRandom(seed, 'sensor', shot.index));
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 as const };
  const jpeg = await sharp(drawn, { raw }).jpeg({ quality: 88 }).toBuffer();
  return { jpeg, boxes };
}

const fileOf = (shot: Shot) => `images/${String(shot.index + 1).padStart(4, '0')}.jpg`;

function rowOf(shot: Shot, file: string, boxes: ManifestBox[]): ManifestRow {
  const { place, latitude, longitude, drive, hidden } = shot;
  return {
    file,
    recordedAt: localTime(shot.recordedAt, place.timeZone),
    latitude,
    longitude,
    country: place.country,
    prefecture: place.prefecture,
    city: place.city,
    ...(hidden.weather ? {} : { weather: shot.weather }),
    ...(hidden.timeOfDay ? {} : { timeOfDay: shot.timeOfDay }),
    drive,
    boxes,
  };
}

async function replaceFile(path: string, content: Buffer | string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}
