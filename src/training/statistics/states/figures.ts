/** Figures of LIGHT_STATE with their intervals, and the differences of two models. */
import { expectedCalibrationError, reliability, type ReliabilityBin } from '../calibration.js';
import { classFigures, meanOf, shareOf } from '../classes.js';
import { accuracyCounts, type ConfusionMatrix } from '../confusion.js';
import { type McNemar, mcnemarOf } from '../mcnemar.js';
import {
  type BootstrapInterval,
  type BootstrapOptions,
  checkResamples,
  type Difference,
  eachResample,
  type Resampled,
  withDifferences,
  withIntervals,
} from '../resampling.js';
import type { StateSet } from './stateSet.js';

/**
 * - `precision`, `recall`, `f1` over all classes: the mean of the classes' (macro);
 * - `ece` of a class: of the lights that are predicted as it (top-label calibration, Gupta & Ramdas 2022);
 * - `read_as`: of the lights of the classes `from`, those predicted as one of `to`.
 */
export type StateMetric = 'accuracy' | 'precision' | 'recall' | 'f1' | 'ece' | 'read_as';

export interface StateCell {
  metric: StateMetric;
  /** null: all classes. `accuracy` of a class is its recall. */
  label: number | null;
  from?: number[];
  to?: number[];
}

export interface StateValue {
  /** null: there is nothing to divide by. */
  value: number | null;
  /** Lights that it is computed from: of `precision` and `ece` those predicted as the class. */
  n: number;
  /** Of a proportion, for Wilson; null of a mean over classes, of F1 and of ECE. */
  successes: number | null;
}

export interface StateInterval extends StateValue, BootstrapInterval {
  cell: StateCell;
}

export interface StateDifference extends Difference {
  cell: StateCell;
  a: StateValue;
  b: StateValue;
}

export const stateValues = (
  set: StateSet,
  cells: readonly StateCell[],
  weights?: Int32Array,
): StateValue[] => {
  const matrix = set.confusion(weights);
  return cells.map((cell) => stateValue(set, matrix, cell, weights));
};

function stateValue(
  set: StateSet,
  matrix: ConfusionMatrix,
  cell: StateCell,
  weights?: Int32Array,
): StateValue {
  const { metric, label } = cell;
  if (label !== null && !matrix[label])
    throw new RangeError(`stateValues: class ${label} is not below ${set.classes}`);
  if (metric === 'ece') {
    const sums = set.calibration(label, weights);
    const n = sums.n.reduce((sum, one) => sum + one, 0);
    return { value: expectedCalibrationError(sums), n, successes: null };
  }
  if (metric === 'read_as') return proportion(readAs(matrix, cell));
  const all = accuracyCounts(matrix);
  if (label === null && metric === 'accuracy') return proportion(all);
  const kind = metric === 'accuracy' ? 'recall' : metric;
  if (label === null) {
    const values = matrix.map((_, one) => figureOf(matrix, one, kind));
    return { value: meanOf(values), n: all.n, successes: null };
  }
  const figures = classFigures(matrix, label);
  if (kind !== 'f1') return proportion(figures[kind]);
  return { value: figures.f1, n: figures.recall.n, successes: null };
}

const proportion = (counts: { successes: number; n: number }): StateValue => ({
  value: shareOf(counts),
  ...counts,
});

function figureOf(
  matrix: ConfusionMatrix,
  label: number,
  kind: 'precision' | 'recall' | 'f1',
): number | null {
  const figures = classFigures(matrix, label);
  return kind === 'f1' ? figures.f1 : shareOf(figures[kind]);
}

function readAs(matrix: ConfusionMatrix, { label, from = [], to = [] }: StateCell) {
  const rows = from.filter((one) => label === null || one === label).map((one) => matrix[one] ?? []);
  const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
  return {
    successes: sum(rows.map((row) => sum(to.map((one) => row[one] ?? 0)))),
    n: sum(rows.map(sum)),
  };
}

/** Percentile bootstrap over the units of the set. @throws the signal's reason. */
export async function bootstrapStates(
  set: StateSet,
  cells: readonly StateCell[],
  options: BootstrapOptions,
): Promise<StateInterval[]> {
  const [one] = await resampled([set], cells, options);
  return withIntervals(cells, one!, options.confidence);
}

/** Paired bootstrap of b − a. @param a and b hold the same lights in the same order, with the same units. */
export async function bootstrapStateDifferences(
  a: StateSet,
  b: StateSet,
  cells: readonly StateCell[],
  options: BootstrapOptions,
): Promise<StateDifference[]> {
  checkPairs(a, b);
  const [first, second] = await resampled([a, b], cells, options);
  return withDifferences(cells, first!, second!, options.confidence);
}

/** Exact McNemar of two models' answers to the same lights. @param label only those of the class; null: all. */
export function mcnemarOfStates(a: StateSet, b: StateSet, label: number | null = null): McNemar {
  checkPairs(a, b);
  const lights = [...Array(a.lights).keys()].filter((i) => label === null || a.labelOf(i) === label);
  return mcnemarOf(
    lights.map((i) => a.isRight(i)),
    lights.map((i) => b.isRight(i)),
  );
}

export const reliabilityOf = (set: StateSet, predicted: number | null = null): ReliabilityBin[] =>
  reliability(set.calibration(predicted));

function checkPairs(a: StateSet, b: StateSet): void {
  const [unitsA, unitsB] = [a.lightUnits(), b.lightUnits()];
  const same = (unit: number, i: number) => unit === unitsB[i] && a.labelOf(i) === b.labelOf(i);
  if (a.lights !== b.lights || a.classes !== b.classes || !unitsA.every(same))
    throw new RangeError('Two models are compared on the same lights, added in the same order.');
}

/** Of each set, in the same resamples. */
async function resampled(
  sets: readonly StateSet[],
  cells: readonly StateCell[],
  options: BootstrapOptions,
): Promise<Resampled<StateValue>[]> {
  checkResamples(options.resamples);
  const found = sets.map((set) => ({
    values: stateValues(set, cells),
    rows: cells.map(() => new Float64Array(options.resamples)),
  }));
  await eachResample(sets[0]!.lightUnits(), sets[0]!.units.count, options, (weights, resample) =>
    sets.forEach((set, s) =>
      stateValues(set, cells, weights).forEach(({ value }, c) => {
        found[s]!.rows[c]![resample] = value ?? NaN;
      }),
    ),
  );
  return found;
}
