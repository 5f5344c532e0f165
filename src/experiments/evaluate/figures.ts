/** The figures of a slice, whatever the task. */
import { normalQuantile } from '../../training/statistics/normal.js';
import type { BootstrapOptions } from '../../training/statistics/resampling.js';
import { wilson, Z_95, type Interval } from '../../training/statistics/wilson.js';
import { IntervalMethod, type EvaluationProtocol } from '../protocol/protocol.js';
import type { Slice } from './scope.js';

/** Null of class and size bin: over all of them. */
export interface CellFigure {
  metric: string;
  class: string | null;
  sizeBin: number | null;
  /** Null: there is nothing to divide by. */
  value: number | null;
  n: number;
  lower: number | null;
  upper: number | null;
  method: 'WILSON' | 'BOOTSTRAP';
}

export interface SliceFigures extends Slice {
  images: number;
  /** Lights that count. */
  n: number;
  /** Of these, right: of a detection found, and found in its colour. */
  correct: number;
  /** Row-major, classes × classes: actual × predicted; of detections those found. */
  confusion: number[];
  details: object;
  cells: CellFigure[];
}

export const NO_INTERVAL = { lower: null, upper: null };

/** @param confidence e.g. 0.95 */
export function wilsonAt(successes: number, n: number, confidence: number): Interval {
  return wilson(successes, n, confidence === 0.95 ? Z_95 : normalQuantile((1 + confidence) / 2));
}

/** A figure that is wanted: what it is called here, and what the statistics take. */
export interface AskedCell<C> extends Pick<CellFigure, 'metric' | 'class' | 'sizeBin'> {
  cell: C;
}

interface CellValue {
  value: number | null;
  n: number;
  /** Of a proportion; else null. */
  successes: number | null;
}

/** Wilson where a figure is a proportion, unless the protocol says otherwise; else by the resamples. */
export async function cellFigures<C>(
  { confidence, intervalMethod, minimumN, resamples, seed }: EvaluationProtocol,
  asked: readonly AskedCell<C>[],
  values: readonly CellValue[],
  bootstrap: (cells: C[], options: BootstrapOptions) => Promise<{ cell: C; interval: Interval | null }[]>,
): Promise<CellFigure[]> {
  const byWilson = ({ successes }: CellValue) =>
    successes !== null && intervalMethod !== IntervalMethod.BOOTSTRAP;
  // An interval of too few is not worth its time, and half of the cells are such.
  const chosen = asked.filter((_, at) => !byWilson(values[at]!) && values[at]!.n >= minimumN);
  const cells = chosen.map(({ cell }) => cell);
  const resampled = cells.length === 0 ? [] : await bootstrap(cells, { confidence, resamples, seed });
  const intervals = new Map(resampled.map(({ cell, interval }) => [cell, interval]));
  return asked.map(({ cell, ...names }, at): CellFigure => {
    const { value, n, successes } = values[at]!;
    if (!byWilson(values[at]!))
      return { ...names, value, n, ...(intervals.get(cell) ?? NO_INTERVAL), method: 'BOOTSTRAP' };
    const interval = n === 0 ? NO_INTERVAL : wilsonAt(successes!, n, confidence);
    return { ...names, value, n, ...interval, method: 'WILSON' };
  });
}
