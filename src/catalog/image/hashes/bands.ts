/** Hashes in buckets that agree on some of their bits, one table after another: where near hashes meet. */

/** Hashes as two halves of 32 bits each. */
export interface Hashes {
  high: Uint32Array;
  low: Uint32Array;
}

const MAX_BUCKET_BITS = 22;

export interface Table {
  /** Indices of the bands that its buckets agree on, ascending. */
  bands: number[];
  high: number;
  low: number;
}

/** Members of bucket b: starts[b] up to starts[b + 1], in the order of their numbers, with their hashes beside them. */
export interface Buckets extends Hashes {
  starts: Uint32Array;
  members: Uint32Array;
  /** Bucket of each hash, by its number. */
  numbers: Uint32Array;
}

export class Plan {
  readonly tables: Table[];
  private readonly high: number[];
  private readonly low: number[];

  constructor(
    distance: number,
    private readonly agreeing: number,
  ) {
    const bands = Array.from({ length: distance + agreeing }, (_, band) => maskOf(band, distance + agreeing));
    this.high = bands.map(([high]) => high);
    this.low = bands.map(([, low]) => low);
    this.tables = choices(bands.length, agreeing).map((chosen) => ({
      bands: chosen,
      high: chosen.reduce((mask, band) => mask | this.high[band]!, 0),
      low: chosen.reduce((mask, band) => mask | this.low[band]!, 0),
    }));
  }

  /** Whether the bands of the table are the first that two hashes with these differences agree on: it is their table. */
  first({ bands }: Table, high: number, low: number): boolean {
    for (let band = 0, agreed = 0; ; band++) {
      if ((high & this.high[band]!) !== 0 || (low & this.low[band]!) !== 0) {
        if (bands[agreed] === band) return false;
        continue;
      }
      if (bands[agreed] !== band) return false;
      if (++agreed === this.agreeing) return true;
    }
  }
}

/** Every n-th bit: neighbouring bits of a perceptual hash go together more than others. */
function maskOf(band: number, bands: number): [high: number, low: number] {
  const mask: [number, number] = [0, 0];
  for (let bit = band; bit < 64; bit += bands) mask[bit < 32 ? 1 : 0] |= 1 << (bit % 32);
  return mask;
}

/** All choices of `k` of the numbers below `n`, each ascending. */
function choices(n: number, k: number, from = 0): number[][] {
  if (k === 0) return [[]];
  return Array.from({ length: n - from }, (_, i) => from + i).flatMap((first) =>
    choices(n, k - 1, first + 1).map((rest) => [first, ...rest]),
  );
}

const MAX_AGREEING = 5;
/** Nanoseconds, measured on 2 cores: to put a hash into its bucket, and to compare two. */
const PLACING = 30;
const COMPARING = 2;

/** The number of bands to agree on that is the least work, judged by the first and the last table of each. */
export function planOf(hashes: Hashes, distance: number): Plan {
  const count = hashes.high.length;
  let best: { plan: Plan; cost: number } | null = null;
  for (let agreeing = 1; agreeing <= MAX_AGREEING; agreeing++) {
    const plan = new Plan(distance, agreeing);
    const placing = plan.tables.length * count * PLACING;
    if (best && placing >= best.cost) break;
    const tried = [plan.tables[0]!, plan.tables.at(-1)!];
    const pairs = tried.map((table) => pairsWithin(bucketNumbers(hashes, table).starts));
    const comparing = ((plan.tables.length * (pairs[0]! + pairs[1]!)) / 2) * COMPARING;
    if (!best || placing + comparing < best.cost) best = { plan, cost: placing + comparing };
  }
  return best!.plan;
}

function pairsWithin(starts: Uint32Array): number {
  let pairs = 0;
  for (let bucket = 0; bucket + 1 < starts.length; bucket++) {
    const size = starts[bucket + 1]! - starts[bucket]!;
    pairs += (size * (size - 1)) / 2;
  }
  return pairs;
}

/** About as many buckets as hashes; two values in one bucket cost a comparison, no answer. */
function bucketNumbers({ high, low }: Hashes, table: Table): { starts: Uint32Array; numbers: Uint32Array } {
  const count = high.length;
  const bits = Math.min(MAX_BUCKET_BITS, Math.max(4, 32 - Math.clz32(count)));
  const starts = new Uint32Array(2 ** bits + 1);
  const numbers = new Uint32Array(count);
  for (let at = 0; at < count; at++) {
    let key = Math.imul(high[at]! & table.high, 0x9e3779b1) ^ Math.imul(low[at]! & table.low, 0x85ebca6b);
    key = Math.imul(key ^ (key >>> 15), 0x2c1b3c6d);
    key = Math.imul(key ^ (key >>> 12), 0x297a2d39);
    const number = (key ^ (key >>> 15)) >>> (32 - bits);
    numbers[at] = number;
    starts[number + 1]! += 1;
  }
  for (let bucket = 0; bucket + 1 < starts.length; bucket++) starts[bucket + 1]! += starts[bucket]!;
  return { starts, numbers };
}

export function bucketsOf(hashes: Hashes, table: Table): Buckets {
  const { starts, numbers } = bucketNumbers(hashes, table);
  const count = numbers.length;
  const [members, high, low] = [new Uint32Array(count), new Uint32Array(count), new Uint32Array(count)];
  const next = starts.slice();
  for (let at = 0; at < count; at++) {
    const to = next[numbers[at]!]!++;
    members[to] = at;
    high[to] = hashes.high[at]!;
    low[to] = hashes.low[at]!;
  }
  return { starts, numbers, members, high, low };
}
