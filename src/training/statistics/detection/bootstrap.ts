/** Intervals of detection figures by the bootstrap over images or drives, from cached matches. */
import {
  type BootstrapInterval,
  type Difference,
  type Resampled,
  withDifferences,
  withIntervals,
} from '../resampling.js';
import type { Cell, CellValue } from './cells.js';
import type { DetectionSet } from './detectionSet.js';
import { cellValues } from './figures.js';
import { planCells } from './planCells.js';
import { type ResampleOptions, resampleRows } from './resampleRows.js';

export type DetectionBootstrapOptions = ResampleOptions;

export interface CellInterval extends CellValue, BootstrapInterval {
  cell: Cell;
}

export interface CellDifference extends Difference {
  cell: Cell;
  a: CellValue;
  b: CellValue;
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
  return withIntervals(cells, await resampled(set, cells, options), options.confidence);
}

/** Paired bootstrap of b − a. @param a and b hold the same images, added in the same order with the same units. */
export async function bootstrapDifferences(
  a: DetectionSet,
  b: DetectionSet,
  cells: readonly Cell[],
  options: DetectionBootstrapOptions,
): Promise<CellDifference[]> {
  if (!sameUnits(a, b)) throw new RangeError('bootstrapDifferences: the two sets hold different images');
  const [first, second] = [await resampled(a, cells, options), await resampled(b, cells, options)];
  return withDifferences(cells, first, second, options.confidence);
}

function sameUnits(a: DetectionSet, b: DetectionSet): boolean {
  if (a.images !== b.images) return false;
  const unitsOfB = b.imageUnits();
  return a.imageUnits().every((unit, i) => unit === unitsOfB[i]);
}

async function resampled(
  set: DetectionSet,
  cells: readonly Cell[],
  options: DetectionBootstrapOptions,
): Promise<Resampled<CellValue>> {
  const rows = await resampleRows(planCells(set, cells), set.imageUnits(), set.units.count, options);
  return { values: cellValues(set, cells), rows };
}
