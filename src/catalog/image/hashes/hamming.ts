/** Perceptual hashes in typed arrays, and which of them are near each other: exactly, whatever their distribution. */
import { bucketsOf, planOf, type Buckets, type Hashes, type Plan, type Table } from './bands.js';

/** Bits of 64 that near-duplicates may differ in; above it photos of one camera begin to resemble each other. */
export const MAX_DISTANCE = 7;

/** Number of ones, 0 to 32 (Warren, "Hacker's Delight", 5-1). */
export function ones(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Lets the event loop run now and then, throws when the work is no longer wanted. */
export type Pause = (done: number, total: number) => Promise<unknown> | void;

/** Comparisons between two pauses: about 20 ms. */
const STRETCH = 8_000_000;

/**
 * Calls `found` once for each pair of hashes within `distance` bits (0 to 7), a before b. Exact: of d + c bands of bits,
 * two hashes within d bits agree on c at least, so they share a bucket of one of the tables, one for each choice of c
 * bands (Manku, Jain, Sarma, "Detecting near-duplicates for web crawling", WWW 2007). Hashes that crowd (nights, a bonnet in
 * every picture) get more bands to agree on.
 */
export async function nearPairs(
  hashes: Hashes,
  distance: number,
  found: (a: number, b: number, apart: number) => void,
  pause: Pause,
): Promise<void> {
  const plan = planOf(hashes, distance);
  for (const [done, table] of plan.tables.entries()) {
    const buckets = bucketsOf(hashes, table);
    // The loops are in a function of their own: within an async one they ran 30 times slower.
    for (let from = 0; from < buckets.members.length;) {
      await pause(done, plan.tables.length);
      from = pairsFrom(from, buckets, plan, table, distance, found);
    }
  }
}

/** Compares each member from `from` on with those after it in its bucket; returns where it stopped after a stretch. */
function pairsFrom(
  from: number,
  { starts, numbers, members, high, low }: Buckets,
  plan: Plan,
  table: Table,
  distance: number,
  found: (a: number, b: number, apart: number) => void,
): number {
  let i = from;
  let bucket = numbers[members[from]!]!;
  for (let compared = 0; i < members.length && compared < STRETCH; i++) {
    while (starts[bucket + 1]! <= i) bucket++;
    const end = starts[bucket + 1]!;
    const h = high[i]!;
    const l = low[i]!;
    for (let j = i + 1; j < end; j++) {
      const x = high[j]! ^ h;
      const y = low[j]! ^ l;
      const apart = ones(x) + ones(y);
      if (apart <= distance && plan.first(table, x, y)) found(members[i]!, members[j]!, apart);
    }
    compared += end - i;
  }
  return i;
}

/**
 * For each of `held` the number of one of `known` within `distance` bits and how many they are, or -1: by the same tables.
 */
export async function nearAny(
  known: Hashes,
  held: Hashes,
  distance: number,
  pause: Pause,
): Promise<{ known: Int32Array; apart: Uint8Array }> {
  const answer = {
    known: new Int32Array(held.high.length).fill(-1),
    apart: new Uint8Array(held.high.length),
  };
  const all = { high: joined(known.high, held.high), low: joined(known.low, held.low) };
  const plan = planOf(all, distance);
  for (const [done, table] of plan.tables.entries()) {
    const buckets = bucketsOf(all, table);
    for (let from = 0; from < buckets.members.length;) {
      await pause(done, plan.tables.length);
      from = anyFrom(from, buckets, known.high.length, distance, answer);
    }
  }
  return answer;
}

/** Compares each held member (numbers from `split` on) from `from` on with the known ones of its bucket, which come before it. */
function anyFrom(
  from: number,
  { starts, numbers, members, high, low }: Buckets,
  split: number,
  distance: number,
  answer: { known: Int32Array; apart: Uint8Array },
): number {
  let i = from;
  let bucket = numbers[members[from]!]!;
  for (let compared = 0; i < members.length && compared < STRETCH; i++) {
    while (starts[bucket + 1]! <= i) bucket++;
    const at = members[i]! - split;
    if (at < 0 || answer.known[at]! >= 0) continue;
    const h = high[i]!;
    const l = low[i]!;
    for (let j = starts[bucket]!; members[j]! < split; j++) {
      compared++;
      const apart = ones(high[j]! ^ h) + ones(low[j]! ^ l);
      if (apart > distance) continue;
      answer.known[at] = members[j]!;
      answer.apart[at] = apart;
      break;
    }
  }
  return i;
}

function joined(a: Uint32Array, b: Uint32Array): Uint32Array {
  const both = new Uint32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
