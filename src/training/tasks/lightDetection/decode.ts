/** From the network's maps to boxes. In JavaScript, not in tensors: the same on every engine, and 0.3 ms a frame. */
import { iou } from '../../detector/boxes.js';
import type { Size } from '../../input/frames.js';
import { fromCells, SIZE_UNIT } from './geometry.js';

export interface Detection {
  /** Index in `classes`. */
  label: number;
  /** 0 to 1. */
  score: number;
  /** Pixels of the picture, within it. */
  x: number;
  y: number;
  width: number;
  height: number;
}

/** One frame's maps. */
export interface FrameMaps {
  /** [height, width, classes], 0 to 1. */
  heat: Float32Array;
  /** [height, width, 4]: logarithms of width and height in SIZE_UNITs, place in the cell. */
  box: Float32Array;
}

export interface DecodeOptions {
  grid: Size;
  classes: number;
  native: Size;
  maxDetections: number;
}

/** What scores less is noise: a thousand frames of it would be 100,000 boxes. */
const LEAST_SCORE = 0.01;
/** Two boxes that share this much are one light, whatever colours they claim: the surer stays. */
const SAME_IOU = 0.5;
/** Peaks looked at for each box that is wanted, since some are duplicates. */
const SPARE = 4;

/** Peaks of the heat map (no neighbour is higher: the paper's 3×3 max-pooling), best first. */
export function decode({ heat, box }: FrameMaps, options: DecodeOptions): Detection[] {
  const { grid, classes, native, maxDetections } = options;
  const peaks = peaksOf(heat, grid, classes).slice(0, maxDetections * SPARE);
  const kept: Detection[] = [];
  for (const { score, label, column, row } of peaks) {
    if (kept.length === maxDetections) break;
    const at = (row * grid.width + column) * 4;
    const [width, height, x, y] = box.subarray(at, at + 4) as unknown as [number, number, number, number];
    const size = { width: Math.exp(width) * SIZE_UNIT, height: Math.exp(height) * SIZE_UNIT };
    const corner = fromCells({ x: column + x, y: row + y, ...size }, native, grid);
    if (corner && !kept.some((other) => iou(other, corner) > SAME_IOU))
      kept.push({ label, score, ...corner });
  }
  return kept;
}

interface Peak {
  score: number;
  label: number;
  column: number;
  row: number;
}

function peaksOf(heat: Float32Array, grid: Size, classes: number): Peak[] {
  const peaks: Peak[] = [];
  for (let row = 0; row < grid.height; row++)
    for (let column = 0; column < grid.width; column++)
      for (let label = 0; label < classes; label++) {
        const score = heat[(row * grid.width + column) * classes + label]!;
        if (score >= LEAST_SCORE && isPeak(heat, grid, classes, { score, label, column, row }))
          peaks.push({ score, label, column, row });
      }
  // Of equal scores the first cell, then the first class: sorting is stable.
  return peaks.sort((a, b) => b.score - a.score);
}

function isPeak(
  heat: Float32Array,
  grid: Size,
  classes: number,
  { score, label, column, row }: Peak,
): boolean {
  for (let y = Math.max(0, row - 1); y <= Math.min(grid.height - 1, row + 1); y++)
    for (let x = Math.max(0, column - 1); x <= Math.min(grid.width - 1, column + 1); x++)
      if (heat[(y * grid.width + x) * classes + label]! > score) return false;
  return true;
}
