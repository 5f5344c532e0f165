/** A tree of places and times answers as a comparison with every point does. */
import { seededRandom } from '../../../seeds/random.js';
import { metresBetween, NearbyIndex, type Places } from '../../../src/datasets/leaks/nearby.js';

/** Cars that stand, cars that drive past, and some of which nothing is known. */
function places(count: number, seed: number): Places {
  const random = seededRandom(seed);
  const made = {
    latitude: new Float64Array(count),
    longitude: new Float64Array(count),
    time: new Float64Array(count),
  };
  for (let at = 0; at < count; at++) {
    const stands = at % 3 > 0;
    made.latitude[at] = at % 11 ? 35.68 + (stands ? (at % 2) / 1800 : random() / 100) : NaN;
    made.longitude[at] = 139.76 + (stands ? 1e-6 * random() : random() / 100);
    made.time[at] = 60_000 * 600 * random();
  }
  return made;
}

test.each([
  [50, 10],
  [70, 1],
  [0, 1000],
  [500, 0.05],
])('within %d metres and %d minutes', async (metres, minutes) => {
  const [known, held] = [places(3000, 1), places(400, 2)];
  const index = await NearbyIndex.of(known, () => undefined);
  const rows = Array.from({ length: 3000 }, (_, row) => row);
  let found = 0;
  for (let at = 0; at < 400; at++) {
    const near = (row: number) =>
      Math.abs(known.time[row]! - held.time[at]!) <= minutes * 60_000 &&
      metresBetween(known.latitude[row]!, known.longitude[row]!, held.latitude[at]!, held.longitude[at]!) <=
        metres;
    const row = index.near(held, at, metres, minutes);
    if (row >= 0) expect([at, near(row)]).toEqual([at, true]);
    else expect([at, rows.some(near)]).toEqual([at, false]);
    found += Number(row >= 0);
  }
  expect(found).toBeLessThan(400);
});

test('no point, and equal points, are no difficulty', async () => {
  const none = await NearbyIndex.of(places(0, 1), () => undefined);
  expect(none.near(places(5, 1), 1, 1e4, 1e5)).toBe(-1);
  const same = {
    latitude: new Float64Array(5000).fill(10),
    longitude: new Float64Array(5000).fill(20),
    time: new Float64Array(5000).fill(30),
  };
  const index = await NearbyIndex.of(same, () => undefined);
  expect(index.near(same, 0, 0, 0)).toBeGreaterThanOrEqual(0);
  const elsewhere = { ...same, latitude: new Float64Array(5000).fill(11) };
  expect(index.near(elsewhere, 0, 50, 10)).toBe(-1);
});
