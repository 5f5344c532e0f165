/** Shares of lights: of each light each side is right or wrong, so that they pair. */
import { mcnemar } from '../../training/statistics/mcnemar.js';
import { newcombePaired, type PairedCounts } from '../../training/statistics/newcombe.js';
import type { Difference, Slice } from './slice.js';

/** Is an answer (null: nothing was found) right? null: the light is not asked about. */
export type Rule = (label: string, answer: string | null) => boolean | null;

/**
 * Null: the metric is no share of lights.
 * - LIGHT_STATE: accuracy, and recall of a class: the answer is the label; red_as_green: the answer to RED is not GREEN;
 * - LIGHT_DETECTION: recall: there is an answer.
 */
export function ruleOf(task: string, { metric, class: only }: Slice): Rule | null {
  const ask = (right: (label: string, answer: string | null) => boolean): Rule => {
    return (label, answer) => (only === null || label === only ? right(label, answer) : null);
  };
  if (task === 'LIGHT_DETECTION') return metric === 'recall' ? ask((_, answer) => answer !== null) : null;
  if (metric === 'accuracy' || (metric === 'recall' && only !== null))
    return ask((label, answer) => answer === label);
  if (metric !== 'red_as_green') return null;
  return (label, answer) => (label === 'RED' ? answer !== 'GREEN' : null);
}

export const noCounts = (): PairedCounts => ({ both: 0, onlyA: 0, onlyB: 0, neither: 0 });

export function count(counts: PairedCounts, a: boolean | null, b: boolean | null, times = 1): void {
  if (a === null || b === null) return;
  counts[a ? (b ? 'both' : 'onlyA') : b ? 'onlyB' : 'neither'] += times;
}

/**
 * Newcombe's interval and McNemar's exact test; both take lights as independent of each other.
 * @param z of the confidence
 */
export function shareDifference(slice: Slice, counts: PairedCounts, z: number): Difference {
  const { both, onlyA, onlyB, neither } = counts;
  const n = both + onlyA + onlyB + neither;
  // red_as_green is the share of those who are wrong.
  const wrong = slice.metric === 'red_as_green';
  const share = (right: number) => (n === 0 ? null : (wrong ? n - right : right) / n);
  const { lower, upper } = newcombePaired(counts, z);
  return {
    ...{ slice, n, counts, method: 'NEWCOMBE_PAIRED' },
    ...{ a: share(both + onlyA), b: share(both + onlyB) },
    difference: n === 0 ? null : (wrong ? onlyA - onlyB : onlyB - onlyA) / n,
    lower: wrong ? -upper : lower,
    upper: wrong ? -lower : upper,
    p: n === 0 ? null : mcnemar(onlyA, onlyB).pValue,
  };
}
