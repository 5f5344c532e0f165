/** The order in which cells are collected follows from their figures alone. */
import fc from 'fast-check';
import { CoverageDimension } from '../../../src/catalog/coverage/coverage.js';
import { STANDARD_CONDITIONS } from '../../../src/catalog/condition/condition.js';
import { possibleCells } from '../../../src/collect/cells.js';
import { couldHold } from '../../../src/collect/possible.js';
import { figuresOf } from '../../../src/collect/quality.js';
import { partsOf, scoreOf } from '../../../src/collect/rank.js';
import { Suns, shareOf, type CollectionPlace } from '../../../src/collect/world.js';
import { TimeOfDay } from '../../../src/catalog/vocabulary.js';

const cell = fc
  .record({
    n: fc.integer({ min: 1, max: 2000 }),
    wrong: fc.double({ min: 0, max: 1, noNaN: true }),
    count: fc.nat(50_000),
  })
  .map(({ n, wrong, count }) => ({ figures: figuresOf({ n, correct: n - Math.round(wrong * n) }), count }));
const weight = fc.double({ min: 0.01, max: 100, noNaN: true });
const weights = fc.record({ bad: weight, uncertain: weight, rare: weight });
const scale = fc.record({
  overallError: fc.double({ min: 0, max: 1, noNaN: true }),
  typical: fc.double({ min: 0, max: 10_000, noNaN: true }),
});

const width = ({ figures }: { figures: { lower: number; upper: number } }) => figures.upper - figures.lower;

test('a rarer, worse and less certain cell never ranks below one that is better in all three', () => {
  let compared = 0;
  fc.assert(
    fc.property(cell, cell, scale, weights, (a, b, world, by) => {
      const worse = a.figures.value! <= b.figures.value! && width(a) >= width(b) && a.count <= b.count;
      if (!worse) return;
      compared += 1;
      const score = (one: typeof a) => scoreOf(partsOf(one.figures, one.count, world), by);
      expect(score(a)).toBeGreaterThanOrEqual(score(b) - 1e-12);
    }),
    { numRuns: 5000 },
  );
  expect(compared).toBeGreaterThan(200);
});

test('every part and every score lies in 0 to 1, whatever there is', () => {
  fc.assert(
    fc.property(
      fc.option(cell, { nil: null }),
      fc.option(scale, { nil: null }),
      weights,
      (one, world, by) => {
        const { figures, count } = one ?? { figures: figuresOf({ n: 0, correct: 0 }), count: 0 };
        const parts = partsOf(figures, count, world ?? { overallError: null, typical: 0 });
        for (const value of [...Object.values(parts), scoreOf(parts, by)]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1 + 1e-12);
        }
      },
    ),
  );
});

test('of a cell that was never evaluated nothing is certain, and it is as bad as the model is', () => {
  const parts = partsOf(figuresOf({ n: 0, correct: 0 }), 0, { overallError: 0.1, typical: 5 });
  expect(parts).toEqual({ bad: 0.1, uncertain: 1, rare: 1 });
  expect(partsOf(figuresOf({ n: 0, correct: 0 }), 5, { overallError: null, typical: 5 })).toEqual({
    bad: 1,
    uncertain: 1,
    rare: 0.5,
  });
});

describe('what can be collected', () => {
  const tokyo: CollectionPlace = {
    id: 'tokyo',
    country: 'Japan',
    prefecture: 'Tokyo',
    city: 'Minato',
    time_zone: 'Asia/Tokyo',
    latitude: 35.65,
    longitude: 139.75,
  };
  const tromso: CollectionPlace = {
    ...tokyo,
    id: 'tromso',
    country: 'Norway',
    prefecture: 'Troms',
    city: 'Tromsø',
    time_zone: 'Europe/Oslo',
    latitude: 69.65,
    longitude: 18.96,
  };
  const conditions = STANDARD_CONDITIONS;
  const cells = (by: CoverageDimension[], places = [tokyo, tromso]) =>
    possibleCells(by, { places, conditions, suns: new Suns() }).map((keys) => keys.join(' '));
  const { WEATHER, TIME_OF_DAY, HOUR, MONTH, CONDITION, COUNTRY, CITY, LIGHT_COLOR, HAS_LIGHT } =
    CoverageDimension;

  test('is every definite combination', () => {
    expect(cells([WEATHER, TIME_OF_DAY])).toHaveLength(6 * 3);
    expect(cells([WEATHER, TIME_OF_DAY])).toContain('FOG NIGHT');
  });
  test('is no city in another country', () => {
    expect(cells([COUNTRY, CITY])).toEqual(['Japan Minato', 'Norway Tromsø']);
  });
  test('is no hour whose sun is never so; the midnight sun shines in Tromsø', () => {
    const hours = cells([HOUR, TIME_OF_DAY], [tokyo]);
    expect(hours).toContain('12 DAY');
    expect(hours).not.toContain('12 NIGHT');
    expect(hours).not.toContain('00 DAY');
    expect(cells([HOUR, TIME_OF_DAY, MONTH], [tromso])).toContain('00 DAWN_DUSK 06');
    expect(cells([HOUR, TIME_OF_DAY, MONTH], [tokyo])).not.toContain('00 DAWN_DUSK 06');
  });
  test('is no condition beside what its filter excludes', () => {
    const found = cells([CONDITION, WEATHER]);
    expect(found).toContain('rain RAIN');
    expect(found).not.toContain('rain CLEAR');
    expect(found).toContain('night CLEAR');
    expect(cells([CONDITION, TIME_OF_DAY])).not.toContain('sunny NIGHT');
  });
  test('is no light where there is none', () => {
    expect(cells([HAS_LIGHT, LIGHT_COLOR]).filter((one) => one.startsWith('NO'))).toEqual([]);
  });
  test('is refused where it would be too much', () => {
    const many = Array.from({ length: 100 }, (_, n) => ({ ...tokyo, id: String(n), city: `City ${n}` }));
    expect(() => cells([CITY, HOUR, WEATHER], many)).toThrow(/cells/);
  });

  test('the sun of an hour: noon in Tokyo is all day, six in the evening all of it over the year', () => {
    const sun = new Suns().of(tokyo)!;
    expect(shareOf(sun, 12, new Set([TimeOfDay.DAY]), null)).toBe(1);
    expect(shareOf(sun, 18, new Set([TimeOfDay.NIGHT]), 11)).toBe(1);
    expect(shareOf(sun, 18, new Set([TimeOfDay.NIGHT]), 5)).toBe(0);
    const shares = Object.values(TimeOfDay).map((time) => shareOf(sun, 18, new Set([time]), null));
    expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });
});

test('a filter that says nothing of what is known can hold', () => {
  expect(couldHold({ trafficLights: { gt: 1 } }, { weather: 'RAIN' })).toBe(true);
  expect(couldHold({ not: { trafficLights: { gt: 1 } } }, { weather: 'RAIN' })).toBe(true);
  expect(couldHold({ not: { weather: { eq: 'RAIN' } } }, { weather: 'RAIN' })).toBe(false);
  expect(
    couldHold({ or: [{ weather: { in: ['SNOW'] } }, { weather: { isNull: true } }] }, { weather: 'RAIN' }),
  ).toBe(false);
  expect(
    couldHold({ and: [{ weather: { ne: 'SNOW' } }, { timeOfDay: { eq: 'DAY' } }] }, { weather: 'RAIN' }),
  ).toBe(true);
});
