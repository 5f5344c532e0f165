/** All near-duplicates among all: pairs, as many as are wanted, and the groups that they make. */
import { nearPairs, ones, type Pause } from '../../catalog/image/hashes/hamming.js';
import type { DistinctHashes } from './distinct.js';

/** Of images, by their numbers. */
export interface Pairs {
  a: Uint32Array;
  b: Uint32Array;
  distance: Uint8Array;
  kept: number;
  /** Those that were not kept among them. */
  all: number;
}

export interface Joined {
  pairs: Pairs;
  groups: Groups;
}

/**
 * Two images are a pair if they are within the distance and each is the first (by id) of its hash, or if one is the
 * first and the other has the same hash: k equal hashes make k - 1 pairs, not k².
 * @param maxPairs as many are kept, those of equal hashes first
 */
export async function joinAll(
  hashes: DistinctHashes,
  distance: number,
  maxPairs: number,
  pause: Pause,
): Promise<Joined> {
  const pairs: Pairs = {
    a: new Uint32Array(maxPairs),
    b: new Uint32Array(maxPairs),
    distance: new Uint8Array(maxPairs),
    kept: 0,
    all: 0,
  };
  const { starts } = hashes;
  const keep = (a: number, b: number, apart: number) => {
    pairs.all += 1;
    if (pairs.kept === maxPairs) return;
    pairs.a[pairs.kept] = a;
    pairs.b[pairs.kept] = b;
    pairs.distance[pairs.kept++] = apart;
  };
  for (let hash = 0; hash + 1 < starts.length; hash++)
    for (let image = starts[hash]! + 1; image < starts[hash + 1]!; image++) keep(starts[hash]!, image, 0);
  const groups = new Groups(hashes);
  const found = (a: number, b: number, apart: number) => {
    keep(starts[a]!, starts[b]!, apart);
    groups.join(a, b);
  };
  if (distance > 0) await nearPairs(hashes, distance, found, pause);
  return { pairs, groups };
}

export interface Group {
  images: number;
  /** The first of them, with their distance to the very first: a chain of pairs may be longer than the distance. */
  members: { image: number; distance: number }[];
}

/** Connected components (union-find: Tarjan 1975, with path halving) of distinct hashes; sizes are in images. */
export class Groups {
  private readonly parent: Uint32Array;

  constructor(private readonly hashes: DistinctHashes) {
    this.parent = Uint32Array.from(hashes.high, (_, hash) => hash);
  }

  /** The lower number is the root, so it does not depend on the order of the pairs. */
  join(a: number, b: number): void {
    const [x, y] = [this.root(a), this.root(b)];
    if (x < y) this.parent[y] = x;
    else this.parent[x] = y;
  }

  private root(hash: number): number {
    const { parent } = this;
    while (parent[hash] !== hash) hash = parent[hash] = parent[parent[hash]!]!;
    return hash;
  }

  /** @returns how many groups have more than one image, how many images are in them, and the largest groups */
  summary(most: number, members: number): { groups: number; grouped: number; largest: Group[] } {
    const { starts } = this.hashes;
    const sizes = new Uint32Array(this.parent.length);
    for (let hash = 0; hash < sizes.length; hash++)
      sizes[this.root(hash)]! += starts[hash + 1]! - starts[hash]!;
    let [groups, grouped] = [0, 0];
    const roots: number[] = [];
    for (let hash = 0; hash < sizes.length; hash++) {
      if (sizes[hash]! < 2) continue;
      groups += 1;
      grouped += sizes[hash]!;
      if (roots.length === most && sizes[hash]! <= sizes[roots.at(-1)!]!) continue;
      roots.push(hash);
      roots.sort((a, b) => sizes[b]! - sizes[a]! || a - b);
      if (roots.length > most) roots.pop();
    }
    return { groups, grouped, largest: this.membersOf(roots, sizes, members) };
  }

  private membersOf(roots: number[], sizes: Uint32Array, most: number): Group[] {
    const { starts, high, low } = this.hashes;
    const found = new Map(
      roots.map((root): [number, Group] => [root, { images: sizes[root]!, members: [] }]),
    );
    for (let hash = 0; hash < sizes.length; hash++) {
      const root = this.root(hash);
      const group = found.get(root);
      if (!group) continue;
      const distance = ones(high[hash]! ^ high[root]!) + ones(low[hash]! ^ low[root]!);
      for (let image = starts[hash]!; image < starts[hash + 1]! && group.members.length < most; image++)
        group.members.push({ image, distance });
    }
    return [...found.values()];
  }
}
