/** What both tasks' bootstraps of a difference have in common. */
import type { BootstrapInterval, BootstrapOptions } from '../../training/statistics/resampling.js';
import type { Pair } from './pair.js';
import type { Difference, Slice } from './slice.js';

const MOST_RESAMPLES = 10_000;

/**
 * A p-value of the bootstrap is 2 / (resamples + 1) at least, and Holm multiplies it by the number of slices: with fewer
 * than 40 resamples a slice none of many could ever count.
 */
export function resampling({ protocol }: Pair, slices: number): BootstrapOptions {
  const { resamples, seed, confidence } = protocol;
  return { resamples: Math.min(MOST_RESAMPLES, Math.max(resamples, 40 * slices)), seed, confidence };
}

interface Resampled extends BootstrapInterval {
  a: { value: number | null; n: number };
  b: { value: number | null; n: number };
  difference: number | null;
  pValue: number | null;
}

export const differenceOfCell = (slice: Slice, found: Resampled): Difference => ({
  slice,
  n: Math.min(found.a.n, found.b.n),
  ...{ a: found.a.value, b: found.b.value, difference: found.difference },
  ...(found.interval ?? { lower: null, upper: null }),
  ...{ method: 'BOOTSTRAP', counts: null, p: found.pValue },
});
