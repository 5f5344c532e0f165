/** The paired differences of two evaluations, slice by slice. */
import type { DataSource } from 'typeorm';
import { newcombePaired } from '../../training/statistics/newcombe.js';
import type { Pair } from './pair.js';
import type { Difference, Slice } from './slice.js';
import { countPairs, ruleOf, tallyStates, type Rule, type TallyRow } from './tally.js';

/**
 * In the order of the slices. Shares of pairs by Newcombe's interval.
 * @param slices whose classes, conditions and metrics the pair has
 */
export async function differencesOf(
  db: DataSource,
  pair: Pair,
  slices: readonly Slice[],
): Promise<Difference[]> {
  const rows = await tallyStates(db, pair);
  return slices.map((slice) => shareDifference(pair, rows, slice, ruleOf(slice) as Rule));
}

function shareDifference(pair: Pair, rows: TallyRow[], slice: Slice, rule: Rule): Difference {
  const condition = slice.condition === null ? null : pair.conditionNames.indexOf(slice.condition);
  const counts = countPairs(rows, rule, condition, slice.sizeBin);
  const { both, onlyA, onlyB, neither } = counts;
  const n = both + onlyA + onlyB + neither;
  const share = (right: number) => (n === 0 ? null : right / n);
  return {
    ...{ slice, n, a: share(both + onlyA), b: share(both + onlyB), counts },
    difference: share(onlyB - onlyA),
    ...newcombePaired(counts),
    method: 'NEWCOMBE_PAIRED',
    p: null,
  };
}
