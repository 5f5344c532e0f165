import fc from 'fast-check';
import { holm } from '../../../../src/training/statistics/holm.js';
import { mcnemar, mcnemarOf } from '../../../../src/training/statistics/mcnemar.js';
import {
  compareSlices,
  nonInferiority,
  type SliceDifference,
  withinBound,
} from '../../../../src/training/statistics/verdicts.js';
import { generator } from '../../../../src/training/random.js';

describe('mcnemar', () => {
  // min(1, 2 Σ C(n, k) / 2^n) in exact fractions.
  it.each([
    [0, 0, 1],
    [3, 0, 0.25],
    [0, 5, 0.0625],
    [1, 9, 0.021484375],
    [5, 15, 0.04138946533203125],
    [10, 10, 1],
    [30, 60, 0.002060265680963076],
    [1000, 1100, 0.030720707864242296],
  ])('%i against %i: p = %d', (onlyA, onlyB, p) => {
    expect(mcnemar(onlyA, onlyB).pValue).toBeCloseTo(p, 10);
    expect(mcnemar(onlyB, onlyA).pValue).toBeCloseTo(p, 10);
  });

  it('stays a number where 2^-n is none', () => {
    expect(mcnemar(50_000, 50_000).pValue).toBe(1);
    const far = mcnemar(49_000, 51_000).pValue;
    expect(far).toBeGreaterThan(0);
    expect(far).toBeLessThan(1e-8);
  });

  it('counts the lights on which two models disagree', () => {
    const a = [true, true, false, false, true];
    const b = [true, false, true, false, false];
    expect(mcnemarOf(a, b)).toEqual({ onlyA: 2, onlyB: 1, pValue: 1 });
    expect(() => mcnemarOf(a, [true])).toThrow(RangeError);
    expect(() => mcnemar(-1, 2)).toThrow(RangeError);
    expect(() => mcnemar(NaN, 2)).toThrow(RangeError);
  });

  it('finds no difference between equal models in 95 % of seeds or more', () => {
    let significant = 0;
    for (let seed = 0; seed < 400; seed++) {
      const random = generator(seed);
      const answers = () => Array.from({ length: 200 }, () => random() < 0.8);
      if (mcnemarOf(answers(), answers()).pValue <= 0.05) significant++;
    }
    expect(significant).toBeLessThanOrEqual(20);
  });
});

describe('holm', () => {
  it('multiplies the smallest by the number of tests, the next by one less, and never falls', () => {
    // Wright 1992's way of writing Holm: .01·4, .02·3, .03·2 (raised to the one before), .5.
    expect(holm([0.02, 0.01, 0.5, 0.03])).toEqual([0.06, 0.04, 0.5, 0.06]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });

  it('leaves out what was not tested', () => {
    expect(holm([null, 0.04, null])).toEqual([null, 0.04, null]);
  });

  it.each([NaN, -0.1, 1.1])('refuses %d', (p) => {
    expect(() => holm([p])).toThrow(RangeError);
  });

  it('keeps the order, and lies between each p and Bonferroni', () => {
    const p = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(p, { minLength: 1, maxLength: 20 }), (pValues) => {
        const adjusted = holm(pValues) as number[];
        pValues.forEach((one, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(one);
          expect(adjusted[i]).toBeLessThanOrEqual(Math.min(1, one * pValues.length));
          pValues.forEach((other, j) => {
            if (one < other) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]!);
          });
        });
      }),
    );
  });
});

describe('compareSlices', () => {
  const slice = (n: number, difference: number | null, pValue: number | null): SliceDifference => ({
    n,
    difference,
    pValue,
  });

  it('gives each slice its verdict', () => {
    const { slices, tested } = compareSlices(
      [
        slice(200, 0.1, 0.001),
        slice(200, -0.1, 0.001),
        slice(200, 0.01, 0.6),
        slice(10, 0.3, 0.0001),
        slice(200, null, null),
        { ...slice(200, 0.1, 0.001), higherIsBetter: false },
        slice(200, 0, 0.001),
        slice(0, 0, 0.001),
      ],
      { minimumN: 30 },
    );
    expect(slices.map(({ verdict }) => verdict)).toEqual([
      'BETTER',
      'WORSE',
      'NO_EVIDENCE',
      'INSUFFICIENT_DATA',
      'INSUFFICIENT_DATA',
      'WORSE',
      'NO_EVIDENCE',
      'INSUFFICIENT_DATA',
    ]);
    expect(tested).toBe(5);
    expect(slices[0]!.adjustedP).toBeCloseTo(0.005, 12);
    expect(slices[3]!.adjustedP).toBeNull();
  });

  it('asks more of each slice the more are looked at', () => {
    const one = compareSlices([slice(100, 0.1, 0.02)], { minimumN: 30 });
    const many = compareSlices(
      Array.from({ length: 5 }, () => slice(100, 0.1, 0.02)),
      { minimumN: 30 },
    );
    expect(one.slices[0]!.verdict).toBe('BETTER');
    expect(many.slices.map(({ verdict }) => verdict)).toEqual(Array(5).fill('NO_EVIDENCE'));
  });

  it('errs on any of ten equal slices in 5 % of seeds at most', () => {
    let wrong = 0;
    for (let seed = 0; seed < 200; seed++) {
      const random = generator(seed);
      const slices = Array.from({ length: 10 }, () => {
        const answers = () => Array.from({ length: 100 }, () => random() < 0.7);
        const [a, b] = [answers(), answers()];
        const { onlyA, onlyB, pValue } = mcnemarOf(a, b);
        return slice(100, (onlyB - onlyA) / 100, pValue);
      });
      const verdicts = compareSlices(slices, { minimumN: 30 }).slices.map(({ verdict }) => verdict);
      if (verdicts.some((verdict) => verdict !== 'NO_EVIDENCE')) wrong++;
    }
    expect(wrong).toBeLessThanOrEqual(10);
  });
});

describe('gates', () => {
  const interval = { lower: -0.008, upper: 0.02 };

  it('pass a candidate whose whole interval is within the margin', () => {
    expect(nonInferiority({ n: 500, interval }, { margin: 0.01, minimumN: 100 })).toBe('PASS');
    expect(nonInferiority({ n: 500, interval }, { margin: 0.008, minimumN: 100 })).toBe('FAIL');
    expect(nonInferiority({ n: 500, interval }, { margin: 0.01, minimumN: 100, higherIsBetter: false })).toBe(
      'FAIL',
    );
    expect(nonInferiority({ n: 500, interval }, { margin: 0.03, minimumN: 100, higherIsBetter: false })).toBe(
      'PASS',
    );
    expect(() => nonInferiority({ n: 500, interval }, { margin: NaN, minimumN: 1 })).toThrow(RangeError);
  });

  it('hold a bound by the end of the interval that is on its side', () => {
    const recall = { n: 500, interval: { lower: 0.949, upper: 0.98 } };
    expect(withinBound(recall, { atLeast: 0.95, minimumN: 100 })).toBe('FAIL');
    expect(withinBound(recall, { atLeast: 0.949, minimumN: 100 })).toBe('PASS');
    expect(withinBound(recall, { atMost: 0.97, minimumN: 100 })).toBe('FAIL');
  });

  it('never pass for want of data', () => {
    const perfect = { lower: 1, upper: 1 };
    expect(nonInferiority({ n: 99, interval: perfect }, { margin: 0.01, minimumN: 100 })).toBe(
      'INSUFFICIENT_DATA',
    );
    expect(nonInferiority({ n: 500, interval: null }, { margin: 0.01, minimumN: 100 })).toBe(
      'INSUFFICIENT_DATA',
    );
    expect(nonInferiority({ n: 0, interval: perfect }, { margin: 0.01, minimumN: 0 })).toBe(
      'INSUFFICIENT_DATA',
    );
    expect(withinBound({ n: 99, interval: perfect }, { atLeast: 0.5, minimumN: 100 })).toBe(
      'INSUFFICIENT_DATA',
    );
    expect(withinBound({ n: 0, interval: null }, { atMost: 0.5, minimumN: 0 })).toBe('INSUFFICIENT_DATA');
  });
});
