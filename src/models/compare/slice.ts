/** What two evaluations are compared on. */

export interface Slice {
  metric: string;
  /** Null: over all classes. */
  class: string | null;
  /** Null: the whole split. */
  condition: string | null;
  /** Null: every size. */
  sizeBin: number | null;
}

/** Truths that both were asked for, by which of the two was right. */
export interface PairCounts {
  both: number;
  onlyA: number;
  onlyB: number;
  neither: number;
}

export interface Difference {
  slice: Slice;
  /** Pairs. */
  n: number;
  a: number | null;
  b: number | null;
  /** b − a. */
  difference: number | null;
  lower: number | null;
  upper: number | null;
  method: string;
  /** Null where the figure is no share of pairs, as AP is not. */
  counts: PairCounts | null;
  /** Two-sided; null without an answer. */
  p: number | null;
}
