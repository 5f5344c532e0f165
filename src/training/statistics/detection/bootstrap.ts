/** Intervals of detection figures by the bootstrap over images or drives, from cached matches. */
import {
  type BootstrapInterval,
  type BootstrapOptions,
  bootstrapPValue,
  percentileInterval,
} from '../resampling.js';
import type { Cell, CellValue } from './cells.js';
import type { DetectionSet } from './detectionSet.js';
import { cellValues } from './figures.js';
import { planCells } from './planCells.js';
import { resampleRows } from './resampleRows.js';

export interface DetectionBootstrapOptions extends BootstrapOptions {
  /**
   * Threads beside this one; missing: as many as there are cores, at most 2, and none for what takes no time. The
   * answer does not depend on it. 0: in this thread, which gives way to other work every 20 ms.
   */
  threads?: number;
  signal?: AbortSignal;
}

export interface CellInterval extends CellValue, BootstrapInterval {
  cell: Cell;
}

/** A difference b − a of two models on the same images. */
export interface CellDifference extends BootstrapInterval {
  cell: Cell;
  a: CellValue;
  b: CellValue;
  /** null where either has no value. */
  difference: number | null;
  /** Two-sided, of no difference; see `bootstrapPValue`. */
  pValue: number | null;
}

/**
 * Percentile bootstrap over the units of the set, all cells in the same resamples.
 * @throws the signal's reason when it is aborted.
 */
export async function bootstrapCells(
  set: DetectionSet,
  cells: readonly Cell[],
  options: DetectionBootstrapOptions,
): Promise<CellInterval[]> {
  const [rows] = await resamplesOf([set], cells, options);
  return cellValues(set, cells).map((value, c) => ({
    cell: cells[c]!,
    ...value,
    ...percentileInterval(rows![c]!, options.confidence),
  }));
}

/**
 * Paired bootstrap of b − a: both are computed on the same drawn images, so that what makes an image hard for both
 * cancels out (Efron & Tibshirani 1993, chapter 8).
 * @param a and b hold the same images, added in the same order with the same units.
 */
export async function bootstrapDifferences(
  a: DetectionSet,
  b: DetectionSet,
  cells: readonly Cell[],
  options: DetectionBootstrapOptions,
): Promise<CellDifference[]> {
  if (!sameUnits(a, b)) throw new RangeError('bootstrapDifferences: the two sets hold different images');
  const [rowsA, rowsB] = await resamplesOf([a, b], cells, options);
  const [valuesA, valuesB] = [cellValues(a, cells), cellValues(b, cells)];
  return cells.map((cell, c) => {
    const differences = rowsB![c]!.map((value, r) => value - rowsA![c]![r]!);
    const [valueA, valueB] = [valuesA[c]!, valuesB[c]!];
    return {
      cell,
      a: valueA,
      b: valueB,
      difference: valueA.value === null || valueB.value === null ? null : valueB.value - valueA.value,
      ...percentileInterval(differences, options.confidence),
      pValue: bootstrapPValue(differences),
    };
  });
}

function sameUnits(a: DetectionSet, b: DetectionSet): boolean {
  if (a.images !== b.images) return false;
  const unitsOfB = b.imageUnits();
  return a.imageUnits().every((unit, i) => unit === unitsOfB[i]);
}

/** [set][cell][resample]; NaN: the resample does not have the figure. */
async function resamplesOf(
  sets: readonly DetectionSet[],
  cells: readonly Cell[],
  options: DetectionBootstrapOptions,
): Promise<Float64Array[][]> {
  const rows: Float64Array[][] = [];
  for (const set of sets)
    rows.push(await resampleRows(planCells(set, cells), set.imageUnits(), set.unitCount, options));
  return rows;
}
