/** What a version is written to can be read again: everything, but for what the format says that it cannot carry. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { Category, LightColor } from '../../../src/catalog/vocabulary.js';
import type { FrameBox } from '../../../src/datasets/formats/frame.js';
import { WRITERS, writeArchive, type Format } from '../../../src/datasets/formats/write/archive.js';
import { inclusiveEnd, isExact, sizeOf } from '../../../src/datasets/formats/write/inclusive.js';
import { CATEGORY, SCENE, TIME_OF_DAY, WEATHER } from '../../../src/datasets/formats/write/spelling.js';
import {
  safePath,
  SPLIT_NAME,
  SPLITS,
  type About,
  type VersionFrame,
} from '../../../src/datasets/formats/write/writer.js';
import { YOLO_CLASSES } from '../../../src/datasets/formats/write/yolo.js';
import { anyFrames } from '../../support/frames.js';

let root: string;
let made = 0;
beforeAll(async () => (root = await mkdtemp(join(tmpdir(), 'shingo-write-'))));
afterAll(() => rm(root, { recursive: true, force: true }));

const ABOUT: About = {
  dataset: 'lights',
  description: '',
  version: '1.2.3',
  dataId: 'ab'.repeat(32),
  createdAt: new Date('2026-01-02T03:04:05Z'),
  conditions: ['night', 'rain'],
  pictures: false,
};

async function folderOf(format: Format, frames: readonly VersionFrame[]): Promise<string> {
  const folder = join(root, String(++made));
  await mkdir(folder);
  const writer = await WRITERS[format].open(folder, ABOUT);
  for (const frame of frames) await writer.add(frame);
  await writer.finish();
  return folder;
}

const json = async (path: string) => JSON.parse(await readFile(path, 'utf8'));
const back = <T extends string>(words: Record<T, string>, word: string | undefined): T | null =>
  word === undefined ? null : (Object.keys(words) as T[]).find((key) => words[key] === word)!;
const byName = (a: { fileName: string }, b: { fileName: string }) => (a.fileName < b.fileName ? -1 : 1);
const conditionsOf = (attributes: Record<string, string>) => ({
  weather: back(WEATHER, attributes.weather),
  timeOfDay: back(TIME_OF_DAY, attributes.timeofday),
  scene: back(SCENE, attributes.scene),
});

/** What each format gives back, read by the format's own rules. */
const READ: Record<'SCALABEL' | 'COCO' | 'YOLO' | 'PARQUET', (folder: string) => Promise<object[]>> = {
  async SCALABEL(folder) {
    const all = [];
    for (const split of SPLITS) {
      const { frames } = await json(join(folder, `labels/det_20/det_${SPLIT_NAME[split]}.json`));
      for (const frame of frames) {
        all.push({
          fileName: frame.name,
          split,
          drive: frame.videoName ?? null,
          width: frame.size.width,
          height: frame.size.height,
          ...conditionsOf(frame.attributes),
          boxes:
            frame.labels?.map((label: any) => ({
              category: back(CATEGORY, label.category),
              x: label.box2d.x1,
              y: label.box2d.y1,
              width: sizeOf(label.box2d.x1, label.box2d.x2),
              height: sizeOf(label.box2d.y1, label.box2d.y2),
              color: label.attributes.trafficLightColor ?? null,
              occluded: label.attributes.occluded ?? null,
              truncated: label.attributes.truncated ?? null,
              score: label.score ?? null,
              ignore: label.attributes.crowd ?? false,
            })) ?? null,
        });
      }
    }
    return all;
  },
  async COCO(folder) {
    const all = [];
    for (const split of SPLITS) {
      const file = await json(join(folder, `annotations/instances_${SPLIT_NAME[split]}.json`));
      for (const image of file.images) {
        const { attributes } = image;
        const boxes = file.annotations
          .filter((annotation: any) => annotation.image_id === image.id)
          .map((annotation: any) => {
            const category = file.categories.find((one: any) => one.id === annotation.category_id);
            const [, color, arrows] =
              /^traffic light(?: (red|yellow|green|off|unknown))?((?: \S+)*)$/.exec(category.name) ?? [];
            expect(annotation.attributes.color).toBe(color);
            expect(annotation.attributes.arrows ?? []).toEqual((arrows ?? '').split(' ').filter(Boolean));
            const [x, y, width, height] = annotation.bbox;
            return {
              category: back(CATEGORY, category.supercategory),
              ...{ x, y, width, height },
              color: color?.toUpperCase() ?? null,
              arrows: (arrows ?? '')
                .split(' ')
                .filter(Boolean)
                .map((arrow) => arrow.toUpperCase()),
              role: annotation.attributes.role?.toUpperCase() ?? null,
              occluded: annotation.attributes.occluded ?? null,
              truncated: annotation.attributes.truncated ?? null,
              score: annotation.score ?? null,
              ignore: annotation.iscrowd === 1,
              label: null,
            };
          });
        all.push({
          fileName: image.file_name,
          split,
          width: image.width,
          height: image.height,
          recordedAt: image.date_captured ? new Date(image.date_captured) : null,
          ...conditionsOf(attributes),
          sha256: attributes.sha256 ?? null,
          latitude: attributes.latitude ?? null,
          longitude: attributes.longitude ?? null,
          drive: attributes.drive ?? null,
          boxes: attributes.labelled ? boxes : null,
        });
      }
    }
    return all;
  },
  async YOLO(folder) {
    const all = [];
    for (const split of SPLITS) {
      const labels = join(folder, 'labels', SPLIT_NAME[split]);
      const files = await readdir(labels, { recursive: true }).catch(() => [] as string[]);
      for (const file of files.filter((name) => name.endsWith('.txt'))) {
        const lines = (await readFile(join(labels, file), 'utf8')).split('\n').filter(Boolean);
        all.push({
          fileName: file.replace(/\.txt$/, '.jpg'),
          split,
          boxes: lines.map((line) => line.split(' ').map(Number)),
        });
      }
    }
    return all;
  },
  async PARQUET(folder) {
    const rows = async (name: string): Promise<any[]> =>
      parquetReadObjects({ file: await asyncBufferFromFile(join(folder, `${name}.parquet`)) });
    const boxes = Map.groupBy(await rows('annotations'), (row) => row.image_id as string);
    return (await rows('images')).map((row) => ({
      id: row.image_id,
      fileName: row.file_name,
      split: row.split,
      width: row.width,
      height: row.height,
      sha256: row.sha256,
      recordedAt: row.recorded_at,
      latitude: row.latitude,
      longitude: row.longitude,
      drive: row.drive,
      weather: row.weather,
      timeOfDay: row.time_of_day,
      scene: row.scene,
      conditions: ABOUT.conditions.filter((name) => row[`condition_${name}`]),
      boxes: row.labelled
        ? (boxes.get(row.image_id) ?? []).map(({ image_id: _, position: __, ...box }) => box)
        : null,
    }));
  },
};

const SCALABEL_COLOR = { RED: 'red', YELLOW: 'yellow', GREEN: 'green', OFF: 'none', UNKNOWN: 'none' };
const exactOnly = (start: number, size: number) => sizeOf(start, inclusiveEnd(start, size));

/** The frame without what the format states that it loses. */
const CARRIED: Record<keyof typeof READ, (frame: VersionFrame) => object | null> = {
  SCALABEL: ({ fileName, split, drive, width, height, weather, timeOfDay, scene, boxes }) => ({
    ...{ fileName, split, drive, width, height, weather, timeOfDay, scene },
    boxes:
      boxes &&
      boxes.map(({ role: _, arrows: __, label: ___, color, ...box }) => ({
        ...box,
        // Where no end is exact, that is stated; where one is, the size must come back bit for bit.
        width: isExact(box.x, box.width) ? box.width : exactOnly(box.x, box.width),
        height: isExact(box.y, box.height) ? box.height : exactOnly(box.y, box.height),
        color: color ? SCALABEL_COLOR[color] : null,
      })),
  }),
  COCO: ({ id: _, conditions: __, position: ___, ...frame }) => frame,
  YOLO: ({ fileName, split, boxes }) =>
    boxes && { fileName, split, boxes: boxes.filter((box) => !box.ignore) },
  PARQUET: ({ position: _, ...frame }) => frame,
};

const equalBits = (actual: object[], expected: object[]) => {
  expect([...actual].sort(byName as never)).toEqual([...expected].sort(byName as never));
};

test.each(['SCALABEL', 'COCO', 'PARQUET'] as const)(
  '%s gives back every bit of what it carries',
  async (format) => {
    await fc.assert(
      fc.asyncProperty(anyFrames, async (frames) => {
        const folder = await folderOf(format, frames);
        equalBits(
          await READ[format](folder),
          frames.map(CARRIED[format]).filter((frame) => frame !== null),
        );
      }),
      { numRuns: 60 },
    );
  },
);

test('YOLO gives back classes and boxes to within a billionth of a pixel, and no file where nobody looked', async () => {
  await fc.assert(
    fc.asyncProperty(anyFrames, async (frames) => {
      const read = (await READ.YOLO(await folderOf('YOLO', frames))) as {
        fileName: string;
        boxes: number[][];
      }[];
      const expected = frames.map(CARRIED.YOLO).filter((frame) => frame !== null) as VersionFrame[];
      expect(read.map(({ fileName }) => fileName).sort()).toEqual(
        expected.map(({ fileName }) => fileName).sort(),
      );
      for (const { fileName, boxes } of read) {
        const frame = frames.find((one) => one.fileName === fileName)!;
        const kept = frame.boxes!.filter((box) => !box.ignore);
        expect(boxes).toHaveLength(kept.length);
        for (const [index, [number, cx, cy, w, h]] of boxes.entries() as Iterable<
          [number, [number, number, number, number, number]]
        >) {
          const box = kept[index]!;
          expect(YOLO_CLASSES[number]).toBe(
            CATEGORY[box.category] + (box.color ? ` ${box.color.toLowerCase()}` : ''),
          );
          const x = (cx - w / 2) * frame.width!;
          const y = (cy - h / 2) * frame.height!;
          for (const [one, other] of [
            [x, box.x],
            [y, box.y],
            [w * frame.width!, box.width],
            [h * frame.height!, box.height],
          ] as const)
            expect(Math.abs(one - other)).toBeLessThan(1e-9);
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('a size that was read from corners that include the last pixel comes back bit for bit', () => {
  const corner = fc.double({ min: 0, max: 8192, noNaN: true });
  fc.assert(
    fc.property(corner, corner, (a, b) => {
      const [start, end] = [Math.min(a, b), Math.max(a, b)];
      const size = sizeOf(start, end);
      expect(sizeOf(start, inclusiveEnd(start, size))).toBe(size);
    }),
    { numRuns: 20_000 },
  );
});

test('whole and half pixels are exact in Scalabel', () => {
  const half = fc.integer({ min: -2000, max: 16_384 }).map((n) => n / 2);
  const positive = fc.integer({ min: 1, max: 16_384 }).map((n) => n / 2);
  fc.assert(fc.property(half, positive, (start, size) => isExact(start, size)));
});

const light = (box: Partial<FrameBox> = {}): FrameBox => ({
  category: Category.TRAFFIC_LIGHT,
  x: 1,
  y: 2,
  width: 8,
  height: 20,
  color: LightColor.RED,
  ...box,
});
const frame = (fields: Partial<VersionFrame> = {}): VersionFrame => ({
  id: 'i',
  fileName: 'a.jpg',
  width: 100,
  height: 50,
  split: 'TRAIN',
  conditions: [],
  boxes: [light()],
  position: '',
  ...fields,
});

async function archive(format: Format, frames: VersionFrame[], options: object = {}) {
  const folder = join(root, String(++made));
  await mkdir(folder);
  const target = join(folder, 'export.zip');
  const written = await writeArchive({ format, about: ABOUT, frames, folder, target, ...options });
  return {
    target,
    written,
    sha256: createHash('sha256')
      .update(await readFile(target))
      .digest('hex'),
  };
}

test('the report counts what is lost, and says so of what is not there as well', async () => {
  const frames = [
    frame({
      drive: 'd',
      weather: 'RAIN' as never,
      boxes: [light({ color: 'OFF' as never, score: 0.5 }), light({ ignore: true })],
    }),
    frame({ fileName: 'b.jpg', width: null, boxes: [light()] }),
  ];
  const { written } = await archive('YOLO', frames);
  const counts = Object.fromEntries(written.losses.map(({ what, images, boxes }) => [what, [images, boxes]]));
  expect(counts).toMatchObject({
    drive: [1, 0],
    weather: [1, 0],
    scene: [0, 0],
    score: [0, 1],
    boxes: [1, 0],
    ignore: [0, 1],
  });
  expect(written).toMatchObject({ images: 2, boxes: 3, format: 'YOLO', version: '1.2.3' });
  const scalabel = await archive('SCALABEL', frames);
  expect(scalabel.written.losses.find(({ what }) => what === 'color')).toMatchObject({ boxes: 1 });
  const parquet = (
    await archive('PARQUET', [...frames, frame({ fileName: 'c.jpg', place: 'Japan, Tokyo, Chiyoda' })])
  ).written;
  expect(parquet.losses).toMatchObject([{ what: 'place', images: 1, boxes: 0 }]);
});

test.each(Object.keys(WRITERS) as Format[])(
  '%s: the same frames give the same bytes, in any time zone',
  async (format) => {
    const frames = fc.sample(anyFrames, { seed: 7, numRuns: 4 })[3]!;
    const zone = process.env.TZ;
    try {
      process.env.TZ = 'Asia/Tokyo';
      const first = await archive(format, frames);
      process.env.TZ = 'America/New_York';
      expect((await archive(format, frames)).sha256).toBe(first.sha256);
      expect((await archive(format, [...frames, frame()])).sha256).not.toBe(first.sha256);
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  },
);

test('a version without images is written in every format', async () => {
  for (const format of Object.keys(WRITERS) as Format[]) {
    const { written, target } = await archive(format, []);
    expect(written.images).toBe(0);
    expect((await stat(target)).size).toBeGreaterThan(100);
  }
});

test('an export that is cancelled ends with the reason of the cancellation', async () => {
  const cancel = new AbortController();
  function* frames() {
    yield frame();
    cancel.abort(new Error('enough'));
    yield frame({ fileName: 'b.jpg' });
  }
  await expect(archive('COCO', frames() as never, { signal: cancel.signal })).rejects.toThrow('enough');
});

test('no file name leaves the export', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[./\\a]{0,12}$/)), (name) => {
      const path = safePath(name);
      expect(path).not.toMatch(/^\/|\\|(^|\/)\.\.?(\/|$)|^$/);
    }),
  );
});
