import { newcombePaired } from '../../../../src/training/statistics/newcombe.js';

const rounded = ({ lower, upper }: { lower: number; upper: number }) =>
  [lower, upper].map((bound) => Number(bound.toFixed(4)));

test('is method 10 of Newcombe 1998: his 36, 12, 2 and 0', () => {
  // a, b, c, d of the paper: its first is our B.
  const of = (both: number, onlyB: number, onlyA: number, neither: number) =>
    rounded(newcombePaired({ both, onlyA, onlyB, neither }));
  expect(of(36, 12, 2, 0)).toEqual([0.0569, 0.3404]);
});

test('without a pair anything is possible; of equals 0 is inside', () => {
  expect(newcombePaired({ both: 0, onlyA: 0, onlyB: 0, neither: 0 })).toEqual({ lower: -1, upper: 1 });
  const { lower, upper } = newcombePaired({ both: 90, onlyA: 0, onlyB: 0, neither: 10 });
  expect(lower).toBeLessThanOrEqual(0);
  expect(upper).toBeGreaterThanOrEqual(0);
});

test('with the sides exchanged it is its own mirror', () => {
  const counts = { both: 40, onlyA: 9, onlyB: 3, neither: 8 };
  const one = newcombePaired(counts);
  const other = newcombePaired({ ...counts, onlyA: 3, onlyB: 9 });
  expect(other.lower).toBeCloseTo(-one.upper, 12);
  expect(other.upper).toBeCloseTo(-one.lower, 12);
  expect(one.upper).toBeLessThan(0.05);
});
