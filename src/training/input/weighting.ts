/** How much each item of the TRAIN split counts. */
import type { TrainingParameters } from '../protocol.js';

export type Weighting = Pick<
  TrainingParameters,
  'classWeighting' | 'classWeights' | 'conditionWeighting' | 'conditionWeights'
>;

export interface Weighed {
  label: number;
  conditions: readonly number[];
}

/**
 * One weight an item, 1 in the mean over all of them, so that the learning rate means what it did; null where all
 * count the same.
 * - Classes, balanced: N / (K · n_c), so that each of the K classes counts the same in all.
 * - Conditions, balanced: the mean of N / (K · n_c) over the item's conditions, which overlap; 1 in none.
 * - Given: the factor of the class; the product of the factors of the conditions.
 */
export function itemWeights(
  items: readonly Weighed[],
  classes: readonly string[],
  conditions: readonly string[],
  weighting: Weighting,
): Float64Array | null {
  const { classWeighting, conditionWeighting } = weighting;
  if (items.length === 0 || (classWeighting === 'none' && conditionWeighting === 'none')) return null;
  const labels = items.map(({ label }) => [label]);
  const sets = items.map((item) => [...new Set(item.conditions)]);
  const ofClass = factors(classWeighting, labels, classes, weighting.classWeights);
  const ofCondition = factors(conditionWeighting, sets, conditions, weighting.conditionWeights);
  const combine = conditionWeighting === 'balanced' ? mean : product;
  const weights = Float64Array.from(
    items,
    ({ label }, i) => ofClass[label]! * combine(sets[i]!.map((condition) => ofCondition[condition]!)),
  );
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => (weight * items.length) / total);
}

/** Of each name. What no item has gets no say. */
function factors(
  how: Weighting['classWeighting'],
  sets: readonly number[][],
  names: readonly string[],
  given: Record<string, number>,
): number[] {
  if (how === 'given') return names.map((name) => given[name] ?? 1);
  if (how === 'none') return names.map(() => 1);
  const counts = names.map(() => 0);
  for (const set of sets) for (const one of set) counts[one]! += 1;
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count === 0 ? 0 : sets.length / (present * count)));
}

const mean = (values: number[]) => (values.length ? values.reduce((a, b) => a + b) / values.length : 1);
const product = (values: number[]) => values.reduce((a, b) => a * b, 1);
