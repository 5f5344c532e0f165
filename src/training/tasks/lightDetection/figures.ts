/** What is counted while a detector trains, and the metrics that come of it. */
import type { Frame, Metric } from '../../protocol.js';
import {
  cellValues,
  DetectionSet,
  matchImage,
  type DetectionMetric,
  type DetectionProtocol,
  type Truth,
} from '../../statistics/detection/index.js';
import { lossMetric } from '../../metrics.js';
import { wilson } from '../../statistics/wilson.js';
import type { Tally } from '../task.js';
import type { Detection } from './decode.js';

export interface DetectionTally extends Tally {
  /** Parts of the loss, summed over objects. */
  heat: number;
  size: number;
  offset: number;
  objects: number;
  /** Of VALIDATION only, so that no checkpoint holds it: all frames, then those of each condition. */
  slices: DetectionSet[];
  /** Of VALIDATION only: of each condition, which overlap. */
  conditions: { n: number; lossSum: number }[];
}

export const emptyTally = (): DetectionTally => ({
  lossSum: 0,
  n: 0,
  heat: 0,
  size: 0,
  offset: 0,
  objects: 0,
  slices: [],
  conditions: [],
});

/** Boxes that score less count in AP only: that of the protocol `light-detection`, with which every project begins. */
export const SCORE_THRESHOLD = 0.3;

const protocolOf = (maxDetections: number): DetectionProtocol => ({
  iouThresholds: [0.5],
  maxDetections: [maxDetections],
  scoreThreshold: SCORE_THRESHOLD,
  sizeBounds: [],
  areaBounds: [],
});

/** An ignored box whose colour nobody could tell is ignored in every class. */
export function truthsOf(boxes: Frame['boxes'], classes: number): Truth[] {
  return boxes.flatMap(({ label, ...box }) =>
    label === null
      ? Array.from({ length: classes }, (_, one) => ({ ...box, label: one, ignore: true }))
      : [{ ...box, label }],
  );
}

export interface Judged {
  classes: number;
  conditions: number;
  maxDetections: number;
}

export function countFrame(
  tally: DetectionTally,
  { boxes, conditions }: Frame,
  detections: readonly Detection[],
  { classes, conditions: n, maxDetections }: Judged,
): void {
  const protocol = protocolOf(maxDetections);
  if (!tally.slices.length)
    tally.slices = Array.from({ length: 1 + n }, () => new DetectionSet(protocol, classes));
  const matches = matchImage(protocol, classes, truthsOf(boxes, classes), detections);
  tally.slices[0]!.add(matches);
  for (const condition of new Set(conditions)) tally.slices[1 + condition]!.add(matches);
}

/** @param losses of each frame */
export function countLosses(
  tally: DetectionTally,
  frames: readonly Frame[],
  losses: ArrayLike<number>,
  conditions: number,
): void {
  if (!tally.conditions.length)
    tally.conditions = Array.from({ length: conditions }, () => ({ n: 0, lossSum: 0 }));
  frames.forEach((frame, i) => {
    for (const index of new Set(frame.conditions)) {
      tally.conditions[index]!.n += 1;
      tally.conditions[index]!.lossSum += losses[i]!;
    }
  });
}

const PROPORTIONS = ['recall', 'precision', 'color_accuracy'] as const;
const METRICS: readonly DetectionMetric[] = [...PROPORTIONS, 'ap50'];

/** Losses of the split; of VALIDATION also the loss of each condition, and what was found in all and in each that has something to find. */
export function metricsOf(
  tally: DetectionTally,
  split: Metric['split'],
  conditions: readonly string[],
): Metric[] {
  if (tally.n === 0) return [];
  const loss = (name: string, sum: number, n: number) => lossMetric(name, split, n ? sum / n : 0, n);
  return [
    loss('loss', tally.lossSum, tally.n),
    loss('heat_loss', tally.heat, tally.objects),
    loss('size_loss', tally.size, tally.objects),
    loss('offset_loss', tally.offset, tally.objects),
    ...tally.conditions.flatMap(({ n, lossSum }, i) =>
      n === 0 ? [] : [{ ...loss('loss', lossSum, n), condition: conditions[i]! }],
    ),
    ...tally.slices.flatMap((set, i) => figuresOf(set, split, i === 0 ? null : conditions[i - 1]!)),
  ];
}

/** Nothing of what has nothing to divide by. AP comes without an interval: a bootstrap in every epoch is not worth it. */
function figuresOf(set: DetectionSet, split: Metric['split'], condition: string | null): Metric[] {
  const cells = METRICS.map((metric) => ({ metric, label: null, range: 0 }));
  return cellValues(set, cells).flatMap(({ value, n, successes }, i): Metric[] => {
    if (value === null || n === 0) return [];
    const about = { name: METRICS[i]!, split, condition, value, n };
    if (successes === null) return [{ ...about, lower: null, upper: null, method: null }];
    return [{ ...about, ...wilson(successes, n), method: 'WILSON' }];
  });
}
