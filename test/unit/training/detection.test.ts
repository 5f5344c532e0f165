/** The parts of LIGHT_DETECTION: geometry, targets, loss, decoding, frames. */
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { iou } from '../../../src/training/detector/boxes.js';
import { startEngine } from '../../../src/training/engines/index.js';
import { Frames } from '../../../src/training/input/frames.js';
import { readFrames } from '../../../src/training/input/samples.js';
import type { Augmentation } from '../../../src/training/parameters.js';
import type { Frame } from '../../../src/training/protocol.js';
import { drawsOf } from '../../../src/training/input/augment/index.js';
import { showAtRandom } from '../../../src/training/tasks/lightDetection/augment.js';
import { decode, type Detection } from '../../../src/training/tasks/lightDetection/decode.js';
import {
  countFrame,
  countLosses,
  emptyTally,
  metricsOf,
} from '../../../src/training/tasks/lightDetection/figures.js';
import { fromCells, gridOf, toCells } from '../../../src/training/tasks/lightDetection/geometry.js';
import { focal, frameLosses, lossSums } from '../../../src/training/tasks/lightDetection/loss.js';
import {
  addTargets,
  emptyTargets,
  type Targets,
} from '../../../src/training/tasks/lightDetection/targets.js';
import { wilson } from '../../../src/training/statistics/wilson.js';
import { tf } from '../../../src/training/tensorflow.js';

const NATIVE = { width: 1280, height: 720 };
const GRID = gridOf({ width: 320, height: 192 });
const box = (x: number, y: number, width: number, height: number, label: number | null = 0) => ({
  ...{ x, y, width, height, label },
  ignore: label === null,
});
const targetsOf = (boxes: Frame['boxes'], classes = 2): Targets => {
  const targets = emptyTargets(1, GRID, classes);
  addTargets(targets, 0, boxes, NATIVE, GRID, classes);
  return targets;
};
const at = (values: Float32Array, column: number, row: number, label: number, classes = 2) =>
  values[(row * GRID.width + column) * classes + label];

describe('geometry', () => {
  it('brings a box to cells and back, cut at the edges of the picture', () => {
    const place = fc.double({ min: -200, max: 1400, noNaN: true });
    const size = fc.double({ min: 0.5, max: 900, noNaN: true });
    fc.assert(
      fc.property(place, place, size, size, (x, y, width, height) => {
        const cells = toCells({ x, y, width, height }, NATIVE, GRID);
        const inside = x < NATIVE.width && y < NATIVE.height && x + width > 0 && y + height > 0;
        expect(cells !== null).toBe(inside);
        const back = cells && fromCells(cells, NATIVE, GRID);
        if (!back) return;
        expect(back.x).toBeCloseTo(Math.max(0, x), 6);
        expect(back.y).toBeCloseTo(Math.max(0, y), 6);
        expect(back.x + back.width).toBeCloseTo(Math.min(NATIVE.width, x + width), 6);
        expect(back.y + back.height).toBeCloseTo(Math.min(NATIVE.height, y + height), 6);
      }),
    );
  });
});

/** What of a side is in the picture. */
const cut = (from: number, side: number, whole: number) => Math.min(whole, from + side) - Math.max(0, from);

describe('targets', () => {
  it('are 1 at the centre of a light, fall around it, and hold its box there', () => {
    // 1280×720 on 80×48 cells: 16×15 pixels a cell.
    const targets = targetsOf([box(160, 150, 320, 300, 1)]);
    expect(targets.objects).toBe(1);
    const row = Array.from({ length: 5 }, (_, i) => at(targets.heat, 20 + i, 20, 1)!);
    expect(row[0]).toBe(1);
    expect([...row].sort((a, b) => b - a)).toEqual(row);
    expect(row[1]).toBeGreaterThan(0);
    expect(Math.max(...targets.heat.filter((_, i) => i % 2 === 0))).toBe(0);
    const taught = [...Array(80 * 48).keys()].filter((cell) => targets.boxWeight[cell * 4]);
    expect(taught).toContain(20 * 80 + 20);
    for (const cell of taught) {
      const [column, row] = [cell % 80, Math.floor(cell / 80)];
      expect(Math.hypot(column - 20, row - 20)).toBeLessThan(5);
      const [width, height, x, y] = targets.box.subarray(cell * 4, cell * 4 + 4);
      expect([width, height]).toEqual([Math.fround(Math.log(5)), Math.fround(Math.log(5))]);
      // Whatever cell says it, the centre is the same.
      expect([column + x!, row + y!]).toEqual([20, 20]);
    }
  });

  it('teach the box of every light with the same weight in all, its place by its size', () => {
    const side = fc.integer({ min: 6, max: 400 });
    const place = fc.integer({ min: 0, max: 600 });
    fc.assert(
      fc.property(place, place, side, side, (x, y, width, height) => {
        const { boxWeight } = targetsOf([box(x, y, width, height, 1)]);
        const sums = [0, 1, 2, 3].map((k) =>
          boxWeight.filter((_, i) => i % 4 === k).reduce((a, b) => a + b, 0),
        );
        const [cellsWide, cellsHigh] = [cut(x, width, NATIVE.width) / 16, cut(y, height, NATIVE.height) / 15];
        [1, 1, 1 / Math.max(cellsWide, 0.125), 1 / Math.max(cellsHigh, 0.125)].forEach((sum, k) =>
          expect(sums[k]! / sum).toBeCloseTo(1, 4),
        );
      }),
    );
  });

  it('of two lights side by side keep a cell for each', () => {
    const targets = targetsOf([box(160, 150, 8, 20, 1), box(176, 150, 8, 20, 1)]);
    const [first, second] = [20, 21].map((n) => Math.floor((160 + 16 * (n - 20) + 4) / 16) + 80 * 10);
    const centre = (cell: number) => (cell % 80) + targets.box[cell * 4 + 2]!;
    expect(centre(first!)).toBeCloseTo(164 / 16, 5);
    expect(centre(second!)).toBeCloseTo(180 / 16, 5);
  });

  it('do not judge the cells of an ignored light, but for a centre among them', () => {
    const targets = targetsOf([box(160, 150, 160, 150, 0), box(100, 100, 400, 300, null)]);
    expect(targets.objects).toBe(1);
    expect([0, 1].map((label) => at(targets.judged, 10, 10, label))).toEqual([0, 0]);
    expect([0, 1].map((label) => at(targets.judged, 15, 15, label))).toEqual([1, 0]);
    expect(at(targets.judged, 5, 10, 0)).toBe(1);
    const named = targetsOf([{ ...box(100, 100, 400, 300, 1), ignore: true }]);
    expect([0, 1].map((label) => at(named.judged, 10, 10, label))).toEqual([1, 0]);
    expect(named.objects).toBe(0);
  });

  it('leave out what lies outside the picture', () => {
    expect(targetsOf([box(1300, 10, 20, 20), box(-30, 10, 20, 20)]).objects).toBe(0);
    expect(targetsOf([box(1279, 719, 20, 20)]).objects).toBe(1);
  });
});

describe('the loss', () => {
  beforeAll(() => startEngine('wasm'));
  const logits = [-3, -0.5, 0.2, 2, 4, -1];
  const target = [1, 0, 0.6, 1, 0, 0];
  const judged = [1, 1, 1, 1, 1, 0];
  const expected = (values: number[]) =>
    values.reduce((sum, z, i) => {
      const p = 1 / (1 + Math.exp(-z));
      const y = target[i]!;
      const part = y === 1 ? (1 - p) ** 2 * Math.log(p) : (1 - y) ** 4 * p ** 2 * Math.log(1 - p);
      return sum - judged[i]! * part;
    }, 0);

  it('is the penalty-reduced focal loss, and its gradient is that of the formula', () => {
    const [y, mask] = [tf.tensor1d(target), tf.tensor1d(judged)];
    const value = focal(tf.tensor1d(logits), y, mask).dataSync()[0]!;
    expect(value).toBeCloseTo(expected(logits), 4);
    const gradient = tf
      .grad((z: tf.Tensor) => focal(z, y, mask))(tf.tensor1d(logits))
      .dataSync();
    const step = 1e-5;
    logits.forEach((_, i) => {
      const moved = (by: number) => expected(logits.map((z, k) => (k === i ? z + by : z)));
      expect(gradient[i]).toBeCloseTo((moved(step) - moved(-step)) / (2 * step), 3);
    });
    expect(gradient[5]).toBeCloseTo(0, 10);
  });

  it('stays finite, however sure the network is of what is wrong', () => {
    const z = tf.tensor1d([-90, 90]);
    const f = (x: tf.Tensor) => focal(x, tf.tensor1d([1, 0]), tf.tensor1d([1, 1]));
    expect(Number.isFinite(f(z).dataSync()[0])).toBe(true);
    const [up, down] = tf.grad(f)(z).dataSync();
    expect([up! < -0.9, down! > 0.9]).toEqual([true, true]);
  });

  it('counts sizes and places by their weights only', () => {
    const map = (values: number[], depth: number) => tf.tensor4d(values, [1, 1, 2, depth]);
    const targets = {
      ...{ heat: map([1, 0], 1), judged: map([1, 1], 1) },
      ...{ box: map([2, 4, 0.5, 0.5, 0, 0, 0, 0], 4), boxWeight: map([1, 1, 2, 2, 0, 0, 0, 0], 4) },
    };
    const maps = { logits: map([0, 0], 1), box: map([3, 3, 0.25, 0.5, 9, 9, 9, 9], 4) };
    const sums = lossSums(maps, targets);
    expect(sums.size.dataSync()[0]).toBeCloseTo(2, 6);
    expect(sums.offset.dataSync()[0]).toBeCloseTo(0.5, 6);
  });

  it('is the sum of that of its frames', () => {
    const map = (depth: number, seed: number) =>
      tf.randomUniform<tf.Rank.R4>([3, 2, 2, depth], 0, 1, 'float32', seed);
    const targets = { heat: map(2, 1), judged: map(2, 2), box: map(4, 3), boxWeight: map(4, 4) };
    const maps = { logits: map(2, 5), box: map(4, 6) };
    const [sums, frames] = [lossSums(maps, targets), frameLosses(maps, targets)];
    for (const part of ['heat', 'size', 'offset'] as const) {
      const each = [...frames[part].dataSync()];
      expect(each).toHaveLength(3);
      expect(new Set(each).size).toBe(3);
      expect(each.reduce((all, one) => all + one, 0)).toBeCloseTo(sums[part].dataSync()[0]!, 4);
    }
  });
});

describe('decoding', () => {
  const options = { grid: GRID, classes: 2, native: NATIVE, maxDetections: 10 };
  const mapsOf = ({ heat, box }: Targets) => ({ heat, box });

  it('of what should be said gives the boxes back, each once', () => {
    const boxes = [
      box(100, 100, 24, 60),
      box(300, 120, 9, 22, 1),
      box(640, 300, 200, 90, 1),
      box(0, 0, 8, 8),
    ];
    const found = decode(mapsOf(targetsOf(boxes)), options);
    expect(found).toHaveLength(4);
    const sorted = [...found].sort((a, b) => a.x - b.x);
    [...boxes]
      .sort((a, b) => a.x - b.x)
      .forEach((truth, i) => {
        expect(sorted[i]).toMatchObject({ label: truth.label, score: 1 });
        expect(iou(sorted[i]!, truth)).toBeGreaterThan(0.9999);
      });
  });

  it('keeps the surer of two colours for one light, the best ones first, and no more than asked for', () => {
    const targets = targetsOf([box(100, 100, 24, 60, 0), box(500, 100, 24, 60, 1), box(900, 100, 24, 60, 1)]);
    const cell = (column: number, row: number, label: number) => (row * GRID.width + column) * 2 + label;
    const first = Math.floor(112 / 16);
    targets.heat[cell(first, 8, 0)] = 0.7;
    targets.heat[cell(first, 8, 1)] = 0.9;
    targets.heat[cell(Math.floor(512 / 16), 8, 1)] = 0.8;
    const found = decode(mapsOf(targets), options);
    const short = ({ label, score, x }: Detection) => [label, Math.round(score * 100) / 100, Math.round(x)];
    expect(found.map(short)).toEqual([
      [1, 1, 900],
      [1, 0.9, 100],
      [1, 0.8, 500],
    ]);
    expect(decode(mapsOf(targets), { ...options, maxDetections: 2 })).toEqual(found.slice(0, 2));
  });

  it('makes nothing of a network that says nothing, or no number', () => {
    const flat = emptyTargets(1, GRID, 2);
    expect(decode({ heat: flat.heat.fill(0.001), box: flat.box }, options)).toEqual([]);
    expect(decode({ heat: flat.heat.fill(NaN), box: flat.box }, options)).toEqual([]);
    expect(decode({ heat: flat.heat.fill(1), box: flat.box.fill(NaN) }, options)).toEqual([]);
  });
});

describe('figures', () => {
  const judged = { classes: 2, conditions: 2, maxDetections: 100 };
  const frame = (boxes: Frame['boxes'], conditions: number[]): Frame => ({
    ...{ id: 'a', file: '/a.png', split: 'VALIDATION' as const },
    ...{ boxes, conditions },
  });
  const found = (x: number, label: number, score: number): Detection => ({
    ...{ label, score, x },
    ...{ y: 0, width: 10, height: 10 },
  });
  const tally = emptyTally();
  Object.assign(tally, { lossSum: 6, n: 3, heat: 8, size: 2, offset: 1, objects: 4 });
  // Found in the right colour; found in the wrong one, with a false one beside it and one that is ignored; missed.
  countFrame(tally, frame([box(0, 0, 10, 10)], [0]), [found(0, 0, 0.9)], judged);
  countFrame(
    tally,
    frame([box(0, 0, 10, 10), box(40, 0, 10, 10, null)], [0, 1]),
    [found(0, 1, 0.8), found(20, 0, 0.7), found(40, 1, 0.6)],
    judged,
  );
  countFrame(tally, frame([box(0, 0, 10, 10, 1), box(60, 0, 10, 10, 1)], []), [found(0, 1, 0.29)], judged);
  const metrics = metricsOf(tally, 'VALIDATION', ['sunny', 'night']);
  const metric = (name: string, condition: string | null = null) =>
    metrics.find((one) => one.name === name && one.condition === condition);

  it('give recall, precision and colour with n and interval, of detections that score enough', () => {
    expect(metric('recall')).toMatchObject({ value: 2 / 4, n: 4, ...wilson(2, 4), method: 'WILSON' });
    expect(metric('precision')).toMatchObject({ value: 2 / 3, n: 3, ...wilson(2, 3), method: 'WILSON' });
    expect(metric('color_accuracy')).toMatchObject({ value: 1 / 2, n: 2, method: 'WILSON' });
  });

  it('give them in each condition as well', () => {
    expect(metric('recall', 'sunny')).toMatchObject({ value: 1, n: 2 });
    expect(metric('precision', 'night')).toMatchObject({ value: 1 / 2, n: 2 });
    expect(metric('color_accuracy', 'night')).toMatchObject({ value: 0, n: 1 });
  });

  it('give AP50 without an interval, and losses per frame and per light', () => {
    const none = { lower: null, upper: null, method: null };
    // Class 0: one of two found before any false one. Class 1: a false one first, then the one that scores little.
    expect(metric('ap50')).toMatchObject({ n: 4, ...none });
    expect(metric('ap50')!.value).toBeCloseTo((51 / 101 + 51 / 101 / 2) / 2, 10);
    expect(metric('loss')).toMatchObject({ value: 2, n: 3, ...none });
    expect(metric('heat_loss')).toMatchObject({ value: 2, n: 4, ...none });
  });

  it('give the loss in each condition that has a frame, which counts in each of its conditions once', () => {
    const three = emptyTally();
    const [sunny, both, none] = [frame([], [0, 0]), frame([], [0, 1]), frame([], [])];
    countLosses(three, [sunny, both], [2, 4], 3);
    countLosses(three, [none], [12], 3);
    Object.assign(three, { lossSum: 18, n: 3 });
    const losses = metricsOf(three, 'VALIDATION', ['sunny', 'night', 'fog']).filter(
      ({ name }) => name === 'loss',
    );
    expect(losses.map(({ condition, value, n, method }) => [condition, value, n, method])).toEqual([
      [null, 6, 3, null],
      ['sunny', 3, 2, null],
      ['night', 4, 1, null],
    ]);
  });

  it('say nothing of a condition without a light, nor of a split without frames', () => {
    const empty = emptyTally();
    expect(metricsOf(empty, 'VALIDATION', ['sunny'])).toEqual([]);
    Object.assign(empty, { n: 1 });
    countFrame(empty, frame([], [0]), [], { ...judged, conditions: 1 });
    expect(metricsOf(empty, 'VALIDATION', ['sunny']).map(({ name }) => name)).toEqual([
      'loss',
      'heat_loss',
      'size_loss',
      'offset_loss',
    ]);
  });
});

describe('a frame shown at random', () => {
  const size = { width: 16, height: 8 };
  // One white pixel, whose box is 80 times as large in the picture.
  const pixels = new Uint8Array(16 * 8 * 3);
  pixels.fill(255, (3 * 16 + 12) * 3, (3 * 16 + 13) * 3);
  const light = { ...box(12 * 80, 3 * 90, 80, 90), ignore: false };
  const NONE = { flip: 0, crop: 0, scale: 0, shift: 0, color: 0, night: 0, rain: 0, fog: 0 };
  const show = (
    change: Partial<Augmentation>,
    item: number,
    boxes = [light],
    mirrored: (number | null)[] = [0, 1, 2],
  ) =>
    showAtRandom({ pixels, native: NATIVE }, boxes, size, {
      augmentation: { ...NONE, ...change },
      draw: drawsOf(1, 1, item),
      mirrored,
    });
  /** The brightest pixel, if one is left. */
  const brightest = (values: Uint8Array) => {
    const reds = Array.from({ length: 16 * 8 }, (_, i) => values[i * 3]!);
    const i = reds.indexOf(Math.max(...reds));
    return reds[i]! > 200 ? { x: (i % 16) * 80, y: Math.floor(i / 16) * 90 } : null;
  };

  it('is as it was without augmentation', () => {
    expect(show({}, 1)).toEqual({ pixels, native: NATIVE, boxes: [light] });
  });

  it('has its boxes where their lights went', () => {
    const places = Array.from({ length: 40 }, (_, seed) => {
      const { pixels: shown, boxes } = show({ flip: 0.5, shift: 0.25 }, seed);
      const [first] = boxes;
      const place = brightest(shown);
      if (!first || first.ignore) return 'outside';
      expect(place).toEqual({ x: Math.round(first.x), y: Math.round(first.y) });
      return `${first.x},${first.y}`;
    });
    expect(new Set(places).size).toBeGreaterThan(10);
    expect(places).toContain('outside');
  });

  it('is mirrored with its labels, but not where one has no mirror image', () => {
    const label = light.label!;
    const other = (label + 1) % 3;
    const mirrored = [0, 1, 2].map((one) => (one === label ? other : one === other ? label : one));
    expect(show({ flip: 1 }, 1, [light], mirrored).boxes).toMatchObject([
      { label: other, x: NATIVE.width - light.x - light.width },
    ]);
    const alone = mirrored.map((one) => (one === other ? null : one));
    expect(show({ flip: 1 }, 1, [light], alone)).toEqual({ pixels, native: NATIVE, boxes: [light] });
    const ignored = { ...light, ignore: true };
    expect(show({ flip: 1 }, 1, [ignored], alone).boxes[0]!.x).not.toBe(light.x);
  });

  it('is the same for the same numbers', () => {
    const all = { flip: 0.5, crop: 0.2, scale: 0.2, shift: 0.1, color: 1, night: 0.5, rain: 0.5, fog: 0.5 };
    expect(show(all, 7)).toEqual(show(all, 7));
    expect(show(all, 7).pixels).not.toEqual(show(all, 8).pixels);
  });
});

describe('frames', () => {
  let folder: string;
  const files: string[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shingo-frames-'));
    for (const red of [10, 60, 110]) {
      const file = join(folder, `${red}.jpg`);
      const background = { r: red, g: 0, b: 0 };
      const picture = sharp({ create: { width: 60, height: 20, channels: 3, background } }).jpeg();
      // Stored lying on its side: 20×60 as it is displayed.
      await picture.withMetadata({ orientation: 6 }).toFile(file);
      files.push(file);
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const size = { width: 8, height: 4 };
  const bytes = 8 * 4 * 3;

  it('come upright, stretched to the size, in the order asked for', async () => {
    const got = await new Frames(files, size).get(Uint32Array.of(2, 0));
    expect(got.map(({ pixels }) => pixels.length)).toEqual([bytes, bytes]);
    expect(got[0]!.native).toEqual({ width: 20, height: 60 });
    expect(got.map(({ pixels }) => Math.round(pixels[0]! / 10) * 10)).toEqual([110, 10]);
  });

  it('are kept while there is room, and decoded anew beyond it', async () => {
    const frames = new Frames(files, size, { room: bytes });
    const [first] = await frames.get(Uint32Array.of(0));
    const [other] = await frames.get(Uint32Array.of(1));
    expect((await frames.get(Uint32Array.of(0)))[0]).toBe(first);
    const [again] = await frames.get(Uint32Array.of(1));
    expect(again).not.toBe(other);
    expect(again).toEqual(other);
  });

  it('that cannot be read name their file', async () => {
    const broken = join(folder, 'broken.jpg');
    await writeFile(broken, await sharp(files[0]).toBuffer());
    await truncate(broken, 100);
    for (const file of [broken, join(folder, 'none.jpg')])
      await expect(new Frames([file], size).get(Uint32Array.of(0))).rejects.toMatchObject({
        code: 'PICTURE_UNREADABLE',
        message: expect.stringContaining(file) as string,
      });
  });

  it.each([
    ['a label that is no class', { boxes: [box(0, 0, 9, 9, 2)] }, 'label 2'],
    [
      'a box without label that is not ignored',
      { boxes: [{ ...box(0, 0, 9, 9, null), ignore: false }] },
      'ignored',
    ],
    ['a flat box', { boxes: [box(0, 0, 0, 9)] }, 'boxes.0.width'],
    ['a condition that is none', { conditions: [1] }, 'condition'],
  ])('with %s are refused', async (_, change, words) => {
    const file = join(folder, 'frames.jsonl');
    const good = { id: 'a', file: '/a.png', split: 'TRAIN', conditions: [0], boxes: [box(0, 0, 9, 9)] };
    await writeFile(file, [good, { ...good, ...change }].map((one) => `${JSON.stringify(one)}\n`).join(''));
    const limits = { classes: ['GREEN', 'RED'], conditions: ['night'] };
    await expect(readFrames(file, limits)).rejects.toMatchObject({
      code: 'SPEC_INVALID',
      message: expect.stringMatching(new RegExp(`line 2.*${words}`)) as string,
    });
  });
});
