/** One project's perceptual hashes in memory: a million are 72 MB and are compared with one in a few milliseconds. */
import type { Hashes } from './bands.js';
import { MAX_DISTANCE, ones } from './hamming.js';

const UUID_BYTES = 16;

/** A 64-bit hash in two halves. */
export interface Hash {
  high: number;
  low: number;
}

export interface Near {
  imageUuid: string;
  /** Bits of 64. */
  distance: number;
}

export class HashColumns implements Hashes {
  /** Rows in use: 0 up to it, without holes. */
  size = 0;
  high = new Uint32Array(1024);
  low = new Uint32Array(1024);
  private nrs = new Float64Array(1024);
  private uuids = Buffer.alloc(1024 * UUID_BYTES);
  private readonly rowOf = new Map<number, number>();
  readonly worn = false;

  get images(): number {
    return this.size;
  }

  /** @param record of an image that has no row: UUID, hash, number (see load.ts) */
  add(record: Buffer): void {
    if (this.size === this.nrs.length) this.grow();
    const row = this.size++;
    record.copy(this.uuids, row * UUID_BYTES, 0, UUID_BYTES);
    this.high[row] = record.readUInt32BE(UUID_BYTES);
    this.low[row] = record.readUInt32BE(UUID_BYTES + 4);
    const nr = Number(record.readBigUInt64BE(UUID_BYTES + 8));
    this.nrs[row] = nr;
    this.rowOf.set(nr, row);
  }

  remove(nr: number): void {
    const row = this.rowOf.get(nr);
    if (row === undefined) return;
    this.rowOf.delete(nr);
    const last = --this.size;
    if (row === last) return;
    this.high[row] = this.high[last]!;
    this.low[row] = this.low[last]!;
    this.nrs[row] = this.nrs[last]!;
    this.uuids.copyWithin(row * UUID_BYTES, last * UUID_BYTES, (last + 1) * UUID_BYTES);
    this.rowOf.set(this.nrs[row], row);
  }

  uuid(row: number): string {
    const hex = this.uuids.toString('hex', row * UUID_BYTES, (row + 1) * UUID_BYTES);
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  /** Below nought: the UUID of row a comes first. */
  compare(a: number, b: number): number {
    const at = b * UUID_BYTES;
    return this.uuids.compare(this.uuids, at, at + UUID_BYTES, a * UUID_BYTES, (a + 1) * UUID_BYTES);
  }

  /** The `first` images nearest to a hash, by distance, then UUID, without the image of this number. */
  nearest({ high, low }: Hash, but: number, distance: number, first: number): Near[] {
    const self = this.rowOf.get(but);
    const counts = new Uint32Array(MAX_DISTANCE + 1);
    for (let row = 0; row < this.size; row++) {
      const apart = ones(this.high[row]! ^ high) + ones(this.low[row]! ^ low);
      if (apart <= distance && row !== self) counts[apart]! += 1;
    }
    // Nearer ones all have a place; of those at the last distance the first by UUID.
    let [last, places] = [0, first];
    while (last < distance && counts[last]! < places) places -= counts[last++]!;
    const nearer: number[][] = Array.from({ length: last }, () => []);
    const furthest = new FirstRows(places, (a, b) => this.compare(a, b));
    for (let row = 0; row < this.size; row++) {
      const apart = ones(this.high[row]! ^ high) + ones(this.low[row]! ^ low);
      if (apart > last || row === self) continue;
      if (apart === last) furthest.offer(row);
      else nearer[apart]!.push(row);
    }
    for (const rows of nearer) rows.sort((a, b) => this.compare(a, b));
    return [...nearer, furthest.rows].flatMap((rows, apart) =>
      rows.map((row) => ({ imageUuid: this.uuid(row), distance: apart })),
    );
  }

  private grow(): void {
    const capacity = this.nrs.length * 2;
    const grown = <A extends Uint32Array | Float64Array>(old: A, larger: A): A => (larger.set(old), larger);
    this.high = grown(this.high, new Uint32Array(capacity));
    this.low = grown(this.low, new Uint32Array(capacity));
    this.nrs = grown(this.nrs, new Float64Array(capacity));
    this.uuids = Buffer.concat([this.uuids, Buffer.alloc(this.uuids.length)]);
  }
}

/** The first few of many by an order: of 100,000 black pictures 50 are kept at a time. */
class FirstRows {
  readonly rows: number[] = [];

  constructor(
    private readonly most: number,
    private readonly compare: (a: number, b: number) => number,
  ) {}

  offer(row: number): void {
    const { rows, most, compare } = this;
    if (rows.length === most) {
      if (compare(row, rows[most - 1]!) > 0) return;
      rows.pop();
    }
    let [from, to] = [0, rows.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (compare(rows[middle]!, row) < 0) from = middle + 1;
      else to = middle;
    }
    rows.splice(from, 0, row);
  }
}
