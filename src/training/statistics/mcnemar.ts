/** Two models on the same lights: is one right more often, or did chance choose? */

export interface McNemar {
  /** Lights that only the first, only the second got right. */
  onlyA: number;
  onlyB: number;
  /** Two-sided, exact. */
  pValue: number;
}

/**
 * McNemar's test (1947) in its exact form: of the lights on which the two disagree, each is as likely to have either
 * right if there is no difference, so that p = min(1, 2 P(X ≤ min(onlyA, onlyB))), X ~ Binomial(onlyA + onlyB, ½).
 * Lights that both or neither got right say nothing. Without disagreement p = 1.
 */
export function mcnemar(onlyA: number, onlyB: number): McNemar {
  if (![onlyA, onlyB].every((count) => Number.isInteger(count) && count >= 0))
    throw new RangeError(`mcnemar: ${onlyA} and ${onlyB} are no counts`);
  return { onlyA, onlyB, pValue: Math.min(1, 2 * lowerTail(Math.min(onlyA, onlyB), onlyA + onlyB)) };
}

/** P(X ≤ k), X ~ Binomial(n, ½), k ≤ n / 2: from the largest term down, each from the one before. */
function lowerTail(k: number, n: number): number {
  let logTerm = -n * Math.LN2;
  for (let i = 1; i <= k; i++) logTerm += Math.log((n - k + i) / i);
  let term = Math.exp(logTerm);
  let sum = 0;
  for (let i = k; i >= 0 && term > sum * Number.EPSILON; i--) {
    sum += term;
    term *= i / (n - i + 1);
  }
  return sum;
}

/** Counts the disagreements of two lists of answers to the same lights. */
export function mcnemarOf(a: ArrayLike<boolean>, b: ArrayLike<boolean>): McNemar {
  if (a.length !== b.length)
    throw new RangeError(`mcnemar: ${a.length} and ${b.length} answers are no pairs`);
  let onlyA = 0;
  let onlyB = 0;
  for (let i = 0; i < a.length; i++) {
    if (a[i] && !b[i]) onlyA++;
    if (b[i] && !a[i]) onlyB++;
  }
  return mcnemar(onlyA, onlyB);
}
