/** Cross-tabs over columns: every row gets the number of its cell, then each measure is one pass. */
import { CODED, LIGHT_COLORS, LIGHT_SIZES, type Columns } from './columns.js';
import type { Mask } from './filter.js';

export const IMAGE_DIMENSIONS = [
  'WEATHER',
  'TIME_OF_DAY',
  'SCENE',
  'COUNTRY',
  'PREFECTURE',
  'CITY',
  'PLACE',
  'HOUR',
  'MONTH',
  'HAS_LIGHT',
] as const;
export type ImageDimension = (typeof IMAGE_DIMENSIONS)[number];
export type LightDimension = 'LIGHT_COLOR' | 'LIGHT_SIZE';
export type Dimension = ImageDimension | LightDimension | 'CONDITION';

/** The membership of one condition: the rows that are in it. */
export interface Member {
  name: string;
  mask: Mask;
}

/** Beside images and lights, which are always counted. */
export interface Measures {
  objects: boolean;
  places: boolean;
  drives: boolean;
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

interface Axis {
  /** By code. */
  labels: readonly (string | null)[];
  stride: number;
}

interface ImageAxis extends Axis {
  /** Code of each row or, with `via`, of each code of that column. */
  codes: Int32Array;
  via?: Int32Array;
}

/** What the place decides. */
const GEOGRAPHY: ReadonlySet<Dimension> = new Set(['COUNTRY', 'PREFECTURE', 'CITY', 'PLACE'] as const);

const two = (n: number) => String(n).padStart(2, '0');
const HOURS = [null, ...Array.from({ length: 24 }, (_, n) => two(n))];
const MONTHS = [null, ...Array.from({ length: 12 }, (_, n) => two(n + 1))];
const WEATHERS = [null, ...CODED.weather];
const TIMES_OF_DAY = [null, ...CODED.timeOfDay];
const SCENES = [null, ...CODED.scene];
const HAS_LIGHT = [null, 'NO', 'YES'];
const COLORS = [null, ...LIGHT_COLORS];

function imageAxis(columns: Columns, dimension: ImageDimension, stride: number): ImageAxis {
  switch (dimension) {
    case 'WEATHER':
      return { stride, labels: WEATHERS, codes: columns.weather };
    case 'TIME_OF_DAY':
      return { stride, labels: TIMES_OF_DAY, codes: columns.timeOfDay };
    case 'SCENE':
      return { stride, labels: SCENES, codes: columns.scene };
    case 'HOUR':
      return { stride, labels: HOURS, codes: columns.hour };
    case 'MONTH':
      return { stride, labels: MONTHS, codes: columns.month };
    case 'PLACE':
      return { stride, labels: columns.places.texts, codes: columns.place };
    case 'HAS_LIGHT':
      return { stride, labels: HAS_LIGHT, codes: columns.hasLight };
    case 'COUNTRY':
    case 'PREFECTURE':
    case 'CITY': {
      const name = dimension === 'COUNTRY' ? 'country' : dimension === 'PREFECTURE' ? 'prefecture' : 'city';
      return { stride, ...columns.placeAxis(name), via: columns.place };
    }
  }
}

/** The keys that a dimension can have, missing aside; undefined: whatever the project has. */
export const KEYS: Partial<Record<Dimension, readonly (string | null)[]>> = {
  WEATHER: WEATHERS,
  TIME_OF_DAY: TIMES_OF_DAY,
  SCENE: SCENES,
  HOUR: HOURS,
  MONTH: MONTHS,
  HAS_LIGHT,
  LIGHT_COLOR: COLORS,
  LIGHT_SIZE: LIGHT_SIZES,
};

/** The largest table of cells that is counted in arrays: 32 MB for each measure. */
const MAX_TABLE = 2 ** 23;
/** Distinct places or drives are marked in a byte for each of a cell: without a branch, 1.5 ms a million … */
const MAX_MARKS = 2 ** 22;
/** … or, for the places of lights, in a bit. Beyond that, rows are taken in the order of their place or drive. */
const MAX_BITS = 2 ** 28;

export class TooManyCells extends Error {}

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

const NOTHING = new Int32Array(0);

/** Its arrays have one more entry than there are cells: what the filter leaves out is counted there, without a branch. */
class Counter {
  readonly images: Int32Array;
  readonly lights: Int32Array;
  readonly objects: Float64Array;
  readonly places: Int32Array;
  readonly drives: Int32Array;
  private readonly placeBits: Uint8Array | null = null;

  /** @throws TooManyCells */
  constructor(
    private readonly columns: Columns,
    private readonly table: number,
    private readonly others: number,
    private readonly measures: Measures,
    private readonly cells: Int32Array,
    ofLights: boolean,
  ) {
    this.images = new Int32Array(table + 1);
    this.lights = new Int32Array(table + 1);
    this.objects = new Float64Array(measures.objects ? table + 1 : 0);
    this.places = measures.places ? new Int32Array(table + 1) : NOTHING;
    this.drives = measures.drives ? new Int32Array(table + 1) : NOTHING;
    if (!ofLights || !measures.places) return;
    const span = others * columns.places.texts.length;
    if (span > MAX_BITS) throw new TooManyCells();
    this.placeBits = new Uint8Array(Math.ceil(span / 8));
  }

  countImages(): void {
    const { images, lights, objects, places, drives, cells, measures, columns, table, others } = this;
    addOnes(images, cells);
    addValues(lights, cells, columns.lightTotal);
    if (measures.objects) addFloats(objects, cells, columns.objectTotal);
    if (measures.places) {
      const codes = columns.places.texts.length;
      // A place is in one cell of geography only, so the rest of the cell's number tells its cells apart.
      if (others < table || (table + 1) * codes > MAX_MARKS)
        inOrder(places, cells, columns.place, columns.order('place'));
      else mark(places, cells, columns.place, codes);
    }
    if (measures.drives) {
      const codes = columns.drives.texts.length;
      if ((table + 1) * codes > MAX_MARKS) inOrder(drives, cells, columns.drive, columns.order('drive'));
      else mark(drives, cells, columns.drive, codes);
    }
  }

  /** Rows in the order of their drives, so that distinct drives need the last one of each cell only. */
  countLights(colorStride: number, sizeStride: number): void {
    const { images, lights, objects, places, drives, placeBits, cells, measures, table, others } = this;
    const { lightStart, lightCount, lightKind, objectTotal, place, drive } = this.columns;
    const placeCodes = this.columns.places.texts.length;
    const within = new Int32Array(COLORS.length * LIGHT_SIZES.length);
    within.forEach((_, kind) => {
      within[kind] = colorStride * (kind >> 2) + sizeStride * (kind & 3);
    });
    const order = this.columns.order('drive');
    const seen = new Int32Array(images.length).fill(-1);
    const lastDrive = new Int32Array(measures.drives ? images.length : 0);
    for (let i = 0; i < order.length; i++) {
      const row = order[i]!;
      const base = cells[row]!;
      const start = lightStart[row]!;
      const end = start + lightCount[row]!;
      if (base === table || start === end) continue;
      const rest = (others < table ? base % others : base) * placeCodes + place[row]!;
      for (let k = start; k < end; k++) {
        const cell = base + within[lightKind[k]!]!;
        lights[cell]!++;
        if (seen[cell] === row) continue;
        seen[cell] = row;
        images[cell]!++;
        if (measures.objects) objects[cell]! += objectTotal[row]!;
        if (placeBits && place[row]! > 0 && set(placeBits, rest + (cell - base) * placeCodes))
          places[cell]!++;
        if (measures.drives && drive[row]! > 0 && lastDrive[cell] !== drive[row]!) {
          lastDrive[cell] = drive[row]!;
          drives[cell]!++;
        }
      }
    }
  }
}

function addOnes(sums: Int32Array, cells: Int32Array): void {
  for (let row = 0; row < cells.length; row++) sums[cells[row]!]!++;
}

function addValues(sums: Int32Array, cells: Int32Array, values: Int32Array): void {
  for (let row = 0; row < cells.length; row++) sums[cells[row]!]! += values[row]!;
}

/** Objects of millions of images may be more than 2^31. */
function addFloats(sums: Float64Array, cells: Int32Array, values: Int32Array): void {
  for (let row = 0; row < cells.length; row++) sums[cells[row]!]! += values[row]!;
}

/** True: it was not set before. Bits are numbered below 2^28, so shifts are safe. */
function set(bits: Uint8Array, bit: number): boolean {
  const flag = 1 << (bit & 7);
  if ((bits[bit >>> 3]! & flag) !== 0) return false;
  bits[bit >>> 3]! |= flag;
  return true;
}

/** Distinct codes in each cell, marked and then counted; code 0, missing, is none. */
function mark(counts: Int32Array, cells: Int32Array, column: Int32Array, codes: number): void {
  const table = counts.length;
  const marks = new Uint8Array(table * codes);
  for (let row = 0; row < cells.length; row++) marks[column[row]! * table + cells[row]!] = 1;
  for (let code = 1, at = table; code < codes; code++)
    for (let cell = 0; cell < table; cell++, at++) counts[cell]! += marks[at]!;
}

/** Where that would be too many: rows in the order of their codes, and the last code seen in each cell. */
function inOrder(counts: Int32Array, cells: Int32Array, column: Int32Array, order: Int32Array): void {
  const last = new Int32Array(counts.length);
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    const cell = cells[row]!;
    const code = column[row]!;
    if (code === 0 || last[cell] === code) continue;
    last[cell] = code;
    counts[cell]!++;
  }
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
