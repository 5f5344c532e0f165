import { getPosition } from 'suncalc';
import { demoPlaces, demoWeather } from '../../../seeds/index.js';
import { localTime, planDemo, SCENE_NAMES, SCENES, sceneCount, type Shot } from '../../../seeds/plan.js';

const shots = planDemo(320, 1);
const share = (of: (shot: Shot) => boolean) => shots.filter(of).length / shots.length;

test('the same seed plans the same shots, another one others', () => {
  expect(planDemo(50, 3)).toEqual(planDemo(50, 3));
  expect(planDemo(50, 4)).not.toEqual(planDemo(50, 3));
  expect(demoWeather(3)).toEqual(demoWeather(3));
  expect(demoWeather(4)).not.toEqual(demoWeather(3));
});

test.each([0, 1, 2, 7, 8, 33, 320])('the shares of %d images add up to them', (images) => {
  expect(planDemo(images, 1)).toHaveLength(images);
  const counts = SCENE_NAMES.map((scene) => sceneCount(scene, images));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(images);
});

test('rain and night are each a quarter or more, and every scene occurs', () => {
  expect(share(({ weather }) => weather === 'RAIN')).toBeGreaterThanOrEqual(0.25);
  expect(share(({ timeOfDay }) => timeOfDay === 'NIGHT')).toBeGreaterThanOrEqual(0.25);
  expect(new Set(shots.map(({ scene }) => scene))).toEqual(new Set(SCENE_NAMES));
});

test.each([1, 2, 77, 2 ** 31 - 1])('seed %d: the sun stands where the time of day says', (seed) => {
  for (const shot of planDemo(120, seed)) {
    const { altitude } = getPosition(shot.recordedAt, shot.latitude, shot.longitude);
    if (shot.timeOfDay === 'DAY') expect(altitude).toBeGreaterThan(6);
    else if (shot.timeOfDay === 'NIGHT') expect(altitude).toBeLessThan(-6);
    else expect(Math.abs(altitude)).toBeLessThan(6);
  }
});

test.each([1, 2, 77])(
  'seed %d: periods of a place never overlap, and exactly one holds each image',
  (seed) => {
    const periods = demoWeather(seed);
    demoPlaces.forEach((_, place) => {
      const own = periods.filter((period) => period.place === place);
      expect(own.length).toBeGreaterThan(0);
      own.forEach(({ startTime, endTime }, i) => {
        expect(Date.parse(startTime)).toBeLessThan(Date.parse(endTime));
        if (i > 0) expect(Date.parse(own[i - 1]!.endTime)).toBeLessThanOrEqual(Date.parse(startTime));
      });
    });
    for (const shot of planDemo(120, seed)) {
      const at = shot.recordedAt.getTime();
      const holding = periods.filter(
        ({ place, startTime, endTime }) =>
          demoPlaces[place] === shot.place && Date.parse(startTime) <= at && at < Date.parse(endTime),
      );
      expect(holding.map(({ weather }) => weather)).toEqual([shot.weather]);
      expect(SCENES[shot.scene].weather).toContain(shot.weather);
    }
  },
);

test('the weather does not depend on how many images there are', () => {
  const weather = demoWeather(1);
  for (const { place, recordedAt, weather: truth } of planDemo(9, 1)) {
    const at = recordedAt.toISOString();
    const period = weather.find((p) => demoPlaces[p.place] === place && p.startTime <= at && at < p.endTime);
    expect(period?.weather).toBe(truth);
  }
});

test('a drive stays at one place, in one scene, within ten minutes', () => {
  for (const drive of new Set(shots.map((shot) => shot.drive))) {
    const own = shots.filter((shot) => shot.drive === drive);
    expect(new Set(own.map(({ scene, place }) => `${scene}${place.city}`)).size).toBe(1);
    const times = own.map(({ recordedAt }) => recordedAt.getTime());
    expect(Math.max(...times) - Math.min(...times)).toBeLessThan(10 * 60_000);
    expect(new Set(times).size).toBe(times.length);
  }
});

test('every scene has as many red as yellow as green junctions, and few dark ones', () => {
  for (const scene of SCENE_NAMES) {
    const colors = shots.filter((shot) => shot.scene === scene).flatMap((shot) => shot.colors);
    const count = (color: string) => colors.filter((c) => c === color).length;
    expect(Math.abs(count('RED') - count('GREEN'))).toBeLessThanOrEqual(2);
    expect(Math.abs(count('RED') - count('YELLOW'))).toBeLessThanOrEqual(2);
    expect(count('OFF') / colors.length).toBeLessThan(0.08);
  }
});

test('a part of the weather and of the times is left for the catalog to resolve', () => {
  for (const key of ['weather', 'timeOfDay'] as const) {
    expect(share(({ hidden }) => hidden[key])).toBeGreaterThan(0.1);
    expect(share(({ hidden }) => hidden[key])).toBeLessThan(0.35);
  }
});

test('local time carries the offset of the place and the season', () => {
  const winter = new Date('2026-01-15T12:00:00Z');
  const summer = new Date('2026-07-15T12:00:00Z');
  expect(localTime(winter, 'Asia/Tokyo')).toBe('2026-01-15T21:00:00+09:00');
  expect(localTime(winter, 'Europe/Berlin')).toBe('2026-01-15T13:00:00+01:00');
  expect(localTime(summer, 'America/Los_Angeles')).toBe('2026-07-15T05:00:00-07:00');
  expect(localTime(summer, 'UTC')).toBe('2026-07-15T12:00:00+00:00');
});
