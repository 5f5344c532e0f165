/**
 * What the network should say of a frame, cell by cell: centre points (Zhou et al. 2019, "Objects as Points", section 3)
 * whose boxes are learnt at every cell near the centre, not at the one that holds it (Liu et al. 2020,
 * "Training-Time-Friendly Network for Real-Time Object Detection", section 4): a light of 6×16 pixels is one centre in
 * 8,000 cells, and with one cell to learn its box from most steps teach nothing.
 */
import type { Size } from '../../input/frames.js';
import type { Frame } from '../../protocol.js';
import { SIZE_UNIT, toCells, type CellBox } from './geometry.js';

/** Of one or more frames of the same size, each [frames, grid.height, grid.width, …]. */
export interface Targets {
  /** Per class: 1 at a centre, a Gaussian around it, 0 elsewhere. */
  heat: Float32Array;
  /** Per class: 0 where a cell is not judged (in an ignored box), 1 elsewhere. */
  judged: Float32Array;
  /** Logarithms of width and height in SIZE_UNITs, then how far right and below of the cell's corner the centre is, in cells. */
  box: Float32Array;
  /** How much each of the four counts there. Of a light the first two sum to 1; the others are by its width and height. */
  boxWeight: Float32Array;
  /** Centres. */
  objects: number;
}

export function emptyTargets(frames: number, grid: Size, classes: number): Targets {
  const cells = frames * grid.width * grid.height;
  return {
    heat: new Float32Array(cells * classes),
    judged: new Float32Array(cells * classes).fill(1),
    box: new Float32Array(cells * 4),
    boxWeight: new Float32Array(cells * 4),
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

/** A centre, even where an ignored box is around it. */
function place(map: Map, box: CellBox, label: number): void {
  const { targets, first, grid, classes } = map;
  const [column, row] = cellOf(box, grid);
  targets.judged[(first + row * grid.width + column) * classes + label] = 1;
  const cells = around(box, grid);
  const sum = cells.reduce((total, { nearness }) => total + nearness, 0);
  for (const { column: x, row: y, nearness } of cells) {
    const cell = first + y * grid.width + x;
    const at = cell * classes + label;
    targets.heat[at] = Math.max(targets.heat[at]!, x === column && y === row ? 1 : nearness);
    teachBox(targets, cell, box, { x: box.x - x, y: box.y - y }, nearness / sum);
  }
  targets.objects += 1;
}

/** Where two lights would teach a cell, the one that it means more to does. */
function teachBox(
  { box: boxes, boxWeight }: Targets,
  cell: number,
  { width, height }: CellBox,
  { x, y }: { x: number; y: number },
  weight: number,
): void {
  if (weight <= boxWeight[cell * 4]!) return;
  boxes.set([logSize(width), logSize(height), x, y], cell * 4);
  // An error of the place costs overlap by its share of the side: 0.3 cells are half of a distant light.
  boxWeight.set([weight, weight, weight / atLeast(width), weight / atLeast(height)], cell * 4);
}

interface Near {
  column: number;
  row: number;
  /** 0 to 1. */
  nearness: number;
}

/** So many cells at least, each way: of a light of a single cell the neighbours tell as well where it is. */
const LEAST_SIGMA = 0.5;
/** As a share of the box's side. */
const SIGMA = 0.1;
/** A cell that is less near is no example. */
const LEAST_NEARNESS = 0.1;

/** Cells near the centre by a Gaussian as wide and high as the box, from cell centre to box centre; the holding one first. */
function around(box: CellBox, grid: Size): Near[] {
  const [column, row] = cellOf(box, grid);
  const [sigmaX, sigmaY] = [box.width, box.height].map((side) => Math.max(LEAST_SIGMA, SIGMA * side)) as [
    number,
    number,
  ];
  const [reachX, reachY] = [Math.ceil(3 * sigmaX), Math.ceil(3 * sigmaY)];
  const cells: Near[] = [];
  for (let y = Math.max(0, row - reachY); y <= Math.min(grid.height - 1, row + reachY); y++)
    for (let x = Math.max(0, column - reachX); x <= Math.min(grid.width - 1, column + reachX); x++) {
      const [dx, dy] = [(x + 0.5 - box.x) / sigmaX, (y + 0.5 - box.y) / sigmaY];
      const nearness = Math.exp(-(dx ** 2 + dy ** 2) / 2);
      if (nearness >= LEAST_NEARNESS || (x === column && y === row))
        cells.push({ column: x, row: y, nearness });
    }
  return cells;
}

/** An eighth of a cell: what is narrower is no finer target. */
const atLeast = (cells: number) => Math.max(cells, 0.125);

const logSize = (cells: number) => Math.log(atLeast(cells) / SIZE_UNIT);

/** The cell that holds the centre; one on the very edge of the picture belongs to the last. */
const cellOf = ({ x, y }: CellBox, grid: Size): [column: number, row: number] => [
  Math.min(Math.floor(x), grid.width - 1),
  Math.min(Math.floor(y), grid.height - 1),
];

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
