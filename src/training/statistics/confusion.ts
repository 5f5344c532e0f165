/** Counts of [label][predicted]; square, one row per class. */
export type ConfusionMatrix = number[][];

export interface Outcome {
  label: number;
  predicted: number;
}

export function confusionMatrix(outcomes: Iterable<Outcome>, classes: number): ConfusionMatrix {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const { label, predicted } of outcomes) {
    const row = matrix[label];
    if (!row || row[predicted] === undefined)
      throw new RangeError(`confusionMatrix: class ${label} or ${predicted} is not below ${classes}`);
    row[predicted] += 1;
  }
  return matrix;
}

/** Right answers and all answers: what `wilson` takes. */
export function accuracyCounts(matrix: ConfusionMatrix): { successes: number; n: number } {
  return {
    successes: matrix.reduce((sum, row, label) => sum + row[label]!, 0),
    n: matrix.reduce((sum, row) => sum + total(row), 0),
  };
}

/** Of the samples that are `label`, those found. */
export function recallCounts(matrix: ConfusionMatrix, label: number): { successes: number; n: number } {
  const row = matrix[label] ?? [];
  return { successes: row[label] ?? 0, n: total(row) };
}

/** Of the answers that say `label`, those that are right. */
export function precisionCounts(matrix: ConfusionMatrix, label: number): { successes: number; n: number } {
  return {
    successes: matrix[label]?.[label] ?? 0,
    n: matrix.reduce((sum, row) => sum + (row[label] ?? 0), 0),
  };
}

const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
