/** Dealing whole groups (drives, places) out to splits, so that each split has its share of every stratum. */
export const SPLITS = ['TRAIN', 'VALIDATION', 'TEST'] as const;
export type SplitName = (typeof SPLITS)[number];
export type Shares = Record<SplitName, number>;

export interface Group {
  key: string;
  /** Images by stratum. */
  strata: Map<string, number>;
  /** Decides among groups of one size; from the seed. */
  order: string;
  /** Of the earliest image, milliseconds. */
  start: number | null;
  /** It holds images of the fixed test set: it goes there as a whole. */
  fixed: boolean;
}

const sizeOf = ({ strata }: Group) => [...strata.values()].reduce((sum, n) => sum + n, 0);

/**
 * Large groups first, each to the split where it brings the strata nearest to their shares: the greedy rule of
 * scikit-learn's StratifiedGroupKFold, with shares instead of equal folds and squared distance in images, each stratum
 * weighed by 1 / its size, and all images together as one more stratum.
 * @returns the split of each group
 */
export function dealStratified(groups: Group[], shares: Shares): Map<string, SplitName> {
  const ALL = '';
  const withAll = (group: Group) => [...group.strata, [ALL, sizeOf(group)] as const];
  const dealt = new Map<string, SplitName>();
  const total = new Map<string, number>();
  const have = new Map(SPLITS.map((split) => [split, new Map<string, number>()]));
  const put = (group: Group, split: SplitName) => {
    dealt.set(group.key, split);
    const counts = have.get(split)!;
    for (const [stratum, n] of withAll(group)) counts.set(stratum, (counts.get(stratum) ?? 0) + n);
  };
  for (const group of groups) {
    if (group.fixed) put(group, 'TEST');
    else for (const [stratum, n] of withAll(group)) total.set(stratum, (total.get(stratum) ?? 0) + n);
  }
  // What is fixed has no part in the shares of the rest.
  have.set('TEST', new Map());
  const free = groups.filter((group) => !group.fixed).map((group) => ({ group, size: sizeOf(group) }));
  free.sort((a, b) => b.size - a.size || (a.group.order < b.group.order ? -1 : 1));
  const open = SPLITS.filter((split) => shares[split] > 0);
  for (const { group } of free) {
    let best: { split: SplitName; cost: number } | null = null;
    for (const split of open) {
      let cost = 0;
      for (const [stratum, n] of withAll(group)) {
        const whole = total.get(stratum)!;
        const off = (have.get(split)!.get(stratum) ?? 0) - shares[split] * whole;
        cost += ((off + n) ** 2 - off ** 2) / whole;
      }
      if (best === null || cost < best.cost) best = { split, cost };
    }
    put(group, best!.split);
  }
  return dealt;
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
