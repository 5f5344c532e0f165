/** The bootstrap of mean AP from cached matches, against the same by hand and against a bare pass over the detections. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  bootstrapCells,
  type Cell,
  COCO_PROTOCOL,
  DetectionSet,
  type ImageMatches,
  matchImage,
  packMatches,
  summarise,
  unpackMatches,
} from '../src/training/statistics/detection/index.js';
import { percentileInterval } from '../src/training/statistics/resampling.js';
import { COLOURS, madeImages } from './support/detections.js';
import type { Benchmark } from './support/harness.js';
import { drawnImages, naiveMeanAP } from './support/naiveBootstrap.js';

const SEED = 4;
const MEAN_AP: Cell[] = [{ metric: 'ap', label: null, range: 0 }];
/** What an evaluation stores of one condition: every metric of every class in every bin of width. */
const METRICS = [
  'ap',
  'ap50',
  'ap75',
  'ar1',
  'ar10',
  'ar100',
  'recall',
  'precision',
  'color_accuracy',
] as const;
const EVERY_CELL: Cell[] = METRICS.flatMap((metric) =>
  [null, ...Array(COLOURS).keys()].flatMap((label) =>
    [0, 4, 5, 6, 7].map((range) => ({ metric, label, range })),
  ),
);
const THRESHOLDS = COCO_PROTOCOL.iouThresholds.length;

/** Of all threads: on a machine that has other work it says more than the clock. */
const cpuSeconds = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
};

const seconds = async <T>(work: () => T | Promise<T>): Promise<[answer: T, wall: number, cpu: number]> => {
  const start = performance.now();
  const since = process.cpuUsage();
  const answer = await work();
  return [answer, (performance.now() - start) / 1000, cpuSeconds(since)];
};

function setOf(images: Iterable<ImageMatches>): DetectionSet {
  const set = new DetectionSet(COCO_PROTOCOL, COLOURS);
  for (const image of images) set.add(image);
  return set;
}

function* unpacked(packed: readonly Uint8Array[]): Generator<ImageMatches> {
  for (const bytes of packed) yield unpackMatches(bytes, THRESHOLDS);
}

/** Both give the same interval, or the time is worth nothing. */
async function checkInterval(images: readonly ImageMatches[], resamples: number): Promise<void> {
  const values = Array.from({ length: resamples }, (_, resample) =>
    naiveMeanAP(COCO_PROTOCOL, COLOURS, drawnImages(images, SEED, resample)),
  );
  const expected = percentileInterval(values).interval!;
  for (const threads of [0, 1, 2]) {
    const [cell] = await bootstrapCells(setOf(images), MEAN_AP, { resamples, seed: SEED, threads });
    const { lower, upper } = cell!.interval!;
    if (Math.abs(lower - expected.lower) > 1e-12 || Math.abs(upper - expected.upper) > 1e-12)
      throw new Error(
        `By hand [${expected.lower}, ${expected.upper}], with ${threads} threads [${lower}, ${upper}].`,
      );
  }
}

/** The least that any way must do: add up the weights of all detections in order, per resample and IoU threshold. */
function barePass(set: DetectionSet, resamples: number): number {
  const lists = Array.from({ length: COLOURS }, (_, label) => set.imagesOf(label, set.sorted(label)));
  const weights = new Int32Array(set.images).fill(1);
  const start = process.cpuUsage();
  let sum = 0;
  for (let pass = 0; pass < resamples * THRESHOLDS; pass++)
    for (const images of lists) for (let i = 0; i < images.length; i++) sum += weights[images[i]!]!;
  if (sum === 0) throw new Error('There is nothing to add up.');
  return cpuSeconds(start);
}

/** MB resident at most while the work runs; what earlier work left is collected before. */
async function peakMb(work: () => Promise<unknown>): Promise<number> {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  let peak = 0;
  const look = () => (peak = Math.max(peak, process.memoryUsage.rss()));
  const timer = setInterval(look, 20);
  look();
  await work();
  clearInterval(timer);
  look();
  return peak / 2 ** 20;
}

export const bench: Benchmark = {
  title: 'Evaluation: resamples of mean AP over cached matches, against putting each together by hand',
  options: { images: 10_000, boxes: 20, resamples: 1000 },
  targets: {
    'bootstrap, s': { max: 20 },
    'by hand / bootstrap': { min: 20 },
    'bootstrap / bare pass over the detections': { max: 4 },
    'MB more for ten times the resamples': { max: 32 },
    'bytes an image': { max: 1500 },
  },
  async run({ images = 10_000, boxes = 20, resamples = 1000 }, say) {
    const some = [...madeImages(200, boxes, 1)].map(({ truths, detections }) =>
      matchImage(COCO_PROTOCOL, COLOURS, truths, detections),
    );
    await checkInterval(some, 200);
    say('200 resamples of 200 images: the interval is the one found by hand, with 0, 1 and 2 threads');
    const packed: Uint8Array[] = [];
    let matching = 0;
    for (const { truths, detections } of madeImages(images, boxes, 2)) {
      const start = performance.now();
      const matches = matchImage(COCO_PROTOCOL, COLOURS, truths, detections);
      matching += (performance.now() - start) / 1000;
      packed.push(packMatches(matches, THRESHOLDS));
    }
    const bytes = packed.reduce((sum, { byteLength }) => sum + byteLength, 0);
    say(`${images} images, ${boxes} boxes each, matched and packed`);
    const [figures, summarising] = await seconds(() => summarise(COCO_PROTOCOL, COLOURS, unpacked(packed)));
    const set = setOf(unpacked(packed));
    const run = (count: number) => bootstrapCells(set, MEAN_AP, { resamples: count, seed: SEED });
    await run(resamples / 10);
    const fewMb = await peakMb(() => run(resamples / 10));
    let answer: Awaited<ReturnType<typeof run>> = [];
    let [bootstrap, bootstrapCpu] = [0, 0];
    const manyMb = await peakMb(async () => {
      [answer, bootstrap, bootstrapCpu] = await seconds(() => run(resamples));
    });
    const { value, interval } = answer[0]!;
    say(`mean AP ${value!.toFixed(4)} in [${interval!.lower.toFixed(4)}, ${interval!.upper.toFixed(4)}]`);
    if (value !== figures.overall[0]!.ap.value) throw new Error('summarise and bootstrapCells differ');
    const [, cells] = await seconds(() => bootstrapCells(set, EVERY_CELL, { resamples, seed: SEED }));
    const kept = [...unpacked(packed)];
    const byHand = 3;
    const [, , hand] = await seconds(() => {
      for (let r = 0; r < byHand; r++) naiveMeanAP(COCO_PROTOCOL, COLOURS, drawnImages(kept, SEED, r));
    });
    const tenth = Math.max(1, Math.round(resamples / 10));
    const bare = (barePass(set, tenth) / tenth) * resamples;
    return {
      'matching, s': matching,
      'bytes an image': bytes / images,
      'all figures of all classes and sizes, s': summarising,
      'bootstrap, s': bootstrap,
      'bootstrap, CPU s': bootstrapCpu,
      [`bootstrap of ${EVERY_CELL.length} cells, s`]: cells,
      [`by hand, CPU s (from ${byHand} resamples)`]: (hand / byHand) * resamples,
      'by hand / bootstrap': ((hand / byHand) * resamples) / bootstrapCpu,
      'bare pass over the detections, CPU s': bare,
      'bootstrap / bare pass over the detections': bootstrapCpu / bare,
      'peak MB': manyMb,
      'MB more for ten times the resamples': manyMb - fewMb,
    };
  },
};
