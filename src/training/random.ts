/** Seeded random numbers: the same on every machine and engine, and any epoch's can be drawn without the others. */

/** A new 32-bit seed from several numbers (FNV-1a over their bytes, then an avalanche). */
export function mixSeeds(...seeds: number[]): number {
  let hash = 0x811c9dc5;
  for (const seed of seeds)
    for (let shift = 0; shift < 32; shift += 8)
      hash = Math.imul(hash ^ ((seed >>> shift) & 0xff), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** mulberry32: uniform in [0, 1), period 2^32. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Fisher–Yates permutation of 0…n-1. */
export function permutation(n: number, random: () => number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
