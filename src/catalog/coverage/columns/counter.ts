/** Counts the rows of each cell of a cross-tab: one pass over the columns for each measure. */
import { COLORS } from './axes.js';
import { LIGHT_SIZES, type Columns } from './columns.js';

/** Beside images and lights, which are always counted. */
export interface Measures {
  objects: boolean;
  places: boolean;
  drives: boolean;
}

/** Distinct places or drives are marked in a byte for each of a cell: without a branch, 1.5 ms a million … */
const MAX_MARKS = 2 ** 22;
/** … or, for the places of lights, in a bit. Beyond that, rows are taken in the order of their place or drive. */
const MAX_BITS = 2 ** 28;

export class TooManyCells extends Error {}

const NOTHING = new Int32Array(0);

/** Its arrays have one more entry than there are cells: what the filter leaves out is counted there, without a branch. */
export class Counter {
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
