/** Counts answers, and turns them into metrics that carry their n and interval. */
import type { Metric, Sample } from './protocol.js';
import { wilson } from './statistics/wilson.js';
import type { Tally as Sums } from './tasks/task.js';

export interface Tally extends Sums {
  correct: number;
  /** Per condition index; overlapping, so they do not add up to n. */
  conditions: { n: number; correct: number; lossSum: number }[];
}

export const emptyTally = (conditions: number): Tally => ({
  lossSum: 0,
  n: 0,
  correct: 0,
  conditions: Array.from({ length: conditions }, () => ({ n: 0, correct: 0, lossSum: 0 })),
});

export interface Answers {
  /** Over the samples. */
  lossSum: number;
  /** Of each. */
  losses: ArrayLike<number>;
  predicted: ArrayLike<number>;
}

export function count(
  tally: Tally,
  samples: readonly Sample[],
  { lossSum, losses, predicted }: Answers,
): void {
  tally.lossSum += lossSum;
  samples.forEach(({ label, conditions }, i) => {
    const right = predicted[i] === label ? 1 : 0;
    tally.n += 1;
    tally.correct += right;
    for (const index of new Set(conditions)) {
      const condition = tally.conditions[index]!;
      condition.n += 1;
      condition.correct += right;
      condition.lossSum += losses[i]!;
    }
  });
}

/** Loss and accuracy of the split, and with `conditions` those of each that has a sample. */
export function metricsOf(
  tally: Tally,
  split: Metric['split'],
  conditions: readonly string[] = [],
): Metric[] {
  if (tally.n === 0) return [];
  const loss = lossMetric('loss', split, tally.lossSum / tally.n, tally.n);
  const perCondition = conditions.flatMap((condition, i) => {
    const { n, correct, lossSum } = tally.conditions[i]!;
    if (n === 0) return [];
    return [
      { ...lossMetric('loss', split, lossSum / n, n), condition },
      accuracy(split, condition, correct, n),
    ];
  });
  return [loss, accuracy(split, null, tally.correct, tally.n), ...perCondition];
}

export const lossMetric = (name: string, split: Metric['split'], value: number, n: number): Metric => ({
  ...{ name, split, condition: null, value, n },
  ...{ lower: null, upper: null, method: null },
});

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
