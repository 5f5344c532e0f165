/** Counts answers, and turns them into metrics that carry their n and interval. */
import type { Metric, Sample } from './protocol.js';
import { wilson } from './statistics/wilson.js';
import type { Tally as Sums } from './tasks/task.js';

export interface Tally extends Sums {
  correct: number;
  /** Per condition index; overlapping, so they do not add up to n. */
  conditions: { n: number; correct: number }[];
}

export const emptyTally = (conditions: number): Tally => ({
  lossSum: 0,
  n: 0,
  correct: 0,
  conditions: Array.from({ length: conditions }, () => ({ n: 0, correct: 0 })),
});

export function count(
  tally: Tally,
  samples: readonly Sample[],
  lossSum: number,
  predicted: readonly number[],
): void {
  tally.lossSum += lossSum;
  samples.forEach(({ label, conditions }, i) => {
    const right = predicted[i] === label ? 1 : 0;
    tally.n += 1;
    tally.correct += right;
    for (const condition of new Set(conditions)) {
      tally.conditions[condition]!.n += 1;
      tally.conditions[condition]!.correct += right;
    }
  });
}

/** Loss and accuracy of the split, and with `conditions` the accuracy in each that has a sample. */
export function metricsOf(
  tally: Tally,
  split: Metric['split'],
  conditions: readonly string[] = [],
): Metric[] {
  if (tally.n === 0) return [];
  const loss: Metric = {
    name: 'loss',
    split,
    condition: null,
    value: tally.lossSum / tally.n,
    n: tally.n,
    lower: null,
    upper: null,
    method: null,
  };
  const perCondition = conditions.flatMap((condition, i) => {
    const { n, correct } = tally.conditions[i]!;
    return n ? [accuracy(split, condition, correct, n)] : [];
  });
  return [loss, accuracy(split, null, tally.correct, tally.n), ...perCondition];
}

function accuracy(split: Metric['split'], condition: string | null, correct: number, n: number): Metric {
  return {
    name: 'accuracy',
    split,
    condition,
    value: correct / n,
    n,
    ...wilson(correct, n),
    method: 'WILSON',
  };
}
