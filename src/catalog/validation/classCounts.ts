/** Whether every class has as many boxes as a rule wants: of a whole set, or of each of its splits. */
import { LightColor } from '../vocabulary.js';
import { MAX_EXAMPLES, type ValidationResult } from './report.js';
import type { ValidationClass, ValidationRule } from './rule.js';

/** Boxes of one class in one split. */
export interface ClassTally {
  category: string;
  color: string | null;
  split: string | null;
  n: number;
}

/** @param splits those that have images; [null] where the set has none */
export function classCounts(
  rule: ValidationRule,
  tallies: readonly ClassTally[],
  splits: readonly (string | null)[],
): ValidationResult {
  const atLeast = rule.atLeast ?? 1;
  const wanted = rule.classes?.map(listed) ?? occurring(tallies);
  // A set of no images has no split either, and still lacks its classes.
  const parts = rule.perSplit && splits.length > 0 ? splits : ['whole'];
  const cells = wanted.flatMap((of) =>
    parts.map((part) => {
      const n = tallies
        .filter((tally) => of.matches(tally) && (part === 'whole' || tally.split === part))
        .reduce((sum, tally) => sum + tally.n, 0);
      return {
        n,
        detail: `${of.name}: ${n} of ${atLeast}${part === 'whole' || part === null ? '' : ` in ${part}`}`,
      };
    }),
  );
  // "Every class that occurs" does not hold of nothing.
  if (wanted.length === 0) cells.push({ n: 0, detail: 'there is no box of any class' });
  const short = cells.filter(({ n }) => n < atLeast).sort((a, b) => a.n - b.n);
  return {
    ...{ rule, severity: rule.severity, checked: cells.length, failed: short.length },
    examples: short.slice(0, MAX_EXAMPLES).map(({ detail }) => ({ imageUuid: null, detail })),
  };
}

interface Wanted {
  name: string;
  matches: (tally: ClassTally) => boolean;
}

const nameOf = ({ category, color }: { category: string; color?: string | null }) =>
  color == null ? category : `${category} ${color}`;

const listed = (of: ValidationClass): Wanted => ({
  name: nameOf(of),
  matches: ({ category, color }) => category === of.category && (of.color == null || color === of.color),
});

/** A colour that nobody could tell is no class. */
function occurring(tallies: readonly ClassTally[]): Wanted[] {
  const known = tallies.filter(({ color }) => color !== LightColor.UNKNOWN);
  return [...new Set(known.map(nameOf))].sort().map((name) => ({
    name,
    matches: (tally) => nameOf(tally) === name,
  }));
}
