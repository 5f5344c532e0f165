/** Which source wins: a label over a period, a label over the sun over the pixels; UNDEFINED gives way to who can say. */
import { updateImage } from '../../../src/catalog/image/imageService.js';
import { sunAltitude, timeOfDayFromSun } from '../../../src/catalog/image/sun.js';
import { updatePlace } from '../../../src/catalog/place/placeService.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { TimeOfDay, WeatherName } from '../../../src/catalog/vocabulary.js';
import { createWeather, deleteWeather, updateWeather } from '../../../src/catalog/weather/weatherService.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { startTestService, type TestService } from '../../support/service.js';
import { nameOf, newImage, newPlace, newProject, rowOf, type ImageRow } from '../graphql/support/world.js';

let service: TestService;
let project: Project;
beforeAll(async () => {
  service = await startTestService();
  project = await newProject(service.db);
});
afterAll(() => service.stop());

async function resolved(uuid: string) {
  const fields =
    'weather { value source label period } timeOfDay { value source label derived sensor } scene { value source } sunAltitude';
  return (await service.ok(`{ image(id: "${toGlobalId('Image', uuid)}") { ${fields} } }`)).image;
}

const { RAIN, CLEAR, UNDEFINED } = WeatherName;
const AT = new Date('2024-05-01T03:00:00Z');

test.each([
  [null, null, null],
  [null, RAIN, [RAIN, 'PERIOD']],
  [null, UNDEFINED, [UNDEFINED, 'PERIOD']],
  [CLEAR, null, [CLEAR, 'LABEL']],
  [CLEAR, RAIN, [CLEAR, 'LABEL']],
  [CLEAR, UNDEFINED, [CLEAR, 'LABEL']],
  [UNDEFINED, null, [UNDEFINED, 'LABEL']],
  [UNDEFINED, RAIN, [RAIN, 'PERIOD']],
  [UNDEFINED, UNDEFINED, [UNDEFINED, 'LABEL']],
])(
  'weather: label %s and period %s give %j, in whatever order they come',
  async (label, period, expected) => {
    const wanted = expected && { value: expected[0], source: expected[1], label, period };
    for (const labelFirst of [true, false]) {
      const place = await newPlace(service.db, project);
      const uuid = await newImage(service.db, project, {
        place: nameOf(place),
        recordedAt: AT,
        weather: labelFirst ? label : null,
      });
      if (period)
        await createWeather(service.db, place.uuid, {
          weatherName: period,
          startTime: new Date(0),
          endTime: null,
        });
      if (!labelFirst) await updateImage(service.db, uuid, { weather: label });
      expect((await resolved(uuid)).weather).toEqual(wanted);
    }
  },
);

test('a period that is corrected or deleted changes what is resolved, and leaves the label', async () => {
  const place = await newPlace(service.db, project);
  const uuid = await newImage(service.db, project, {
    place: nameOf(place),
    recordedAt: AT,
    weather: UNDEFINED,
  });
  const { weather } = await createWeather(service.db, place.uuid, {
    weatherName: RAIN,
    startTime: new Date(0),
    endTime: null,
  });
  expect((await resolved(uuid)).weather).toMatchObject({ value: RAIN, source: 'PERIOD' });
  expect((await updateWeather(service.db, weather!.uuid, { weatherName: CLEAR })).imagesChanged).toBe(1);
  expect((await resolved(uuid)).weather).toMatchObject({ value: CLEAR, source: 'PERIOD' });
  expect((await updateWeather(service.db, weather!.uuid, { weatherName: CLEAR })).imagesChanged).toBe(0);
  expect((await deleteWeather(service.db, weather!.uuid)).imagesChanged).toBe(1);
  expect((await resolved(uuid)).weather).toEqual({
    value: UNDEFINED,
    source: 'LABEL',
    label: UNDEFINED,
    period: null,
  });
});

/** Noon in Tokyo, with a picture as dark as night: what a tunnel looks like. */
const DARK = { darkness: 0.9 };
const TOKYO = { latitude: 35.68, longitude: 139.77 };
test.each<[TimeOfDay | null, Partial<ImageRow>, TimeOfDay, string]>([
  [null, {}, TimeOfDay.NIGHT, 'SENSOR'],
  [null, { recordedAt: AT }, TimeOfDay.NIGHT, 'SENSOR'],
  [null, { ...TOKYO }, TimeOfDay.NIGHT, 'SENSOR'],
  [null, { recordedAt: AT, ...TOKYO }, TimeOfDay.DAY, 'DERIVED'],
  [TimeOfDay.UNDEFINED, { recordedAt: AT, ...TOKYO }, TimeOfDay.DAY, 'DERIVED'],
  [TimeOfDay.UNDEFINED, {}, TimeOfDay.NIGHT, 'SENSOR'],
  [TimeOfDay.DAWN_DUSK, { recordedAt: AT, ...TOKYO }, TimeOfDay.DAWN_DUSK, 'LABEL'],
  [TimeOfDay.DAY, {}, TimeOfDay.DAY, 'LABEL'],
])('time of day: label %s, of %j, is %s by %s', async (label, row, value, source) => {
  const uuid = await newImage(service.db, project, { ...row, timeOfDay: label, facts: DARK });
  const sun = row.recordedAt && row.latitude != null;
  expect((await resolved(uuid)).timeOfDay).toEqual({
    value,
    source,
    label,
    derived: sun ? 'DAY' : null,
    sensor: 'NIGHT',
  });
});

test('a scene comes from a label or not at all', async () => {
  expect((await resolved(await newImage(service.db, project))).scene).toBeNull();
  const uuid = await newImage(service.db, project);
  await updateImage(service.db, uuid, { scene: 'TUNNEL' as never });
  expect((await resolved(uuid)).scene).toEqual({ value: 'TUNNEL', source: 'LABEL' });
});

test('an image without a position of its own takes the position of its place, also when that moves', async () => {
  const place = await newPlace(service.db, project, TOKYO);
  const at = (row: Partial<ImageRow>) =>
    newImage(service.db, project, { place: nameOf(place), recordedAt: AT, ...row });
  const [without, own, timeless] = [
    await at({}),
    await at({ latitude: -17.7, longitude: 178 }),
    await at({ recordedAt: null }),
  ];
  expect((await resolved(without)).sunAltitude).toBeCloseTo(
    sunAltitude(AT, TOKYO.latitude, TOKYO.longitude),
    9,
  );
  const ownBefore = (await resolved(own)).sunAltitude;
  // To the other side of the earth: noon there becomes night.
  const moved = await updatePlace(service.db, place.uuid, {
    latitude: -35.68,
    longitude: TOKYO.longitude - 180,
  });
  expect(moved.imagesChanged).toBe(1);
  expect(await resolved(without)).toMatchObject({ timeOfDay: { value: 'NIGHT', source: 'DERIVED' } });
  expect((await resolved(own)).sunAltitude).toBe(ownBefore);
  expect((await resolved(timeless)).sunAltitude).toBeNull();
  expect((await updatePlace(service.db, place.uuid, { city: 'Renamed' })).imagesChanged).toBe(0);
});

describe('the sun', () => {
  // Altitude at true noon: 90° − |latitude − declination|; the declination is ±23.44° at the solstices.
  test.each([
    ['London, summer noon', '2024-06-21T12:02:00Z', 51.5, 0, 61.9],
    ['Tokyo, winter noon', '2024-12-21T02:39:00Z', 35.68, 139.77, 30.9],
    ['Tromsø, midnight sun', '2024-06-21T22:46:00Z', 69.65, 18.96, 3.1],
    ['Tromsø, polar noon', '2024-12-21T10:42:00Z', 69.65, 18.96, -3.1],
    ['Suva, west of the date line, the first of January', '2024-01-01T00:12:00Z', -18.1, 178.4, 85.0],
    [
      'Apia, east of it, the same day there being the last of December',
      '2023-12-31T23:30:00Z',
      -13.8,
      -171.8,
      80.7,
    ],
  ])('%s, stands where geometry says', (_, time, latitude, longitude, altitude) => {
    // Half a degree: refraction near the horizon, and minutes around noon.
    expect(Math.abs(sunAltitude(new Date(time), latitude, longitude) - altitude)).toBeLessThan(0.7);
  });

  test('does not jump at the date line', () => {
    for (const time of ['2024-03-20T00:00:00Z', '2024-06-21T06:00:00Z', '2024-11-03T18:00:00Z']) {
      const [west, east] = [179.9999, -179.9999].map((longitude) =>
        sunAltitude(new Date(time), 10, longitude),
      );
      expect(west).toBeCloseTo(east as number, 2);
      expect(sunAltitude(new Date(time), 10, 180)).toBeCloseTo(sunAltitude(new Date(time), 10, -180), 6);
    }
  });

  test('knows no summer time: one instant, however its hour is written, is one altitude', () => {
    const [winter, summer] = ['2024-03-31T01:59:59+01:00', '2024-03-31T03:00:00+02:00'].map((time) =>
      sunAltitude(new Date(time), 52.5, 13.4),
    );
    expect(summer).toBeCloseTo(winter as number, 2);
    // The same hour on the clock, an hour apart: half past one comes twice in this night.
    const [first, second] = ['-04:00', '-05:00'].map((offset) =>
      sunAltitude(new Date(`2024-11-03T01:30:00${offset}`), 40.7, -74),
    );
    expect(Math.abs((first as number) - (second as number))).toBeGreaterThan(1);
  });

  test('makes day above 6°, night below −6°, and dawn or dusk between', () => {
    const cases: [number, TimeOfDay][] = [
      [6.0001, TimeOfDay.DAY],
      [6, TimeOfDay.DAWN_DUSK],
      [0, TimeOfDay.DAWN_DUSK],
      [-6, TimeOfDay.DAWN_DUSK],
      [-6.0001, TimeOfDay.NIGHT],
    ];
    for (const [altitude, expected] of cases)
      expect([altitude, timeOfDayFromSun(altitude)]).toEqual([altitude, expected]);
  });

  test('the row of an image says the altitude that the API shows', async () => {
    const uuid = await newImage(service.db, project, { recordedAt: AT, latitude: 1, longitude: 2 });
    expect((await resolved(uuid)).sunAltitude).toBe((await rowOf(service.db, 'image', uuid)).sun_altitude);
  });
});
