/** The figures that an evaluation is asked for: which one, of which class, of which size. */
import type { DetectionProtocol } from './protocol.js';

/**
 * - `ap`: mean over the IoU thresholds; `ap50`, `ap75`, … at one of them;
 * - `ar1`, `ar10`, … : recall with so many detections of a class an image, mean over the IoU thresholds;
 * - `recall`, `precision`: at the score threshold and IoU .5, whatever the colour;
 * - `color_accuracy`: of the truths found, those found in their own class;
 * - `read_as`: of the truths of the classes `from` that were found, those found as one of `to` (red as green).
 */
export type DetectionMetric =
  'ap' | `ap${number}` | `ar${number}` | 'recall' | 'precision' | 'color_accuracy' | 'read_as';

export interface Cell {
  metric: DetectionMetric;
  /** null: all classes. AP and AR are then the mean over the classes that have a truth, the others count together. */
  label: number | null;
  /** Index in `sizeRanges`; 0: every size. */
  range: number;
  /** Of `read_as`. */
  from?: number[];
  to?: number[];
}

export interface CellValue {
  /** null: there is nothing to divide by, or the protocol lacks the threshold. */
  value: number | null;
  /** Truths that count; of `precision` detections; of `color_accuracy` and `read_as` truths found. */
  n: number;
  /** Of a proportion; null of AP and AR. */
  successes: number | null;
}

/** Which rows of the IoU thresholds an AP is the mean of; none: the protocol lacks it. */
export function thresholdsOf(metric: string, { iouThresholds }: DetectionProtocol): number[] {
  if (metric === 'ap') return [...iouThresholds.keys()];
  const wanted = Number(/^ap(\d+)$/.exec(metric)?.[1]) / 100;
  const index = iouThresholds.findIndex((threshold) => Math.abs(threshold - wanted) < 1e-9);
  return index < 0 ? [] : [index];
}

/** Place in maxDetections of an AR; -1: the protocol lacks it. */
export const maximumOf = (metric: string, { maxDetections }: DetectionProtocol): number =>
  maxDetections.indexOf(Number(/^ar(\d+)$/.exec(metric)?.[1]));
