/** The figures of a set of images, in one pass over their matches. */
import { averagePrecision, RECALL_POINTS, scratchFor, startCurves } from './averagePrecision.js';
import type { Cell, CellValue, DetectionMetric } from './cells.js';
import { DetectionSet } from './detectionSet.js';
import { ERROR_TYPES, type ErrorType, type ImageMatches } from './matches.js';
import { PlanEvaluator } from './plan.js';
import { planCells } from './planCells.js';
import type { DetectionProtocol } from './protocol.js';

/** Figures of one class, or all, in one range of sizes; null where there is nothing to divide by. */
export interface SizeFigures {
  /** Mean over the IoU thresholds. */
  ap: CellValue;
  /** null values where the protocol lacks IoU .5 or .75. */
  ap50: CellValue;
  ap75: CellValue;
  /** Per number of the protocol's maxDetections. */
  ar: CellValue[];
  recall: CellValue;
  precision: CellValue;
  colorAccuracy: CellValue;
}

export interface PrecisionRecallCurve {
  label: number;
  iou: number;
  /** At recall 0, .01 … 1: the highest precision at that recall or more; null without a truth. */
  precision: number[] | null;
}

/** [label][found as]: the last row is background read as a class, the last column what was not found. */
export type DetectionConfusion = number[][];

export interface DetectionFigures {
  images: number;
  /** Per range of `sizeRanges(protocol)`: every size, COCO's sizes, the bins of width. */
  overall: SizeFigures[];
  /** classes[label][range]. */
  classes: SizeFigures[][];
  curves: PrecisionRecallCurve[];
  /** Per range. */
  confusion: DetectionConfusion[];
  /** Counts; of detections from the score threshold on. */
  errors: Record<ErrorType, number>;
}

/** @param images read once, and not kept. */
export function summarise(
  protocol: DetectionProtocol,
  classes: number,
  images: Iterable<ImageMatches>,
): DetectionFigures {
  const set = new DetectionSet(protocol, classes);
  const errors = Object.fromEntries(ERROR_TYPES.map((type) => [type, 0])) as Record<ErrorType, number>;
  for (const image of images) {
    set.add(image);
    for (const { error } of image.detections) if (error) errors[error]++;
    for (const { missed } of image.truths) if (missed) errors.MISSED++;
  }
  return figuresOf(set, errors);
}

function figuresOf(set: DetectionSet, errors: DetectionFigures['errors']): DetectionFigures {
  const every = [...Array(set.classes).keys()];
  const groups = [null, ...every].flatMap((label) => set.ranges.map((_, range) => ({ label, range })));
  const metrics = metricsOf(set.protocol);
  const values = cellValues(
    set,
    groups.flatMap((group) => metrics.map((metric) => ({ metric, ...group }))),
  );
  const figures = groups.map((_, g) =>
    sizeFigures(values.slice(g * metrics.length, (g + 1) * metrics.length)),
  );
  const ranges = set.ranges.length;
  return {
    images: set.images,
    overall: figures.slice(0, ranges),
    classes: every.map((label) => figures.slice((label + 1) * ranges, (label + 2) * ranges)),
    curves: every.flatMap((label) => curvesOf(set, label)),
    confusion: set.ranges.map((_, range) => confusionOf(set, range)),
    errors,
  };
}

const metricsOf = ({ maxDetections }: DetectionProtocol): DetectionMetric[] => [
  'ap',
  'ap50',
  'ap75',
  'recall',
  'precision',
  'color_accuracy',
  ...maxDetections.map((limit): DetectionMetric => `ar${limit}`),
];

/** In the order of `metricsOf`. */
function sizeFigures(values: CellValue[]): SizeFigures {
  const [ap, ap50, ap75, recall, precision, colorAccuracy, ...ar] = values;
  return { ap, ap50, ap75, ar, recall, precision, colorAccuracy } as SizeFigures;
}

/** The values of some cells of the set. */
export function cellValues(set: DetectionSet, cells: readonly Cell[]): CellValue[] {
  const plan = planCells(set, cells);
  const evaluator = new PlanEvaluator(plan);
  evaluator.weigh(new Int32Array(set.images).fill(1));
  return plan.cells.map((cell) => evaluator.result(cell));
}

export function curvesOf(set: DetectionSet, label: number): PrecisionRecallCurve[] {
  const detections = set.counting(label, 0, set.sorted(label));
  const scratch = scratchFor(detections.length);
  let positives = 0;
  set.eachTruth(0, (_, one) => (positives += Number(one === label)));
  const weights = new Int32Array(set.images).fill(1);
  if (positives > 0) startCurves(set.imagesOf(label, detections), weights, positives, scratch);
  return set.protocol.iouThresholds.map((iou, threshold) => {
    if (positives === 0) return { label, iou, precision: null };
    const curve = new Float64Array(RECALL_POINTS);
    averagePrecision(set.marks(label, 0, threshold, detections), scratch, curve);
    return { label, iou, precision: [...curve] };
  });
}

export function confusionOf(set: DetectionSet, range: number): DetectionConfusion {
  const background = set.classes;
  const matrix = Array.from({ length: background + 1 }, () => new Array<number>(background + 1).fill(0));
  set.eachTruth(range, (_, label, foundAs) => {
    matrix[label]![foundAs < 0 ? background : foundAs]!++;
  });
  for (let label = 0; label < background; label++)
    set.eachPresent(label, range, (_, found) => {
      if (!found) matrix[background]![label]!++;
    });
  return matrix;
}
