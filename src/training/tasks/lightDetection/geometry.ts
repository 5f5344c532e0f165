/**
 * Where things are, for LIGHT_DETECTION. Three scales: pixels of the picture (boxes as labelled and as predicted), pixels
 * of the network's input, and cells of its output, one for 4×4 input pixels.
 */
import type { Size } from '../../input/frames.js';

/** Input pixels a cell. */
export const STRIDE = 4;

/** Cells: the unit of the widths and heights that the network says, as logarithms: those of most lights are then near 0. */
export const SIZE_UNIT = 4;

/** Cells of the output for an input size. */
export const gridOf = ({ width, height }: Size): Size => ({ width: width / STRIDE, height: height / STRIDE });

/** A box by its centre, in cells. */
export interface CellBox {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Corner {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Cut at the picture's edges; null where nothing of it is inside. */
export function toCells(box: Corner, native: Size, grid: Size): CellBox | null {
  const [perX, perY] = [grid.width / native.width, grid.height / native.height];
  const left = Math.max(0, box.x) * perX;
  const top = Math.max(0, box.y) * perY;
  const right = Math.min(native.width, box.x + box.width) * perX;
  const bottom = Math.min(native.height, box.y + box.height) * perY;
  if (!(right > left && bottom > top)) return null;
  return { x: (left + right) / 2, y: (top + bottom) / 2, width: right - left, height: bottom - top };
}

/** Cut at the picture's edges; null where nothing of it is inside. */
export function fromCells({ x, y, width, height }: CellBox, native: Size, grid: Size): Corner | null {
  const [perX, perY] = [native.width / grid.width, native.height / grid.height];
  const left = Math.max(0, (x - width / 2) * perX);
  const top = Math.max(0, (y - height / 2) * perY);
  const right = Math.min(native.width, (x + width / 2) * perX);
  const bottom = Math.min(native.height, (y + height / 2) * perY);
  if (!(right > left && bottom > top)) return null;
  return { x: left, y: top, width: right - left, height: bottom - top };
}
