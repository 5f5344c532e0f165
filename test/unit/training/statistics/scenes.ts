/** Detections and labels to measure: the fixtures' and made ones. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  COCO_PROTOCOL,
  type Detected,
  type DetectionProtocol,
  type ImageMatches,
  matchImage,
  type Truth,
} from '../../../../src/training/statistics/detection/index.js';
import { generator } from '../../../../src/training/random.js';

export interface Scene {
  truths: Truth[];
  detections: Detected[];
}

interface Figures {
  evaluators: string[];
  stats: (number | null)[];
  areas: Ranges;
  widths: Ranges;
  /** [label][IoU .5 or .75] */
  curves: (number[] | null)[][];
  confusion: number[][];
  errors: Record<string, number> | null;
}
interface Ranges {
  overall: RangeFigures[];
  classes: RangeFigures[][];
}
export interface RangeFigures {
  ap: number | null;
  ap50: number | null;
  ap75: number | null;
  ar: (number | null)[];
}
type Row = [label: number, ...numbers: number[]];

/** dist/test/unit/training/statistics → the repository. */
const FOLDER = join(import.meta.dirname, '../../../../../test/fixtures/detection');

export function fixture(name: string): { classes: number; images: Scene[]; figures: Figures } {
  const file = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as {
    classes: number;
    images: { truths: [...Row, string][]; detections: Row[] }[];
    figures: Figures;
  };
  const images = file.images.map(({ truths, detections }) => ({
    truths: truths.map((row): Truth => {
      const [label, x, y, width, height, area] = row as unknown as number[];
      const kind = row.at(-1);
      const box = { label: label!, x: x!, y: y!, width: width!, height: height!, area: area! };
      return { ...box, ignore: kind === 'ignore', crowd: kind === 'crowd' };
    }),
    detections: detections.map(([label, score, x, y, width, height]): Detected => {
      return { label, score: score!, x: x!, y: y!, width: width!, height: height! };
    }),
  }));
  return { ...file, images };
}

export const matched = (
  scenes: readonly Scene[],
  classes: number,
  protocol: DetectionProtocol = COCO_PROTOCOL,
): ImageMatches[] =>
  scenes.map(({ truths, detections }) => matchImage(protocol, classes, truths, detections));

/** Lights beside each other, so that none overlaps another; some images are empty. */
export function lights(images: number, seed: number, classes = 3): Truth[][] {
  const random = generator(seed);
  return Array.from({ length: images }, () =>
    Array.from({ length: Math.floor(random() * 5) }, (_, i) => {
      const width = 4 + random() * 40;
      const place = { x: i * 100 + random() * 20, y: random() * 300, width, height: width * 2.2 };
      return { label: Math.floor(random() * classes), ignore: false, ...place };
    }),
  );
}

/** A model that finds a light with `chance`, a little aside, and errs in colour otherwise or makes one up. */
export function detected(truths: readonly Truth[][], seed: number, chance: number, classes = 3): Scene[] {
  const random = generator(seed);
  return truths.map((inImage) => ({
    truths: inImage,
    detections: inImage.map((truth): Detected => {
      const right = random() < chance;
      const aside = (random() - 0.5) * (right ? 0.3 : 1.5) * truth.width;
      const label = right || random() < 0.5 ? truth.label : Math.floor(random() * classes);
      const score = right ? 0.3 + 0.7 * random() : 0.8 * random();
      return { label, score, x: truth.x + aside, y: truth.y, width: truth.width, height: truth.height };
    }),
  }));
}
