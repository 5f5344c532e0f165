/** What the network should say of a frame, cell by cell (Zhou et al. 2019, "Objects as Points", section 3). */
import type { Size } from '../../input/frames.js';
import type { Frame } from '../../protocol.js';
import { SIZE_UNIT, toCells, type CellBox } from './geometry.js';

/** Of one or more frames of the same size, each [frames, grid.height, grid.width, …]. */
export interface Targets {
  /** Per class: 1 at a centre, a Gaussian around it, 0 elsewhere. */
  heat: Float32Array;
  /** Per class: 0 where a cell is not judged (in an ignored box), 1 elsewhere. */
  judged: Float32Array;
  /** Logarithms of width and height in SIZE_UNITs, then the centre's place in its cell, 0 to 1; where there is a centre. */
  box: Float32Array;
  /** 1 where there is a centre. */
  centre: Float32Array;
  /** Centres. */
  objects: number;
}

export function emptyTargets(frames: number, grid: Size, classes: number): Targets {
  const cells = frames * grid.width * grid.height;
  return {
    heat: new Float32Array(cells * classes),
    judged: new Float32Array(cells * classes).fill(1),
    box: new Float32Array(cells * 4),
    centre: new Float32Array(cells),
    objects: 0,
  };
}

/** @param at place of the frame among those of `targets` @param native of the picture, which its boxes are in */
export function addTargets(
  targets: Targets,
  at: number,
  boxes: Frame['boxes'],
  native: Size,
  grid: Size,
  classes: number,
): void {
  const map = { targets, first: at * grid.width * grid.height, grid, classes };
  for (const box of boxes) {
    const cells = toCells(box, native, grid);
    if (!cells) continue;
    if (box.ignore || box.label === null) ignore(map, cells, box.label);
    else place(map, cells, box.label);
  }
}

interface Map {
  targets: Targets;
  /** Cell number of the frame's first cell. */
  first: number;
  grid: Size;
  classes: number;
}

/** A centre, even where an ignored box is around it. Of two lights in one cell the later one gives the box. */
function place({ targets, first, grid, classes }: Map, box: CellBox, label: number): void {
  const [column, row] = cellOf(box, grid);
  const cell = first + row * grid.width + column;
  const radius = gaussianRadius(box.width, box.height);
  draw({ targets, first, grid, classes }, column, row, radius, label);
  targets.judged[cell * classes + label] = 1;
  if (targets.centre[cell] === 0) targets.objects += 1;
  targets.centre[cell] = 1;
  targets.box.set([logSize(box.width), logSize(box.height), box.x - column, box.y - row], cell * 4);
}

/** Half an input pixel at least: what is narrower is no finer target. */
const logSize = (cells: number) => Math.log(Math.max(cells, 0.125) / SIZE_UNIT);

/** The cell that holds the centre; one on the very edge of the picture belongs to the last. */
const cellOf = ({ x, y }: CellBox, grid: Size): [column: number, row: number] => [
  Math.min(Math.floor(x), grid.width - 1),
  Math.min(Math.floor(y), grid.height - 1),
];

/** The larger of what is there and a Gaussian with σ = a third of the radius. */
function draw(
  { targets, first, grid, classes }: Map,
  column: number,
  row: number,
  radius: number,
  label: number,
) {
  const sigma = (2 * radius + 1) / 6;
  for (let y = Math.max(0, row - radius); y <= Math.min(grid.height - 1, row + radius); y++)
    for (let x = Math.max(0, column - radius); x <= Math.min(grid.width - 1, column + radius); x++) {
      const value = Math.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * sigma ** 2));
      const i = (first + y * grid.width + x) * classes + label;
      targets.heat[i] = Math.max(targets.heat[i]!, value);
    }
}

/** Cells that touch the box say nothing, of its class or where that is not known of any; centres stay. */
function ignore({ targets, first, grid, classes }: Map, box: CellBox, label: number | null): void {
  const labels = label === null ? [...Array(classes).keys()] : [label];
  const bottom = Math.min(grid.height, Math.ceil(box.y + box.height / 2));
  const right = Math.min(grid.width, Math.ceil(box.x + box.width / 2));
  for (let y = Math.floor(box.y - box.height / 2); y < bottom; y++)
    for (let x = Math.floor(box.x - box.width / 2); x < right; x++)
      for (const one of labels) {
        const i = (first + y * grid.width + x) * classes + one;
        if (targets.heat[i] !== 1) targets.judged[i] = 0;
      }
}

/** A box moved by less than this overlaps the true one by so much (CornerNet, Law & Deng 2018, section 3.2). */
const LEAST_IOU = 0.7;

/**
 * How far, in whole cells, a centre may be off so that a box of this size keeps an IoU of LEAST_IOU: the least of the
 * three cases (both corners moved alike, both outwards, both inwards), each with the right root of its quadratic, which
 * the published code divides by 2 instead of 2a.
 */
export function gaussianRadius(width: number, height: number): number {
  const sum = width + height;
  const area = width * height;
  const alike = root(1, -sum, (area * (1 - LEAST_IOU)) / (1 + LEAST_IOU));
  const inwards = root(4, -2 * sum, (1 - LEAST_IOU) * area);
  const outwards = root(4 * LEAST_IOU, 2 * LEAST_IOU * sum, (LEAST_IOU - 1) * area);
  return Math.max(0, Math.floor(Math.min(alike, inwards, outwards)));
}

/** The smallest root of ax² + bx + c that is not negative. */
function root(a: number, b: number, c: number): number {
  const width = Math.sqrt(b * b - 4 * a * c);
  const smaller = (-b - width) / (2 * a);
  return smaller >= 0 ? smaller : (-b + width) / (2 * a);
}
