/** Near-duplicates among 64-bit hashes, exactly, by multi-index hashing (Norouzi, Punjani, Fleet: CVPR 2012). */

/** Two hashes within 7 bits differ in at most one bit in one of four bands of 16 bits. */
export const MAX_DISTANCE = 7;
const BANDS = 4;
const VALUES = 1 << 16;

/** Hashes as two halves of 32 bits each. */
export interface Hashes {
  high: Uint32Array;
  low: Uint32Array;
}

/** Number of ones, 0 to 32 (Warren, "Hacker's Delight", 5-1). */
export function ones(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

const bandOf = ({ high, low }: Hashes, at: number, band: number): number =>
  band < 2 ? (low[at]! >>> (16 * band)) & 0xffff : (high[at]! >>> (16 * (band - 2))) & 0xffff;

/** For each band the numbers of the hashes, ordered by their value in it: about 16 bytes a hash. */
export class HammingIndex {
  private readonly starts: Uint32Array[] = [];
  private readonly members: Uint32Array[] = [];

  constructor(private readonly hashes: Hashes) {
    const count = hashes.high.length;
    for (let band = 0; band < BANDS; band++) {
      const starts = new Uint32Array(VALUES + 1);
      for (let at = 0; at < count; at++) starts[bandOf(hashes, at, band) + 1]! += 1;
      for (let value = 0; value < VALUES; value++) starts[value + 1]! += starts[value]!;
      const members = new Uint32Array(count);
      const next = starts.slice();
      for (let at = 0; at < count; at++) members[next[bandOf(hashes, at, band)]!++] = at;
      this.starts.push(starts);
      this.members.push(members);
    }
  }

  /**
   * Calls `found` with each hash within `distance` (at most 7) of hash `at` of `from`; some more than once. Ends when `found` returns
   * true.
   */
  near(
    from: Hashes,
    at: number,
    distance: number,
    found: (member: number, distance: number) => boolean | void,
  ): void {
    const [high, low] = [from.high[at]!, from.low[at]!];
    const flips = distance >= BANDS ? 16 : 0;
    for (let band = 0; band < BANDS; band++) {
      const value = bandOf(from, at, band);
      const starts = this.starts[band]!;
      const members = this.members[band]!;
      for (let flip = -1; flip < flips; flip++) {
        const probe = flip < 0 ? value : value ^ (1 << flip);
        for (let i = starts[probe]!; i < starts[probe + 1]!; i++) {
          const member = members[i]!;
          const apart = ones(this.hashes.high[member]! ^ high) + ones(this.hashes.low[member]! ^ low);
          if (apart <= distance && found(member, apart) === true) return;
        }
      }
    }
  }
}
