/**
 * Holm's step-down (1979): with m tests, the i-th smallest p-value counts (m − i + 1)-fold, and none less than the one
 * before. To say "significant" of all whose adjusted p is at most α errs anywhere with a chance of α at most,
 * however the tests depend on each other.
 *
 * @param pValues null: no test was made; it is not counted in m.
 * @returns adjusted p-values in the same places, at most 1.
 */
export function holm(pValues: readonly (number | null)[]): (number | null)[] {
  const made = pValues.flatMap((p, i) => (p === null ? [] : [{ p, i }])).sort((a, b) => a.p - b.p);
  if (made.some(({ p }) => !(p >= 0 && p <= 1))) throw new RangeError('holm: a p-value is outside [0, 1]');
  const adjusted = pValues.map((): number | null => null);
  let highest = 0;
  made.forEach(({ p, i }, rank) => {
    highest = Math.max(highest, Math.min(1, p * (made.length - rank)));
    adjusted[i] = highest;
  });
  return adjusted;
}
