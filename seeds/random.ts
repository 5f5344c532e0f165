/** A small seeded generator: the same seed draws the same scenes on every machine. */
export interface Random {
  /** In [0, 1). */
  (): number;
}

/** mulberry32: 32 bits of state, passes gjrand's small tests; a demo needs no more. */
export function seededRandom(...seeds: (number | string)[]): Random {
  let state = hash(seeds.join('/'));
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** FNV-1a: spreads neighbouring seeds, so that image 1 and image 2 share nothing. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (const character of text) h = Math.imul(h ^ character.codePointAt(0)!, 0x01000193);
  return h;
}

export const between = (random: Random, low: number, high: number) => low + (high - low) * random();

export const chance = (random: Random, probability: number) => random() < probability;

export const intBetween = (random: Random, low: number, high: number) =>
  low + Math.floor(random() * (high - low + 1));

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!;
}

export function pickWeighted<T>(random: Random, items: readonly (readonly [T, number])[]): T {
  let left = random() * items.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [item, weight] of items) {
    left -= weight;
    if (left < 0) return item;
  }
  return items[items.length - 1]![0];
}

/** Fisher–Yates, in place. */
export function shuffle<T>(random: Random, items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
