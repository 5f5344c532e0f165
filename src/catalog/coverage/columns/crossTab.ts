/** Cross-tabs over columns: every row gets the number of its cell, then each measure is one pass. */
import { COLORS, GEOGRAPHY, imageAxis, type Axis, type Dimension, type ImageAxis } from './axes.js';
import { LIGHT_SIZES, type Columns } from './columns.js';
import { Counter, TooManyCells, type Measures } from './counter.js';
import type { Mask } from './filter.js';

/** The membership of one condition: the rows that are in it. */
export interface Member {
  name: string;
  mask: Mask;
}

export interface Cell {
  keys: (string | null)[];
  images: number;
  lights: number;
  objects: number;
  places: number;
  drives: number;
}

export interface CrossTab {
  cells: Cell[];
  /** Cells beyond the limit. */
  more: number;
}

/** The largest table of cells that is counted in arrays: 32 MB for each measure. */
const MAX_TABLE = 2 ** 23;

/**
 * Cells that have images, in the order of their keys, missing last. With a dimension of lights, an image counts once in
 * each cell that one of its lights is in, and an image without lights in none. With CONDITION it counts in each of its
 * conditions, and with the key null if it is in none.
 * @param limit of the cells that are returned
 * @throws TooManyCells
 */
export function crossTab(
  columns: Columns,
  by: readonly Dimension[],
  mask: Mask,
  measures: Measures,
  conditions: readonly Member[] = [],
  limit = Infinity,
): CrossTab {
  if (!by.includes('CONDITION')) return count(columns, by, mask, measures, null, limit);
  const tables: CrossTab[] = [];
  const none = mask.slice();
  for (const { name, mask: member } of conditions) {
    tables.push(count(columns, by, intersection(mask, member), measures, name, limit));
    for (let row = 0; row < none.length; row++) none[row]! &= member[row]! ^ 1;
  }
  tables.push(count(columns, by, none, measures, null, limit));
  const cells = tables.flatMap((table) => table.cells).sort((a, b) => compareKeys(a.keys, b.keys));
  const more = tables.reduce((sum, table) => sum + table.more, 0) + Math.max(0, cells.length - limit);
  return { cells: cells.slice(0, limit), more };
}

function intersection(a: Mask, b: Mask): Mask {
  const both = new Uint8Array(a.length);
  for (let row = 0; row < both.length; row++) both[row] = a[row]! & b[row]!;
  return both;
}

/** Missing last. */
function compare(x: string | null, y: string | null): number {
  if (x === y) return 0;
  if (x === null) return 1;
  if (y === null) return -1;
  return x < y ? -1 : 1;
}

function compareKeys(a: (string | null)[], b: (string | null)[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compare(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return 0;
}

function count(
  columns: Columns,
  by: readonly Dimension[],
  mask: Mask,
  measures: Measures,
  condition: string | null,
  limit: number,
): CrossTab {
  const axes = new Map<Dimension, Axis>();
  const imageAxes: ImageAxis[] = [];
  let table = 1;
  let colorStride = 0;
  let sizeStride = 0;
  let others = 1;
  // Geography last: what a cell's number is modulo `others` is the part of it that the place does not decide.
  // Beside PLACE itself, what a place is in adds no cell: it is looked up when the cells are made.
  const derived = by.filter((one) => by.includes('PLACE') && GEOGRAPHY.has(one) && one !== 'PLACE');
  const ordered = by
    .filter((one) => !derived.includes(one))
    .sort((x, y) => Number(GEOGRAPHY.has(x)) - Number(GEOGRAPHY.has(y)));
  for (const dimension of ordered) {
    let axis: Axis;
    if (dimension === 'CONDITION') axis = { stride: table, labels: [condition] };
    else if (dimension === 'LIGHT_COLOR') axis = { stride: (colorStride = table), labels: COLORS };
    else if (dimension === 'LIGHT_SIZE') axis = { stride: (sizeStride = table), labels: LIGHT_SIZES };
    else {
      const image = imageAxis(columns, dimension, table);
      imageAxes.push(image);
      axis = image;
    }
    axes.set(dimension, axis);
    table *= axis.labels.length;
    if (!GEOGRAPHY.has(dimension)) others = table;
  }
  if (table > MAX_TABLE) throw new TooManyCells();
  const cells = cellsOf(columns, imageAxes, mask, table);
  const lights = colorStride > 0 || sizeStride > 0;
  const counter = new Counter(columns, table, others, measures, cells, lights);
  if (lights) counter.countLights(colorStride, sizeStride);
  else counter.countImages();
  if (derived.length === 0) {
    return collect(
      counter,
      by.map((dimension) => axes.get(dimension) as Axis),
      limit,
    );
  }
  const kept = by.filter((dimension) => !derived.includes(dimension));
  const tab = collect(
    counter,
    kept.map((dimension) => axes.get(dimension) as Axis),
    Infinity,
  );
  return withDerived(columns, tab.cells, by, kept, limit);
}

/** Adds the keys that the place decides, and puts the cells into the order of all their keys. */
function withDerived(
  columns: Columns,
  cells: Cell[],
  by: readonly Dimension[],
  kept: readonly Dimension[],
  limit: number,
): CrossTab {
  const place = kept.indexOf('PLACE');
  const keysOf = by.map((dimension) => {
    const index = kept.indexOf(dimension);
    if (index >= 0) return (cell: Cell) => cell.keys[index]!;
    const names = columns.placeNames[dimension.toLowerCase() as keyof Columns['placeNames']];
    return (cell: Cell) => names[columns.places.code(cell.keys[place]!)] ?? null;
  });
  const whole = cells.map((cell) => ({ ...cell, keys: keysOf.map((key) => key(cell)) }));
  whole.sort((a, b) => compareKeys(a.keys, b.keys));
  return { cells: whole.slice(0, limit), more: Math.max(0, whole.length - limit) };
}

/** The cell of each row by the dimensions of images; `table`, one beyond the last: the filter does not hold. */
function cellsOf(columns: Columns, axes: readonly ImageAxis[], mask: Mask, table: number): Int32Array {
  const cells = new Int32Array(columns.size);
  for (const axis of axes) {
    if (axis.via) addVia(cells, axis.codes, axis.via, axis.stride);
    else addCodes(cells, axis.codes, axis.stride);
  }
  for (let row = 0; row < cells.length; row++) if (mask[row] === 0) cells[row] = table;
  return cells;
}

function addCodes(cells: Int32Array, codes: Int32Array, stride: number): void {
  for (let row = 0; row < cells.length; row++) cells[row]! += stride * codes[row]!;
}

function addVia(cells: Int32Array, codes: Int32Array, via: Int32Array, stride: number): void {
  for (let row = 0; row < cells.length; row++) cells[row]! += stride * codes[via[row]!]!;
}

const orders = new WeakMap<readonly (string | null)[], number[]>();

/** Codes in the order of their labels. Labels are only ever appended to. */
function labelOrder(labels: readonly (string | null)[]): number[] {
  const known = orders.get(labels);
  if (known?.length === labels.length) return known;
  const order = labels.map((_, code) => code).sort((a, b) => compare(labels[a]!, labels[b]!));
  orders.set(labels, order);
  return order;
}

/** The first cells in the order of their keys: those beyond the limit are counted, not made. */
function collect(counter: Counter, axes: readonly Axis[], limit: number): CrossTab {
  const { images, lights, objects, places, drives } = counter;
  const cells: Cell[] = [];
  let more = 0;
  const codes: number[] = [];
  const walk = (depth: number, offset: number): void => {
    const { labels, stride } = axes[depth]!;
    const order = labelOrder(labels);
    for (let i = 0; i < order.length; i++) {
      const cell = offset + stride * order[i]!;
      codes[depth] = order[i]!;
      if (depth + 1 < axes.length) walk(depth + 1, cell);
      else if (images[cell]! > 0) {
        if (cells.length >= limit) more += 1;
        else
          cells.push({
            keys: axes.map((axis, index) => axis.labels[codes[index]!]!),
            images: images[cell]!,
            lights: lights[cell]!,
            objects: objects[cell] ?? 0,
            places: places[cell] ?? 0,
            drives: drives[cell] ?? 0,
          });
      }
    }
  };
  walk(0, 0);
  return { cells, more };
}
