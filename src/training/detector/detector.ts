/**
 * Objects on a road, found by a pretrained network. What it is worth, and what it misses, is in docs/enrichment.md.
 *
 * Executing the network blocks the event loop for about 150 ms: it belongs in a process that serves nobody, as jobs are.
 */
import { tf } from '../tensorflow.js';
import { suppress, type Found } from './boxes.js';
import { DEFAULT_MIN_SCORE } from './minScore.js';
import { loadNetwork, OUTPUT } from './network.js';
import { inPicture, SIDE, viewsOf, type View, type Views } from './views.js';

/** The classes that a road has, by their index in COCO's 80; the others are not looked at. */
const NAMES = {
  0: 'person',
  1: 'bicycle',
  2: 'car',
  3: 'motorcycle',
  5: 'bus',
  6: 'train',
  7: 'truck',
  9: 'traffic light',
} as const;
export type CocoName = (typeof NAMES)[keyof typeof NAMES];

export interface Detection {
  name: CocoName;
  /** 0 to 1, in steps of 0.001. */
  score: number;
  /** Pixels of the picture as displayed, in steps of 0.01; within it. */
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface DetectOptions {
  minScore?: number;
  /** Also each quarter of the picture, enlarged: five times the work, and lights half as wide are found. Default. */
  tiles?: boolean;
}

export interface Detector {
  /** The highest score first. @throws TrainingError PICTURE_UNREADABLE */
  detect(file: string, options?: DetectOptions): Promise<Detection[]>;
  /** The network alone, on pixels that are ready: what `detect` cannot be faster than. */
  execute(pixels: Uint8Array): Promise<Found[]>;
  dispose(): void;
}

/** Loads the network onto the engine that has been started. @throws TrainingError MODEL_INVALID */
export async function loadDetector(): Promise<Detector> {
  const network = await loadNetwork();
  const execute = async (pixels: Uint8Array): Promise<Found[]> => {
    const output = tf.tidy(() => {
      const input = tf.cast(tf.tensor4d(pixels, [1, SIDE, SIDE, 3], 'int32'), 'float32');
      return network.execute(input, OUTPUT) as tf.Tensor;
    });
    try {
      return foundIn(await output.data<'float32'>());
    } finally {
      output.dispose();
    }
  };
  return {
    execute,
    async detect(file, { minScore = DEFAULT_MIN_SCORE, tiles = true } = {}) {
      const picture = await viewsOf(file, tiles);
      const found: Found[] = [];
      for (const view of picture.views)
        found.push(...placed(await execute(view.pixels), view, picture, minScore));
      return suppress(found).map(detection);
    },
    dispose: () => network.dispose(),
  };
}

function foundIn(rows: Float32Array): Found[] {
  const found: Found[] = [];
  for (let at = 0; at + 6 <= rows.length; at += 6) {
    const [left, top, right, bottom, score, classIndex] = rows.subarray(at, at + 6) as unknown as number[];
    found.push({
      x: left!,
      y: top!,
      width: right! - left!,
      height: bottom! - top!,
      score: score!,
      classIndex: classIndex!,
    });
  }
  return found;
}

const placed = (boxes: Found[], view: View, picture: Views, minScore: number): Found[] =>
  boxes
    .filter((box) => box.classIndex in NAMES && box.score >= minScore)
    .map((box) => inPicture(box, view, picture))
    .filter((box) => box !== null)
    .filter((box) => !isOwnBonnet(box, picture));

/**
 * A dash camera sees its own bonnet, and the network takes it for a car: on all nine photos of data/street, with the
 * highest score of all (0.42 to 0.56). Nothing else is as wide as the picture and leaves it below.
 */
const isOwnBonnet = ({ y, width, height }: Found, picture: Views): boolean =>
  width >= 0.9 * picture.width && y + height >= 0.98 * picture.height;

const steps = (value: number, size: number) => Math.round(value * size) / size;

const detection = ({ classIndex, score, x, y, width, height }: Found): Detection => ({
  name: NAMES[classIndex as keyof typeof NAMES],
  score: steps(score, 1000),
  x: steps(x, 100),
  y: steps(y, 100),
  width: Math.max(0.01, steps(width, 100)),
  height: Math.max(0.01, steps(height, 100)),
});
