/**
 * The boxes of one project's images that count, as columns beside those of the images: 34 MB for a million boxes (42
 * where a model gave scores) and 8 for a million images. Numbers are the database's own doubles, so that every
 * comparison is exact; in 32 bits they would take 18 MB, and whether 0.1 is 0.1 would have to be asked of PostgreSQL.
 */
import { grown, spacious } from '../grown.js';
import { AnnotationSource, Category, LightColor, LightRole } from '../../../vocabulary.js';

interface CodedField {
  values: string[];
  shift: number;
  mask: number;
}

function coded(fields: Record<string, string[]>): Record<string, CodedField> {
  let shift = 0;
  const placed = Object.entries(fields).map(([name, values]): [string, CodedField] => {
    const bits = Math.ceil(Math.log2(values.length + 1));
    const field = { values, shift, mask: 2 ** bits - 1 };
    shift += bits;
    return [name, field];
  });
  return Object.fromEntries(placed);
}

/** Where in `kind` the code of each is: 0 is missing, 1 the first value. 13 of its 16 bits. */
export const BOX_CODES = coded({
  category: Object.values(Category),
  color: Object.values(LightColor),
  role: Object.values(LightRole),
  occluded: ['false', 'true'],
  source: Object.values(AnnotationSource),
});

export const BOX_NUMBERS = ['x', 'y', 'width', 'height', 'score'] as const;
export type BoxNumber = (typeof BOX_NUMBERS)[number];

/** More holes than boxes, and this many: what is left is moved together. */
const MIN_WORN = 100_000;

/** Boxes as they come, in any order: the row of the image of each, and its values. */
export interface BoxBatch {
  rows: Uint32Array;
  kind: Uint16Array;
  /** In the order of BOX_NUMBERS. */
  numbers: Float64Array[];
}

export class Boxes {
  /** Places in use, holes that changes have left among them. */
  size = 0;
  /** Boxes. */
  count = 0;
  lastUsed = 0;
  /** The boxes of row i: start[i] up to start[i] + counts[i]. */
  start: Uint32Array;
  counts: Uint32Array;
  kind: Uint16Array;
  readonly numbers: Record<BoxNumber, Float64Array>;

  constructor(
    rows: number,
    capacity: number,
    /** Of all places, holes among them. */
    private readonly limit = Infinity,
  ) {
    this.start = new Uint32Array(rows);
    this.counts = new Uint32Array(rows);
    this.kind = new Uint16Array(capacity);
    const column = () => new Float64Array(capacity);
    // Labels of people have no score: its column is empty until the first one comes.
    this.numbers = { x: column(), y: column(), width: column(), height: column(), score: new Float64Array() };
  }

  /** False: there are more than the limit, even when they are moved together. */
  fit(): boolean {
    if (this.size > this.limit) this.compact();
    return this.size <= this.limit;
  }

  clear(row: number): void {
    this.count -= this.counts[row] ?? 0;
    if (row < this.counts.length) this.counts[row] = 0;
  }

  /** Of images that have none here. */
  add({ rows, kind, numbers }: BoxBatch): void {
    this.makeRoom(rows);
    const places = this.placesFor(rows);
    for (let i = 0; i < rows.length; i++) this.kind[places[i]!] = kind[i]!;
    BOX_NUMBERS.forEach((name, index) => this.write(name, places, numbers[index]!));
    this.count += rows.length;
    if (this.size > MIN_WORN && this.size > 2 * this.count) this.compact();
  }

  /** Where each goes: those of an image beside each other. */
  private placesFor(rows: Uint32Array): Uint32Array {
    const { start, counts } = this;
    const next = new Map<number, number>();
    for (let i = 0; i < rows.length; i++) counts[rows[i]!]!++;
    return rows.map((row) => {
      let at = next.get(row);
      if (at === undefined) {
        at = start[row] = this.size;
        this.size += counts[row]!;
      }
      next.set(row, at + 1);
      return at;
    });
  }

  private write(name: BoxNumber, places: Uint32Array, values: Float64Array): void {
    if (this.numbers[name].length === 0) {
      if (values.every(Number.isNaN)) return;
      this.numbers[name] = new Float64Array(this.kind.length).fill(NaN);
    }
    const column = this.numbers[name];
    for (let i = 0; i < places.length; i++) column[places[i]!] = values[i]!;
  }

  private makeRoom(rows: Uint32Array): void {
    let last = -1;
    for (let i = 0; i < rows.length; i++) last = Math.max(last, rows[i]!);
    if (last >= this.start.length) {
      this.start = grown(this.start, spacious(last + 1));
      this.counts = grown(this.counts, this.start.length);
    }
    const size = this.size + rows.length;
    if (size > this.kind.length) this.each((column) => grown(column, spacious(size)));
  }

  /** Moves the boxes together, in the order of their rows. */
  private compact(): void {
    const order = new Uint32Array(this.count);
    let size = 0;
    for (let row = 0; row < this.start.length; row++) {
      const from = this.start[row]!;
      this.start[row] = size;
      for (let k = 0; k < this.counts[row]!; k++) order[size++] = from + k;
    }
    this.each((column) => {
      const compact = column.slice(0, size) as typeof column;
      for (let k = 0; k < size; k++) compact[k] = column[order[k]!]!;
      return compact;
    });
    this.size = size;
  }

  /** Replaces each column of boxes; that of scores stays empty. */
  private each(work: <A extends Uint16Array | Float64Array>(column: A) => A): void {
    this.kind = work(this.kind);
    for (const name of BOX_NUMBERS)
      if (this.numbers[name].length > 0) this.numbers[name] = work(this.numbers[name]);
  }
}
