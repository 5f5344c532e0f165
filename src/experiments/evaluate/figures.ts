/** The figures of a slice, whatever the task. */
import { normalQuantile } from '../../training/statistics/normal.js';
import { wilson, Z_95, type Interval } from '../../training/statistics/wilson.js';
import type { Slice } from './scope.js';

/** Null of class and size bin: over all of them. */
export interface CellFigure {
  metric: string;
  class: string | null;
  sizeBin: number | null;
  /** Null: there is nothing to divide by. */
  value: number | null;
  n: number;
  lower: number | null;
  upper: number | null;
  method: 'WILSON' | 'BOOTSTRAP';
}

export interface SliceFigures extends Slice {
  images: number;
  /** Lights that count. */
  n: number;
  /** Of these, right: of a detection found, and found in its colour. */
  correct: number;
  /** Row-major, classes × classes: actual × predicted; of detections those found. */
  confusion: number[];
  details: object;
  cells: CellFigure[];
}

export const NO_INTERVAL = { lower: null, upper: null };

/** @param confidence e.g. 0.95 */
export function wilsonAt(successes: number, n: number, confidence: number): Interval {
  return wilson(successes, n, confidence === 0.95 ? Z_95 : normalQuantile((1 + confidence) / 2));
}
