/** Per-class figures of a confusion matrix. */
import { type ConfusionMatrix, precisionCounts, recallCounts } from './confusion.js';

export interface Counts {
  successes: number;
  n: number;
}

export interface ClassFigures {
  precision: Counts;
  recall: Counts;
  /** null: the class neither occurs nor is ever predicted. */
  f1: number | null;
}

/** F1 = 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall (van Rijsbergen 1979). */
export function classFigures(matrix: ConfusionMatrix, label: number): ClassFigures {
  const precision = precisionCounts(matrix, label);
  const recall = recallCounts(matrix, label);
  const all = precision.n + recall.n;
  return { precision, recall, f1: all === 0 ? null : (2 * recall.successes) / all };
}

/** null: there is nothing to divide by. */
export const shareOf = ({ successes, n }: Counts): number | null => (n === 0 ? null : successes / n);

/** Mean of those that are there; null: none is. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const there = values.filter((value) => value !== null);
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0) / there.length;
}
