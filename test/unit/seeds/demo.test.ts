import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { renderDemo, type ManifestBox, type ManifestRow } from '../../../seeds/index.js';
import { planDemo } from '../../../seeds/plan.js';

const IMAGES = 24;
let root: string;
let rows: ManifestRow[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'demo-'));
  await renderDemo(join(root, 'a'), { images: IMAGES, seed: 5 });
  rows = await readManifest('a');
}, 60_000);
afterAll(() => rm(root, { recursive: true }));

async function readManifest(folder: string): Promise<ManifestRow[]> {
  const text = await readFile(join(root, folder, 'manifest.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ManifestRow);
}

async function digest(folder: string): Promise<Record<string, string>> {
  const files = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  const entries = files
    .filter((file) => file.isFile())
    .map(async ({ parentPath, name }) => {
      const bytes = await readFile(join(parentPath, name));
      return [name, createHash('sha256').update(bytes).digest('hex')] as const;
    });
  return Object.fromEntries(await Promise.all(entries));
}

test('the same seed writes the same bytes and nothing else, over what was there; another seed other bytes', async () => {
  const done: number[] = [];
  const first = await digest('a');
  expect(Object.keys(first)).toHaveLength(IMAGES + 1);
  const onProgress = (count: number, total: number) => done.push(count / total);
  await renderDemo(join(root, 'a'), { images: IMAGES, seed: 5, onProgress });
  expect(await digest('a')).toEqual(first);
  expect(done).toEqual(Array.from({ length: IMAGES }, (_, i) => (i + 1) / IMAGES));
  await renderDemo(join(root, 'b'), { images: 2, seed: 6 });
  expect((await digest('b'))['0001.jpg']).not.toBe(first['0001.jpg']);
}, 60_000);

test('a row names its picture, and tells nothing but the truth of its shot', async () => {
  const shots = planDemo(IMAGES, 5);
  for (const [i, row] of rows.entries()) {
    const shot = shots[i]!;
    const { width, height, format } = await sharp(join(root, 'a', row.file)).metadata();
    expect({ width, height, format }).toEqual({ width: 640, height: 360, format: 'jpeg' });
    expect(Date.parse(row.recordedAt)).toBe(shot.recordedAt.getTime());
    expect(row).toMatchObject({ city: shot.place.city, drive: shot.drive, latitude: shot.latitude });
    expect(row.weather).toBe(shot.hidden.weather ? undefined : shot.weather);
    expect(row.timeOfDay).toBe(shot.hidden.timeOfDay ? undefined : shot.timeOfDay);
  }
});

test('every box lies inside its picture and has an area', () => {
  const boxes = rows.flatMap((row) => row.boxes);
  expect(boxes.length).toBeGreaterThan(IMAGES * 5);
  for (const { x, y, width, height } of boxes) {
    expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
    expect(Math.min(width, height)).toBeGreaterThan(0);
    expect(x + width).toBeLessThanOrEqual(640);
    expect(y + height).toBeLessThanOrEqual(360);
  }
});

const isLight = ({ category }: ManifestBox) => category === 'TRAFFIC_LIGHT';

test('each picture has two to four lights of 6 to 52 pixels; only lights have a colour', () => {
  for (const { boxes } of rows) {
    const lights = boxes.filter(isLight);
    expect(lights.length).toBeGreaterThanOrEqual(2);
    expect(lights.length).toBeLessThanOrEqual(4);
    for (const box of lights) {
      expect(box).toMatchObject({
        color: expect.any(String),
        arrows: expect.any(Array),
        role: expect.any(String),
      });
      const long = Math.max(box.width, box.height);
      expect(long).toBeGreaterThan(6);
      expect(long).toBeLessThan(52);
    }
    for (const box of boxes.filter((b) => !isLight(b))) expect(box).not.toHaveProperty('color');
  }
});

/** Mean red, green and blue of the lit part of a box: its brightest, most colourful fifth. */
async function litColour(file: string, { x, y, width, height }: ManifestBox): Promise<number[]> {
  const region = {
    left: Math.round(x),
    top: Math.round(y),
    width: Math.floor(width),
    height: Math.floor(height),
  };
  const pixels = await sharp(join(root, 'a', file))
    .extract(region)
    .raw()
    .toBuffer();
  const all = Array.from({ length: pixels.length / 3 }, (_, i) => [...pixels.subarray(3 * i, 3 * i + 3)]);
  const chroma = (p: number[]) => Math.max(...p) - Math.min(...p);
  all.sort((a, b) => chroma(b) - chroma(a));
  const lit = all.slice(0, Math.ceil(all.length / 5));
  return [0, 1, 2].map((c) => lit.reduce((sum, p) => sum + p[c]!, 0) / lit.length);
}

test('large unhidden lights shine in the colour that their box says', async () => {
  let checked = 0;
  for (const { file, boxes } of rows) {
    for (const box of boxes.filter((b) => isLight(b) && !b.occluded && b.arrows!.length === 0)) {
      if (Math.max(box.width, box.height) < 24 || !['RED', 'GREEN'].includes(box.color!)) continue;
      const [red, green] = await litColour(file, box);
      if (Math.abs(red! - green!) < 12) continue; // washed out by glare or rain, as real ones are
      expect([box.color, red! > green!]).toEqual([box.color, box.color === 'RED']);
      checked++;
    }
  }
  expect(checked).toBeGreaterThan(8);
});
