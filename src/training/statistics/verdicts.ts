/** What figures allow to say, with "we cannot know yet" as an answer of its own. */
import { holm } from './holm.js';
import type { Interval } from './wilson.js';

export type Comparison = 'BETTER' | 'WORSE' | 'NO_EVIDENCE' | 'INSUFFICIENT_DATA';
export type GateVerdict = 'PASS' | 'FAIL' | 'INSUFFICIENT_DATA';

/** One slice on which model b was compared with model a. */
export interface SliceDifference {
  /** Pairs: lights or images that both were judged on. */
  n: number;
  /** b − a; null: one of them has no figure here. */
  difference: number | null;
  /** Of no difference: McNemar's, or the bootstrap's. */
  pValue: number | null;
  /** Missing: true. False of error rates such as red read as green. */
  higherIsBetter?: boolean;
}

export interface SliceVerdict {
  verdict: Comparison;
  /** Holm's, over the slices that were tested; null: this one was not. */
  adjustedP: number | null;
}

export interface Comparisons {
  slices: SliceVerdict[];
  /** How many tests Holm's adjustment is over: to be printed beside the verdicts. */
  tested: number;
}

/**
 * A verdict on b for each slice. Those with fewer than `minimumN` pairs are not tested, and so do not cost the others.
 * @param alpha chance of any false BETTER or WORSE among all slices; missing: .05.
 */
export function compareSlices(
  slices: readonly SliceDifference[],
  { minimumN, alpha = 0.05 }: { minimumN: number; alpha?: number },
): Comparisons {
  const tested = slices.map(({ n, difference, pValue }) =>
    n > 0 && n >= minimumN && difference !== null ? pValue : null,
  );
  const adjusted = holm(tested);
  return {
    slices: slices.map((slice, i) => ({
      verdict: comparisonOf(slice, adjusted[i]!, alpha),
      adjustedP: adjusted[i]!,
    })),
    tested: tested.filter((p) => p !== null).length,
  };
}

function comparisonOf(slice: SliceDifference, adjustedP: number | null, alpha: number): Comparison {
  if (adjustedP === null) return 'INSUFFICIENT_DATA';
  const gain = slice.difference! * (slice.higherIsBetter === false ? -1 : 1);
  if (adjustedP > alpha || gain === 0) return 'NO_EVIDENCE';
  return gain > 0 ? 'BETTER' : 'WORSE';
}

/**
 * Not worse by more than `margin`: the interval's bound on the worse side must lie within it. Too few pairs, or no
 * interval, is no pass.
 * @param interval of candidate − champion.
 */
export function nonInferiority(
  { n, interval }: { n: number; interval: Interval | null },
  { margin, minimumN, higherIsBetter = true }: { margin: number; minimumN: number; higherIsBetter?: boolean },
): GateVerdict {
  if (!(margin >= 0)) throw new RangeError(`nonInferiority: the margin ${margin} is below 0`);
  if (n <= 0 || n < minimumN || interval === null) return 'INSUFFICIENT_DATA';
  return (higherIsBetter ? interval.lower > -margin : interval.upper < margin) ? 'PASS' : 'FAIL';
}

/** A bound on a figure that must hold for its whole interval: recall at least .95, red as green at most .001. */
export function withinBound(
  { n, interval }: { n: number; interval: Interval | null },
  { atLeast, atMost, minimumN }: { atLeast?: number; atMost?: number; minimumN: number },
): GateVerdict {
  if (n <= 0 || n < minimumN || interval === null) return 'INSUFFICIENT_DATA';
  const holds = interval.lower >= (atLeast ?? -Infinity) && interval.upper <= (atMost ?? Infinity);
  return holds ? 'PASS' : 'FAIL';
}
