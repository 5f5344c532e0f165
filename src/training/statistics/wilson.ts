export interface Interval {
  lower: number;
  upper: number;
}

/** Two-sided 95 % of the normal distribution. */
export const Z_95 = 1.959963984540054;

/**
 * Wilson score interval of a proportion (Wilson 1927). Unlike the normal approximation it stays inside [0, 1]
 * and does not collapse to a point at 0 or n successes: 30 right of 30 means at least 88.6 %.
 *
 * No trial says nothing about the proportion: n = 0 gives [0, 1].
 */
export function wilson(successes: number, n: number, z = Z_95): Interval {
  if (!Number.isInteger(successes) || !Number.isInteger(n) || successes < 0 || successes > n)
    throw new RangeError(`wilson: ${successes} successes of ${n} is no proportion`);
  if (n === 0) return { lower: 0, upper: 1 };
  const p = successes / n;
  const z2 = z * z;
  const centre = p + z2 / (2 * n);
  const half = z * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  const scale = 1 + z2 / n;
  // At 0 and at n successes the bound is exactly p; rounding may leave it 1e-17 beyond.
  return {
    lower: successes === 0 ? 0 : Math.max(0, (centre - half) / scale),
    upper: successes === n ? 1 : Math.min(1, (centre + half) / scale),
  };
}
