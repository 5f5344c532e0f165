/** Percentile bootstrap over sampling units (Efron 1979): what is drawn, and what is read off the resamples. */
import { generator, mixSeeds } from '../random.js';
import type { Interval } from './wilson.js';

export interface BootstrapOptions {
  /** domain.md asks for 1,000 or more. */
  resamples: number;
  seed: number;
  /** Of the interval; missing: .95. */
  confidence?: number;
  signal?: AbortSignal;
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
  for (let i = 0; i < units; i++) counts[(random() * units) | 0]!++;
}

/**
 * Calls `visit` with the weights of the items in each resample: an item counts as often as its unit was drawn. No item:
 * not at all. `weights` is the same array each time.
 * @throws the signal's reason when it is aborted.
 */
export async function eachResample(
  units: Int32Array,
  unitCount: number,
  { resamples, seed, signal }: BootstrapOptions,
  visit: (weights: Int32Array, resample: number) => void,
): Promise<void> {
  checkResamples(resamples);
  const draw = new Drawing(units, unitCount, seed);
  await givingWay(
    (function* () {
      for (let resample = 0; resample < resamples; resample++) yield visit(draw.weights(resample), resample);
    })(),
    signal,
  );
}

export function checkResamples(resamples: number): void {
  if (!Number.isInteger(resamples) || resamples < 1)
    throw new RangeError(`bootstrap: ${resamples} resamples; take 1,000 or more`);
}

/** From resamples to the weights of items. */
export class Drawing {
  private readonly counts: Int32Array;
  private readonly ofItems: Int32Array;

  constructor(
    private readonly units: Int32Array,
    private readonly unitCount: number,
    private readonly seed: number,
  ) {
    this.counts = new Int32Array(unitCount);
    this.ofItems = new Int32Array(units.length);
  }

  weights(resample: number): Int32Array {
    drawUnits(this.unitCount, this.seed, resample, this.counts);
    for (let i = 0; i < this.ofItems.length; i++) this.ofItems[i] = this.counts[this.units[i]!]!;
    return this.ofItems;
  }
}

/** Runs the steps, and every 20 ms lets other work of this thread go on. @throws the signal's reason. */
export async function givingWay(steps: Iterable<void>, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  let since = performance.now();
  for (const _ of steps) {
    if (performance.now() - since < 20) continue;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    since = performance.now();
  }
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

/** b − a of two models on the same resamples. */
export interface Difference extends BootstrapInterval {
  /** null where either has no value. */
  difference: number | null;
  /** Two-sided, of no difference; null where there is no interval. */
  pValue: number | null;
}

type Valued = { value: number | null };

/** Values of cells, and [cell][resample]; NaN: the resample does not have the figure. */
export interface Resampled<V extends Valued> {
  values: readonly V[];
  rows: readonly Float64Array[];
}

export function withIntervals<C, V extends Valued>(
  cells: readonly C[],
  { values, rows }: Resampled<V>,
  confidence?: number,
): ({ cell: C } & V & BootstrapInterval)[] {
  return cells.map((cell, c) => ({ cell, ...values[c]!, ...percentileInterval(rows[c]!, confidence) }));
}

/** Paired: what makes a resample hard for both cancels out (Efron & Tibshirani 1993, chapter 8). */
export function withDifferences<C, V extends Valued>(
  cells: readonly C[],
  first: Resampled<V>,
  second: Resampled<V>,
  confidence?: number,
): ({ cell: C; a: V; b: V } & Difference)[] {
  return cells.map((cell, c) => {
    const [a, b] = [first.values[c]!, second.values[c]!];
    const differences = second.rows[c]!.map((value, r) => value - first.rows[c]![r]!);
    const interval = percentileInterval(differences, confidence);
    return {
      ...{ cell, a, b, difference: a.value === null || b.value === null ? null : b.value - a.value },
      ...interval,
      pValue: interval.interval && bootstrapPValue(differences),
    };
  });
}
