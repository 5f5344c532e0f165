/** A label file as BDD100K's det_20: its mix of weather, time of day, scene and classes, from one seed. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';

/** mulberry32: the same file on every machine. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const drawn = (random: () => number, weights: [string, number][]): string => {
  let left = random() * weights.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [word, weight] of weights) if ((left -= weight) < 0) return word;
  return weights[0]![0];
};

// Frames of the training set (Yu et al., CVPR 2020; its label files).
const WEATHER: [string, number][] = [
  ['clear', 37344],
  ['overcast', 8770],
  ['undefined', 8119],
  ['snowy', 5549],
  ['rainy', 5070],
  ['partly cloudy', 4881],
  ['foggy', 130],
];
const TIME_OF_DAY: [string, number][] = [
  ['daytime', 36728],
  ['night', 27971],
  ['dawn/dusk', 5027],
  ['undefined', 137],
];
const SCENE: [string, number][] = [
  ['city street', 43516],
  ['highway', 17379],
  ['residential', 8074],
  ['parking lot', 377],
  ['undefined', 361],
  ['tunnel', 129],
  ['gas stations', 27],
];
/** Boxes of the training set in thousands. */
const CATEGORY: [string, number][] = [
  ['car', 714],
  ['traffic sign', 240],
  ['traffic light', 186],
  ['pedestrian', 91],
  ['truck', 30],
  ['bus', 12],
  ['bicycle', 7],
  ['rider', 4.5],
  ['motorcycle', 3],
  ['train', 0.1],
];
const COLOR: [string, number][] = [
  ['green', 45],
  ['red', 40],
  ['NA', 11],
  ['yellow', 4],
];

export interface Bdd100kFile {
  frames: number;
  boxes: number;
  bytes: number;
  byCategory: Map<string, number>;
}

/** @param boxes of a frame, on average; 0 to twice as many */
export async function writeBdd100k(
  path: string,
  frames: number,
  boxes: number,
  seed = 1,
): Promise<Bdd100kFile> {
  const random = randomFrom(seed);
  const file = createWriteStream(path, { highWaterMark: 1 << 20 });
  const made: Bdd100kFile = { frames, boxes: 0, bytes: 0, byCategory: new Map() };
  const hex = () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  for (let n = 0; n < frames; n++) {
    const labels = Array.from({ length: Math.floor(random() * (2 * boxes + 1)) }, () => {
      const category = drawn(random, CATEGORY);
      made.byCategory.set(category, (made.byCategory.get(category) ?? 0) + 1);
      const [x1, y1] = [random() * 1200, random() * 650];
      const light = category === 'traffic light';
      return {
        id: String(made.boxes++),
        attributes: {
          occluded: random() < 0.47,
          truncated: random() < 0.07,
          trafficLightColor: light ? drawn(random, COLOR) : 'NA',
        },
        category,
        box2d: { x1, y1, x2: x1 + 4 + random() * 70, y2: y1 + 4 + random() * 60 },
      };
    });
    const frame = {
      name: `${hex()}-${hex()}.jpg`,
      attributes: {
        weather: drawn(random, WEATHER),
        timeofday: drawn(random, TIME_OF_DAY),
        scene: drawn(random, SCENE),
      },
      timestamp: 10000,
      labels,
    };
    const text = `${n === 0 ? '[' : ','}\n${JSON.stringify(frame)}`;
    made.bytes += text.length;
    if (!file.write(text)) await once(file, 'drain');
  }
  file.end('\n]\n');
  await finished(file);
  return made;
}
