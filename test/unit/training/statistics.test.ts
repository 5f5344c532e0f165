import fc from 'fast-check';
import {
  accuracyCounts,
  confusionMatrix,
  precisionCounts,
  recallCounts,
} from '../../../src/training/statistics/confusion.js';
import { wilson } from '../../../src/training/statistics/wilson.js';

/** Successes of n, 1 ≤ n ≤ 10,000. */
const proportions = fc
  .integer({ min: 1, max: 10_000 })
  .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));

describe('wilson', () => {
  it.each([
    [18, 20, 0.699, 0.972],
    [45, 50, 0.786, 0.957],
    [450, 500, 0.871, 0.923],
    // 30 / (30 + z²) = 0.88649.
    [30, 30, 0.8865, 1],
    [100, 100, 0.963, 1],
    [1000, 1000, 0.996, 1],
  ])('%i of %i is in [%d, %d]', (successes, n, lower, upper) => {
    const interval = wilson(successes, n);
    expect(interval.lower).toBeCloseTo(lower, 3);
    expect(interval.upper).toBeCloseTo(upper, 3);
  });

  it('says nothing without a trial', () => {
    expect(wilson(0, 0)).toEqual({ lower: 0, upper: 1 });
  });

  it('stays in [0, 1] and holds the proportion', () => {
    fc.assert(
      fc.property(proportions, ([successes, n]) => {
        const { lower, upper } = wilson(successes, n);
        expect(lower).toBeGreaterThanOrEqual(0);
        expect(upper).toBeLessThanOrEqual(1);
        expect(lower).toBeLessThanOrEqual(successes / n);
        expect(upper).toBeGreaterThanOrEqual(successes / n);
      }),
    );
  });

  it('narrows with n', () => {
    fc.assert(
      fc.property(proportions, fc.integer({ min: 2, max: 20 }), ([successes, n], times) => {
        const few = wilson(successes, n);
        const many = wilson(successes * times, n * times);
        expect(many.upper - many.lower).toBeLessThan(few.upper - few.lower);
      }),
    );
  });

  it('is symmetric: failures are successes turned round', () => {
    fc.assert(
      fc.property(proportions, ([successes, n]) => {
        const right = wilson(successes, n);
        const wrong = wilson(n - successes, n);
        expect(wrong.lower).toBeCloseTo(1 - right.upper, 12);
        expect(wrong.upper).toBeCloseTo(1 - right.lower, 12);
      }),
    );
  });

  it.each([
    [2, 1],
    [-1, 3],
    [0.5, 2],
    [NaN, 2],
  ])('refuses %d of %d', (successes, n) => {
    expect(() => wilson(successes, n)).toThrow(RangeError);
  });
});

describe('confusion', () => {
  const outcomes = [
    { label: 0, predicted: 0 },
    { label: 0, predicted: 2 },
    { label: 0, predicted: 0 },
    { label: 1, predicted: 1 },
    { label: 2, predicted: 0 },
  ];
  const matrix = confusionMatrix(outcomes, 3);

  it('counts labels by row and predictions by column', () => {
    expect(matrix).toEqual([
      [2, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ]);
  });

  it('gives the counts of accuracy, recall and precision', () => {
    expect(accuracyCounts(matrix)).toEqual({ successes: 3, n: 5 });
    expect(recallCounts(matrix, 0)).toEqual({ successes: 2, n: 3 });
    expect(precisionCounts(matrix, 0)).toEqual({ successes: 2, n: 3 });
    expect(precisionCounts(matrix, 2)).toEqual({ successes: 0, n: 1 });
  });

  it('refuses a class that is not there', () => {
    expect(() => confusionMatrix([{ label: 0, predicted: 3 }], 3)).toThrow(RangeError);
  });
});
