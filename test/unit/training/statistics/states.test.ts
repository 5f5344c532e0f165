import fc from 'fast-check';
import {
  bootstrapStateDifferences,
  bootstrapStates,
  mcnemarOfStates,
  reliabilityOf,
  type StateCell,
  type StateOutcome,
  StateSet,
  stateValues,
} from '../../../../src/training/statistics/states/index.js';
import { compareSlices } from '../../../../src/training/statistics/verdicts.js';
import { generator } from '../../../../src/training/random.js';

const CLASSES = 3;
const METRICS = ['accuracy', 'precision', 'recall', 'f1', 'ece'] as const;
const CELLS: StateCell[] = [null, 0, 1, 2].flatMap((label) => METRICS.map((metric) => ({ metric, label })));
const RED_AS_GREEN: StateCell = { metric: 'read_as', label: null, from: [0], to: [2] };

function setOf(outcomes: readonly StateOutcome[], unit: (i: number) => string | null = () => null): StateSet {
  const set = new StateSet(CLASSES);
  outcomes.forEach((outcome, i) => set.add(outcome, unit(i)));
  return set;
}

const outcome = (label: number, predicted: number, confidence = 0.9): StateOutcome => ({
  label,
  predicted,
  confidence,
});

/** Right with `chance`, and as sure as that. */
function outcomes(lights: number, seed: number, chance: number): StateOutcome[] {
  const random = generator(seed);
  return Array.from({ length: lights }, () => {
    const label = Math.floor(random() * CLASSES);
    const predicted = random() < chance ? label : (label + 1 + Math.floor(random() * 2)) % CLASSES;
    return outcome(label, predicted, chance);
  });
}

const value = (set: StateSet, cell: StateCell) => stateValues(set, [cell])[0]!;

describe('figures of states', () => {
  const set = setOf([
    outcome(0, 0),
    outcome(0, 0),
    outcome(0, 2),
    outcome(1, 1),
    outcome(2, 0),
    outcome(2, 2),
  ]);

  it('are those of the confusion matrix', () => {
    expect(value(set, { metric: 'accuracy', label: null })).toEqual({ value: 4 / 6, n: 6, successes: 4 });
    expect(value(set, { metric: 'precision', label: 0 })).toEqual({ value: 2 / 3, n: 3, successes: 2 });
    expect(value(set, { metric: 'recall', label: 2 })).toEqual({ value: 1 / 2, n: 2, successes: 1 });
    // 2 · 2 / (2 · 2 + 1 + 1) and 2 / (2 + 1 + 1).
    expect(value(set, { metric: 'f1', label: 0 }).value).toBeCloseTo(2 / 3, 12);
    expect(value(set, { metric: 'f1', label: 2 }).value).toBeCloseTo(1 / 2, 12);
    expect(value(set, { metric: 'f1', label: null }).value).toBeCloseTo((2 / 3 + 1 + 1 / 2) / 3, 12);
    expect(value(set, RED_AS_GREEN)).toEqual({ value: 1 / 3, n: 3, successes: 1 });
  });

  it('measure calibration bin by bin', () => {
    // 10 lights at .95, 9 right; 10 at .65, 5 right; ECE = ½ |.9 − .95| + ½ |.5 − .65| = .1.
    const sure = Array.from({ length: 10 }, (_, i) => outcome(0, i < 9 ? 0 : 1, 0.95));
    const unsure = Array.from({ length: 10 }, (_, i) => outcome(1, i < 5 ? 1 : 0, 0.65));
    const calibrated = setOf([...sure, ...unsure]);
    expect(value(calibrated, { metric: 'ece', label: null }).value).toBeCloseTo(0.1, 12);
    const diagram = reliabilityOf(calibrated);
    expect(diagram).toHaveLength(15);
    expect(diagram.filter(({ n }) => n > 0)).toMatchObject([
      { from: 9 / 15, to: 10 / 15, n: 10, accuracy: 0.5 },
      { from: 14 / 15, to: 1, n: 10, accuracy: 0.9 },
    ]);
    expect(diagram[0]).toMatchObject({ n: 0, accuracy: null, confidence: null, interval: null });
    expect(diagram[14]!.confidence).toBeCloseTo(0.95, 12);
    // Wilson of 9 of 10.
    expect(diagram[14]!.interval!.lower).toBeCloseTo(0.5958, 4);
    // Of the 14 that are predicted as class 0: 9 of 9 at .95, 0 of 5 at .65.
    expect(value(calibrated, { metric: 'ece', label: 0 })).toMatchObject({ n: 14 });
    expect(value(calibrated, { metric: 'ece', label: 0 }).value).toBeCloseTo((9 * 0.05 + 5 * 0.65) / 14, 12);
  });

  it('are null, not NaN, where there is nothing', () => {
    const empty = new StateSet(CLASSES);
    for (const one of stateValues(empty, [...CELLS, RED_AS_GREEN])) expect(one.value).toBeNull();
    const one = setOf([outcome(1, 1)]);
    expect(value(one, { metric: 'precision', label: 0 })).toEqual({ value: null, n: 0, successes: 0 });
    expect(value(one, { metric: 'f1', label: null }).value).toBe(1);
    expect(value(one, RED_AS_GREEN)).toEqual({ value: null, n: 0, successes: 0 });
  });

  it.each([[outcome(3, 0)], [outcome(0, -1)], [outcome(0, 0, NaN)], [outcome(0, 0, 1.5)], [outcome(0.5, 0)]])(
    'refuse %j',
    (bad) => {
      expect(() => new StateSet(CLASSES).add(bad)).toThrow(RangeError);
    },
  );

  it('are 1 for a perfect model, and its ECE what it lacks in sureness', () => {
    const perfect = setOf(outcomes(300, 1, 1));
    for (const cell of CELLS) expect(value(perfect, cell).value).toBe(cell.metric === 'ece' ? 0 : 1);
    expect(value(perfect, RED_AS_GREEN).value).toBe(0);
    const modest = setOf(outcomes(300, 1, 1).map((one) => ({ ...one, confidence: 0.7 })));
    expect(value(modest, { metric: 'ece', label: null }).value).toBeCloseTo(0.3, 12);
  });

  it('of a model that always says the same are those of its class alone', () => {
    const constant = setOf(outcomes(300, 1, 1).map((one) => ({ ...one, predicted: 1, confidence: 1 / 3 })));
    expect(value(constant, { metric: 'recall', label: 1 }).value).toBe(1);
    expect(value(constant, { metric: 'recall', label: null }).value).toBeCloseTo(1 / 3, 12);
    expect(value(constant, { metric: 'precision', label: 0 }).value).toBeNull();
    expect(value(constant, { metric: 'f1', label: 0 }).value).toBe(0);
    expect(value(constant, { metric: 'ece', label: null }).value).toBeLessThan(0.1);
  });

  it('lie in [0, 1], and do not depend on the order of the lights', () => {
    const light = fc.record({
      label: fc.nat(CLASSES - 1),
      predicted: fc.nat(CLASSES - 1),
      confidence: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(light, { maxLength: 60 }), (lights) => {
        const forward = stateValues(setOf(lights), [...CELLS, RED_AS_GREEN]);
        const backward = stateValues(setOf([...lights].reverse()), [...CELLS, RED_AS_GREEN]);
        forward.forEach((one, i) => {
          if (one.value === null) return expect(backward[i]!.value).toBeNull();
          expect(one.value).toBeGreaterThanOrEqual(0);
          expect(one.value).toBeLessThanOrEqual(1);
          expect(backward[i]!.value).toBeCloseTo(one.value, 10);
        });
      }),
    );
  });
});

describe('intervals of states', () => {
  const options = { resamples: 1000, seed: 5 };

  it('of accuracy are about as wide as Wilson has them when lights are drawn one by one', async () => {
    const [accuracy] = await bootstrapStates(setOf(outcomes(500, 2, 0.9)), [CELLS[0]!], options);
    const half = 1.96 * Math.sqrt((accuracy!.value! * (1 - accuracy!.value!)) / 500);
    expect(accuracy!.interval!.lower).toBeCloseTo(accuracy!.value! - half, 2);
    expect(accuracy!.interval!.upper).toBeCloseTo(accuracy!.value! + half, 2);
  });

  it('are wider when consecutive frames are drawn as one drive', async () => {
    // Ten frames alike in each drive: 50 drives tell less than 500 lights.
    const lights = outcomes(50, 2, 0.9).flatMap((one) => Array<StateOutcome>(10).fill(one));
    const width = async (unit: (i: number) => string | null) => {
      const [accuracy] = await bootstrapStates(setOf(lights, unit), [CELLS[0]!], options);
      return accuracy!.interval!.upper - accuracy!.interval!.lower;
    };
    const byLight = await width(() => null);
    const byDrive = await width((i) => `drive ${Math.floor(i / 10)}`);
    expect(byDrive / byLight).toBeGreaterThan(2.4);
    expect(byDrive / byLight).toBeLessThan(4);
  });

  it('hold the figure, and are the same for the same seed', async () => {
    const set = setOf(outcomes(300, 3, 0.8));
    const cells = CELLS.filter(({ metric }) => metric !== 'ece');
    const [once, again, other] = [
      await bootstrapStates(set, cells, options),
      await bootstrapStates(set, cells, options),
      await bootstrapStates(set, cells, { ...options, seed: 6 }),
    ];
    expect(again).toEqual(once);
    expect(other).not.toEqual(once);
    for (const { value: figure, interval } of once) {
      expect(interval!.lower).toBeLessThan(figure!);
      expect(interval!.upper).toBeGreaterThan(figure!);
    }
  });

  it('are null where there is nothing, and refuse no resamples', async () => {
    const [none] = await bootstrapStates(new StateSet(CLASSES), [CELLS[0]!], options);
    expect(none).toMatchObject({ value: null, interval: null, resamples: 0 });
    await expect(
      bootstrapStates(new StateSet(CLASSES), [CELLS[0]!], { ...options, resamples: 0 }),
    ).rejects.toThrow(RangeError);
  });

  it('end when they are told to', async () => {
    const set = setOf(outcomes(3000, 3, 0.8));
    const controller = new AbortController();
    setImmediate(() => controller.abort(new Error('enough')));
    await expect(
      bootstrapStates(set, CELLS, { resamples: 1e6, seed: 1, signal: controller.signal }),
    ).rejects.toThrow('enough');
  });
});

describe('two models of states', () => {
  const cells: StateCell[] = [
    { metric: 'accuracy', label: null },
    { metric: 'f1', label: 0 },
  ];
  const options = { resamples: 500, seed: 1 };

  it('that are one and the same do not differ', async () => {
    const set = setOf(outcomes(200, 1, 0.8));
    for (const one of await bootstrapStateDifferences(set, set, cells, options))
      expect(one).toMatchObject({ difference: 0, interval: { lower: 0, upper: 0 }, pValue: 1 });
    expect(mcnemarOfStates(set, set)).toEqual({ onlyA: 0, onlyB: 0, pValue: 1 });
  });

  it('that differ are told apart, with the sign of the second', async () => {
    const good = outcomes(400, 1, 1);
    const worse = good.map((one, i) =>
      i % 8 === 0 ? { ...one, predicted: (one.label + 1) % CLASSES } : one,
    );
    const [accuracy] = await bootstrapStateDifferences(setOf(good), setOf(worse), cells, options);
    expect(accuracy!.difference).toBeCloseTo(-1 / 8, 12);
    expect(accuracy!.interval!.upper).toBeLessThan(0);
    expect(accuracy!.pValue).toBeCloseTo(2 / 501, 12);
    expect(mcnemarOfStates(setOf(good), setOf(worse))).toMatchObject({ onlyA: 50, onlyB: 0 });
    expect(mcnemarOfStates(setOf(good), setOf(worse), 0).onlyA).toBeLessThan(50);
  });

  it('of equal quality are told apart in about 5 % of seeds', async () => {
    let significant = 0;
    for (let seed = 0; seed < 100; seed++) {
      const a = outcomes(100, seed, 0.8);
      const other = outcomes(100, seed + 1000, 0.8);
      // The same lights, each model's errors its own.
      const b = a.map(({ label }, i) => {
        const aside = (other[i]!.predicted - other[i]!.label + CLASSES) % CLASSES;
        return outcome(label, (label + aside) % CLASSES, 0.8);
      });
      const [accuracy] = await bootstrapStateDifferences(setOf(a), setOf(b), cells.slice(0, 1), {
        resamples: 200,
        seed,
      });
      if (accuracy!.pValue! <= 0.05) significant++;
    }
    // 5 are expected, with a standard deviation of 2.
    expect(significant).toBeLessThanOrEqual(10);
  });

  it('are told apart in the one condition in which labels are swapped, and in no other', () => {
    const conditions = ['sunny', 'night', 'rain'].map((name, i) => ({
      name,
      lights: outcomes(300, i + 1, 0.9),
    }));
    const slices = conditions.map(({ name, lights }) => {
      const swapped = lights.map((one) => ({ ...one, predicted: [2, 1, 0][one.predicted]! }));
      const { onlyA, onlyB, pValue } = mcnemarOfStates(
        setOf(lights),
        setOf(name === 'night' ? swapped : lights),
      );
      return { n: lights.length, difference: (onlyB - onlyA) / lights.length, pValue };
    });
    const { slices: verdicts, tested } = compareSlices(slices, { minimumN: 100 });
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['NO_EVIDENCE', 'WORSE', 'NO_EVIDENCE']);
    expect(tested).toBe(3);
  });

  it('are not compared on other lights', async () => {
    const [a, b] = [setOf(outcomes(20, 1, 0.8)), setOf(outcomes(20, 2, 0.8))];
    await expect(bootstrapStateDifferences(a, b, cells, options)).rejects.toThrow(RangeError);
    expect(() => mcnemarOfStates(a, setOf(outcomes(19, 1, 0.8)))).toThrow(RangeError);
  });
});
