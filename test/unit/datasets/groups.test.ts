/** Splits by group keep the shares of every class, weather and time of day as well as whole groups allow. */
import fc from 'fast-check';
import { seededRandom } from '../../../seeds/random.js';
import { dealStratified, SPLITS, type Group } from '../../../src/datasets/split/groups.js';

type Weights = Record<string, number>;
/** BDD100K's frames (bench/README.md), and colours seen together. */
const WEATHER: Weights = {
  CLEAR: 37344,
  OVERCAST: 8770,
  SNOW: 5549,
  RAIN: 5070,
  PARTLY_CLOUDY: 4881,
  FOG: 130,
};
const TIME: Weights = { DAY: 36728, NIGHT: 27971, DAWN_DUSK: 5027 };
const COLORS: Weights = { '': 30, GREEN: 30, RED: 20, 'GREEN,RED': 10, YELLOW: 2, OFF: 2 };

function drawn(random: () => number, weights: Weights): string {
  let left = random() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  return Object.keys(weights).find((value) => (left -= weights[value]!) < 0)!;
}

/** Drives of 10 to 90 frames, each of one weather and one time of day. */
function drives(count: number, seed: number): Group[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, n) => {
    const sky = [drawn(random, WEATHER), drawn(random, TIME)];
    const strata = new Map<string, number>();
    for (let frames = 10 + Math.floor(80 * random() ** 2); frames > 0; frames--) {
      const stratum = [drawn(random, COLORS), ...sky].join('|');
      strata.set(stratum, (strata.get(stratum) ?? 0) + 1);
    }
    return { key: `drive ${n}`, strata, order: String(random()), start: null, fixed: false };
  });
}

const sizeOf = ({ strata }: Group) => [...strata.values()].reduce((sum, n) => sum + n, 0);

/** Images by class, by weather, by time of day, and all. */
function marginals(groups: Group[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { strata } of groups)
    for (const [stratum, n] of strata) {
      const [colors, weather, time] = stratum.split('|') as [string, string, string];
      const of = ['all', weather, time, ...colors.split(',').filter(Boolean)];
      for (const name of of) counts.set(name, (counts.get(name) ?? 0) + n);
    }
  return counts;
}

test('every share is right to one and a half of the largest drive, whatever the drives and the shares', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.integer({ min: 30, max: 400 }),
      fc.constantFrom([0.7, 0.15, 0.15], [0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.5, 0.5, 0]),
      (seed, count, [TRAIN, VALIDATION, TEST]) => {
        const shares = { TRAIN: TRAIN, VALIDATION: VALIDATION, TEST: TEST };
        const groups = drives(count, seed);
        const dealt = dealStratified(groups, shares);
        const largest = Math.max(...groups.map(sizeOf));
        const whole = marginals(groups);
        for (const split of SPLITS) {
          const have = marginals(groups.filter(({ key }) => dealt.get(key) === split));
          for (const [name, images] of whole) {
            const off = Math.abs((have.get(name) ?? 0) - shares[split] * images);
            expect([split, name, off, off <= 1.5 * largest]).toEqual([split, name, off, true]);
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});
