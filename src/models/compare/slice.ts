/** What two evaluations are compared on, and what comes of it. */
import type { PairedCounts } from '../../training/statistics/newcombe.js';

export interface Slice {
  metric: string;
  /** Null: over all classes. */
  class: string | null;
  /** Null: the whole split. */
  condition: string | null;
  /** Null: every size. */
  sizeBin: number | null;
}

export interface Difference {
  slice: Slice;
  /** Of a share of lights the pairs; of another figure the smaller n of the two. */
  n: number;
  a: number | null;
  b: number | null;
  /** b − a. */
  difference: number | null;
  lower: number | null;
  upper: number | null;
  method: 'NEWCOMBE_PAIRED' | 'BOOTSTRAP';
  /** Of the lights, which side was right; null where the figure is no share of them, as AP is not. */
  counts: PairedCounts | null;
  /** Two-sided, of no difference: McNemar's exact one, or the bootstrap's; null without an answer. */
  p: number | null;
}
