/** Dealing whole groups (drives, places) out to splits, so that each split has its share of every stratum. */
export const SPLITS = ['TRAIN', 'VALIDATION', 'TEST'] as const;
export type SplitName = (typeof SPLITS)[number];
export type Shares = Record<SplitName, number>;

export interface Group {
  key: string;
  /** Images by stratum: what its lights show (by commas), weather, time of day, with | between. */
  strata: Map<string, number>;
  /** Decides among groups of one size; from the seed. */
  order: string;
  /** Of the earliest image, milliseconds. */
  start: number | null;
  /** It holds images of the fixed test set: it goes there as a whole. */
  fixed: boolean;
}

const sizeOf = ({ strata }: Group) => [...strata.values()].reduce((sum, n) => sum + n, 0);

/** Kinds of counts that shares are kept of, with their weights: of one class, weather or time of day, of all three together, of all. */
const WEIGHTS = { part: 1, stratum: 0.25, all: 4 };
/** Rounds of moves after the first deal; it is at rest after 3 or 4. */
const MAX_ROUNDS = 10;

/** Images of a group that count together, by number of the count. */
type Counts = [count: number, images: number][];

/**
 * Large groups first, each to the split where it brings the counts nearest to their shares: the greedy rule of
 * scikit-learn's StratifiedGroupKFold, with shares instead of equal folds and squared distance in images, each count
 * weighed by 1 / its size. Then groups move as long as one by itself brings them nearer. Of drives of 10 to 90 frames each
 * class, weather and time of day has its share to one and a half of the largest drive (test/unit/datasets/groups.test.ts).
 * @returns the split of each group
 */
export function dealStratified(groups: Group[], shares: Shares): Map<string, SplitName> {
  const dealt = new Map<string, SplitName>();
  for (const group of groups) if (group.fixed) dealt.set(group.key, 'TEST');
  // What is fixed has no part in the shares of the rest.
  const table = new CountTable(groups.filter((group) => !group.fixed));
  const open = SPLITS.filter((split) => shares[split] > 0);
  const have = new Map(open.map((split) => [split, new Float64Array(table.totals.length)]));
  /** By how much the distance grows when `sign` times the group comes into the split. */
  const cost = (split: SplitName, counts: Counts, sign: 1 | -1) => {
    let sum = 0;
    for (const [count, n] of counts) {
      const off = have.get(split)![count]! - shares[split] * table.totals[count]!;
      sum += table.weights[count]! * ((off + sign * n) ** 2 - off ** 2);
    }
    return sum;
  };
  const put = (split: SplitName, counts: Counts, sign: 1 | -1) => {
    for (const [count, n] of counts) have.get(split)![count]! += sign * n;
  };
  for (let round = 0, moved = true; moved && round <= MAX_ROUNDS; round++) {
    moved = false;
    for (const { group, counts } of table.free) {
      const before = dealt.get(group.key);
      if (before) put(before, counts, -1);
      let best = before;
      // What rounding may do is no improvement.
      let least = before ? cost(before, counts, 1) - 1e-9 : Infinity;
      for (const split of open) {
        const here = cost(split, counts, 1);
        if (here < least) [best, least] = [split, here];
      }
      put(best!, counts, 1);
      dealt.set(group.key, best!);
      moved ||= best !== before;
    }
  }
  return dealt;
}

/** What groups count of: the largest first. */
class CountTable {
  readonly free: { group: Group; counts: Counts }[];
  readonly totals: number[] = [];
  readonly weights: number[] = [];
  private readonly numbers = new Map<string, number>();

  constructor(groups: Group[]) {
    const sized = groups.map((group) => ({ group, size: sizeOf(group) }));
    sized.sort((a, b) => b.size - a.size || (a.group.order < b.group.order ? -1 : 1));
    this.free = sized.map(({ group }) => ({ group, counts: this.countsOf(group) }));
    this.weights = this.weights.map((weight, count) => weight / this.totals[count]!);
  }

  private countsOf({ strata }: Group): Counts {
    const counts = new Map<number, number>();
    const add = (name: string, weight: number, n: number) => {
      const number = this.numbers.get(name) ?? this.totals.push(0) - 1;
      this.numbers.set(name, number);
      this.weights[number] = weight;
      this.totals[number]! += n;
      counts.set(number, (counts.get(number) ?? 0) + n);
    };
    for (const [stratum, n] of strata) {
      add('', WEIGHTS.all, n);
      add(stratum, WEIGHTS.stratum, n);
      stratum.split('|').forEach((part, at) => {
        for (const value of part.split(',')) add(`${at} ${value}`, WEIGHTS.part, n);
      });
    }
    return [...counts];
  }
}

/**
 * The past is for training, the time after it for validation, the newest for the test, as in use; cut where the shares
 * are nearest met.
 */
export function dealByTime(groups: Group[], shares: Shares): Map<string, SplitName> {
  const dealt = new Map<string, SplitName>();
  const free = groups.filter((group) => !group.fixed);
  for (const group of groups) if (group.fixed) dealt.set(group.key, 'TEST');
  free.sort((a, b) => (a.start ?? 0) - (b.start ?? 0) || (a.key < b.key ? -1 : 1));
  const total = free.reduce((sum, group) => sum + sizeOf(group), 0);
  let before = 0;
  for (const group of free) {
    // By the middle of the group, so that a cut falls on the side where more of it lies.
    const middle = (before + sizeOf(group) / 2) / total;
    const split =
      middle <= shares.TRAIN ? 'TRAIN' : middle <= shares.TRAIN + shares.VALIDATION ? 'VALIDATION' : 'TEST';
    dealt.set(group.key, shares[split] > 0 ? split : 'TRAIN');
    before += sizeOf(group);
  }
  return dealt;
}
