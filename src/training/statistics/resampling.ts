/** Percentile bootstrap over sampling units (Efron 1979): what is drawn, and what is read off the resamples. */
import { generator, mixSeeds } from '../random.js';
import type { Interval } from './wilson.js';

export interface BootstrapOptions {
  /** domain.md asks for 1,000 or more. */
  resamples: number;
  seed: number;
  /** Of the interval; missing: .95. */
  confidence?: number;
}

/** What the resamples say of a figure. */
export interface BootstrapInterval {
  /** null: fewer than half of the resamples have the figure at all (no truth was drawn). */
  interval: Interval | null;
  /** Resamples that have it. */
  resamples: number;
}

/**
 * How often each unit is drawn in resample number `resample`: `units` draws with replacement. It depends on the seed
 * and the number alone, so that threads, chunks and the two models of a pair draw alike.
 */
export function drawUnits(units: number, seed: number, resample: number, counts: Int32Array): void {
  counts.fill(0);
  const random = generator(mixSeeds(seed, resample));
  for (let i = 0; i < units; i++) counts[Math.floor(random() * units)]!++;
}

/**
 * The q-quantile of sorted values, linear between the two neighbours (Hyndman & Fan 1996, type 7, as numpy's default).
 */
export function quantileOfSorted(sorted: ArrayLike<number>, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}

/** @param values one a resample; NaN: the resample does not have the figure. */
export function percentileInterval(values: ArrayLike<number>, confidence = 0.95): BootstrapInterval {
  const defined = Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort();
  if (defined.length === 0 || defined.length * 2 < values.length)
    return { interval: null, resamples: defined.length };
  const tail = (1 - confidence) / 2;
  return {
    interval: { lower: quantileOfSorted(defined, tail), upper: quantileOfSorted(defined, 1 - tail) },
    resamples: defined.length,
  };
}

/**
 * Two-sided p-value of "there is no difference" from resampled differences: twice the smaller tail beyond 0, with the
 * +1 that keeps it from 0 (Davison & Hinkley 1997, section 4.2). It cannot fall below 2 / (resamples + 1): for Holm
 * over m slices at .05 take at least 40 m resamples.
 * @returns null without a resample that has the difference.
 */
export function bootstrapPValue(differences: ArrayLike<number>): number | null {
  let below = 0;
  let above = 0;
  let n = 0;
  for (let i = 0; i < differences.length; i++) {
    const difference = differences[i]!;
    if (Number.isNaN(difference)) continue;
    n++;
    if (difference <= 0) below++;
    if (difference >= 0) above++;
  }
  return n === 0 ? null : Math.min(1, (2 * (Math.min(below, above) + 1)) / (n + 1));
}
