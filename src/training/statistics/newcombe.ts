import { Z_95, wilson, type Interval } from './wilson.js';

/** Of n questions that two answered: how often both were right, one of them, neither. */
export interface PairedCounts {
  both: number;
  onlyA: number;
  onlyB: number;
  neither: number;
}

/**
 * Interval of the difference p(B) − p(A) of two proportions of the same questions: Newcombe 1998 ("Improved confidence
 * intervals for the difference between binomial proportions based on paired data", Statistics in Medicine 17), method
 * 10: Wilson's intervals of both, squared and added, less what their correlation φ (continuity-corrected) takes away.
 *
 * No pair says nothing: [−1, 1].
 */
export function newcombePaired({ both, onlyA, onlyB, neither }: PairedCounts, z = Z_95): Interval {
  const n = both + onlyA + onlyB + neither;
  if (n === 0) return { lower: -1, upper: 1 };
  const [pA, pB] = [(both + onlyA) / n, (both + onlyB) / n];
  const [a, b] = [wilson(both + onlyA, n, z), wilson(both + onlyB, n, z)];
  const phi = correlation(both, onlyA, onlyB, neither);
  const reach = (x: number, y: number) => Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y));
  const difference = (onlyB - onlyA) / n;
  return {
    lower: Math.max(-1, difference - reach(pB - b.lower, a.upper - pA)),
    upper: Math.min(1, difference + reach(b.upper - pB, pA - a.lower)),
  };
}

/** φ of the fourfold table, its numerator drawn towards 0 by n/2 where it is positive; 0 where a margin is empty. */
function correlation(both: number, onlyA: number, onlyB: number, neither: number): number {
  const margins = (both + onlyA) * (onlyB + neither) * (both + onlyB) * (onlyA + neither);
  if (margins === 0) return 0;
  const product = both * neither - onlyA * onlyB;
  const n = both + onlyA + onlyB + neither;
  const corrected = product > 0 ? Math.max(0, product - n / 2) : product;
  return corrected / Math.sqrt(margins);
}
