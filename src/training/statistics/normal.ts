/**
 * The q-quantile of the standard normal distribution, to 1e-12: what Wilson's interval takes as z.
 *
 * By bisection of the distribution function, whose Taylor series (Abramowitz & Stegun 26.2.11) converges everywhere.
 * @param q above 0, below 1
 */
export function normalQuantile(q: number): number {
  if (!(q > 0 && q < 1)) throw new RangeError(`normalQuantile: ${q} is not between 0 and 1`);
  let [low, high] = [-8, 8];
  while (high - low > 1e-13) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (normalCdf(middle) < q) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function normalCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let i = 3; Math.abs(term) > 1e-18 && i < 500; i += 2) sum += term *= (x * x) / i;
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
