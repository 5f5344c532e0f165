/** What is more than a number of a slice, as `evaluation_condition.details` keeps it. */
import type { ErrorType } from '../../training/statistics/detection/index.js';

export interface DetectionDetails {
  /** At recall 0, .01 … 1: the highest precision at that recall or more. */
  curves: { class: string; iou: number; precision: number[] }[];
  /** [label][found as]: the last row is background, the last column what was not found. */
  confusion: number[][];
  errors: Record<ErrorType, number>;
}

export interface StateDetails {
  /** Bins of the score of the answer, from 0 to 1. */
  reliability: { lower: number; upper: number; n: number; score: number | null; accuracy: number | null }[];
}
