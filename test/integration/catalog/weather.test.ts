/** Weather periods: half-open, never two at once, and always in step with what images say of themselves. */
import fc from 'fast-check';
import type { Place } from '../../../src/catalog/place/place.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { WeatherName } from '../../../src/catalog/vocabulary.js';
import { createWeather, deleteWeather, updateWeather } from '../../../src/catalog/weather/weatherService.js';
import { newId } from '../../../src/platform/ids.js';
import { startTestService, type TestService } from '../../support/service.js';
import {
  codeOf,
  nameOf,
  newImage,
  newImages,
  newPlace,
  newProject,
  rowOf,
} from '../graphql/support/world.js';

let service: TestService;
let project: Project;
beforeAll(async () => {
  service = await startTestService();
  project = await newProject(service.db);
});
afterAll(() => service.stop());

const { RAIN, CLEAR, FOG, SNOW } = WeatherName;
const hour = (n: number) => new Date(Date.UTC(2024, 0, 1) + n * 3_600_000);

describe('an image', () => {
  test('at the start of a period is in it; at its end it is in the next', async () => {
    const place = await newPlace(service.db, project);
    await createWeather(service.db, place.uuid, { weatherName: RAIN, startTime: hour(1), endTime: hour(2) });
    await createWeather(service.db, place.uuid, { weatherName: CLEAR, startTime: hour(2), endTime: hour(3) });
    const at = async (time: Date) => {
      const uuid = await newImage(service.db, project, { place: nameOf(place), recordedAt: time });
      return (await rowOf(service.db, 'image', uuid)).weather_period;
    };
    const justBefore = (time: Date) => new Date(time.getTime() - 1);
    expect(await at(justBefore(hour(1)))).toBeNull();
    expect(await at(hour(1))).toBe(RAIN);
    expect(await at(justBefore(hour(2)))).toBe(RAIN);
    expect(await at(hour(2))).toBe(CLEAR);
    expect(await at(hour(3))).toBeNull();
  });

  test('without a time or without a place is in no period', async () => {
    const place = await newPlace(service.db, project);
    await createWeather(service.db, place.uuid, { weatherName: RAIN, startTime: new Date(0), endTime: null });
    const timeless = await newImage(service.db, project, { place: nameOf(place) });
    const placeless = await newImage(service.db, project, { recordedAt: hour(1) });
    for (const uuid of [timeless, placeless])
      expect((await rowOf(service.db, 'image', uuid)).weather_period).toBeNull();
  });

  test('in the hour that comes twice when summer time ends is in the period of its own instant', async () => {
    const place = await newPlace(service.db, project, {
      timeZone: 'America/New_York',
      latitude: 40.71,
      longitude: -74.01,
    });
    const made = await service.ok(
      `mutation { createWeather(input: { placeId: "${place.globalId}", weatherName: SNOW,
         startTime: "2024-11-03T01:30:00-04:00", endTime: "2024-11-03T01:30:00-05:00" }) { weather { startTime endTime } userErrors { code } } }`,
    );
    expect(made.createWeather.weather).toEqual({
      startTime: '2024-11-03T05:30:00.000Z',
      endTime: '2024-11-03T06:30:00.000Z',
    });
    const periods = [];
    for (const offset of ['-04:00', '-05:00']) {
      const uuid = await newImage(service.db, project, {
        place: nameOf(place),
        recordedAt: new Date(`2024-11-03T01:45:00${offset}`),
      });
      periods.push((await rowOf(service.db, 'image', uuid)).weather_period);
    }
    expect(periods).toEqual([SNOW, null]);
  });
});

/** What the periods say, by their plain meaning. */
interface Period {
  uuid: string;
  name: WeatherName;
  start: number;
  end: number | null;
}
const says = (periods: Period[], n: number) =>
  periods.find(({ start, end }) => start <= n && (end === null || n < end))?.name ?? null;
const overlap = (a: Period, b: Period) =>
  (b.end === null || a.start < b.end) && (a.end === null || b.start < a.end);

const HOURS = 12;
const name = fc.constantFrom(RAIN, CLEAR, FOG, WeatherName.UNDEFINED);
const start = fc.nat(HOURS);
const end = fc.option(fc.nat(HOURS + 1), { nil: null, freq: 6 });
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('create' as const), which: fc.nat(), name, start, end }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('update' as const), which: fc.nat(), name, start, end }),
  },
  fc.record({ act: fc.constant('delete' as const), which: fc.nat(), name, start, end }),
);

async function imagesByHour(place: Place): Promise<() => Promise<(string | null)[]>> {
  const rows = Array.from({ length: HOURS + 1 }, (_, n) => ({
    label: `${place.uuid}-${n}`,
    place: nameOf(place),
    recordedAt: hour(n),
  }));
  await newImages(service.db, project, rows);
  return async () => {
    const found = await service.db.query(
      'SELECT weather_period AS w FROM image WHERE place_id = $1 ORDER BY recorded_at',
      [place.uuid],
    );
    return found.map((row: { w: string | null }) => row.w);
  };
}

test('any sequence of creating, correcting and deleting periods keeps the images in step, and counts those it touched', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
      const place = await newPlace(service.db, project);
      // Of another place: nothing of it may change.
      const elsewhere = await newPlace(service.db, project);
      const [seen, seenElsewhere] = [await imagesByHour(place), await imagesByHour(elsewhere)];
      let periods: Period[] = [];
      for (const { act, which, ...change } of steps) {
        const chosen = periods[which % Math.max(1, periods.length)];
        if (act !== 'create' && !chosen) continue;
        const wanted: Period = { ...change, uuid: act === 'create' ? '' : (chosen as Period).uuid };
        const others = act === 'create' ? periods : periods.filter((period) => period !== chosen);
        const input = {
          weatherName: change.name,
          startTime: hour(change.start),
          endTime: change.end === null ? null : hour(change.end),
        };
        const work =
          act === 'create'
            ? createWeather(service.db, place.uuid, input)
            : act === 'update'
              ? updateWeather(service.db, wanted.uuid, input)
              : deleteWeather(service.db, wanted.uuid);
        const before = [...Array(HOURS + 1).keys()].map((n) => says(periods, n));
        if (act !== 'delete' && wanted.end !== null && wanted.start >= wanted.end) {
          expect(await codeOf(work)).toBe('BAD_USER_INPUT');
        } else if (act !== 'delete' && others.some((other) => overlap(other, wanted))) {
          expect(await codeOf(work)).toBe('WEATHER_OVERLAP');
        } else {
          const { weather, imagesChanged } = await work;
          periods = act === 'delete' ? others : [...others, { ...wanted, uuid: weather!.uuid }];
          const after = before.map((_, n) => says(periods, n));
          expect(imagesChanged).toBe(after.filter((value, n) => value !== before[n]).length);
        }
        expect(await seen()).toEqual([...Array(HOURS + 1).keys()].map((n) => says(periods, n)));
      }
      expect(new Set(await seenElsewhere())).toEqual(new Set([null]));
    }),
    { numRuns: 20 },
  );
});

test('of two that race for overlapping times exactly one wins, every time', async () => {
  for (let round = 0; round < 15; round++) {
    const place = await newPlace(service.db, project);
    const racers = [0, 1, 2].map((n) =>
      codeOf(
        createWeather(service.db, place.uuid, { weatherName: FOG, startTime: hour(n), endTime: hour(n + 5) }),
      ),
    );
    expect((await Promise.all(racers)).sort()).toEqual(['WEATHER_OVERLAP', 'WEATHER_OVERLAP', 'no error']);
    expect(await service.db.query('SELECT 1 FROM weather WHERE place_id = $1', [place.uuid])).toHaveLength(1);
  }
});

test('the database itself refuses overlapping periods, whoever writes them', async () => {
  const place = await newPlace(service.db, project);
  const insert = (from: number) =>
    service.db.query(
      'INSERT INTO weather (id, place_id, weather_name, start_time, end_time) VALUES ($1, $2, $3, $4, $5)',
      [newId(), place.uuid, RAIN, hour(from), hour(from + 2)],
    );
  const outcomes = await Promise.allSettled([insert(0), insert(1)]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('the message of an overlap says what to do, and names the field', async () => {
  const place = await newPlace(service.db, project);
  const create = `mutation { createWeather(input: { placeId: "${place.globalId}", weatherName: RAIN, startTime: "2024-01-01T00:00:00Z" }) {
    weather { id place { id } } imagesChanged userErrors { code message field } } }`;
  const first = await service.ok(create);
  expect(first.createWeather).toMatchObject({ weather: { place: { id: place.globalId } }, imagesChanged: 0 });
  const second = await service.ask(create);
  expect(second.data.createWeather).toEqual({
    weather: null,
    imagesChanged: null,
    userErrors: [
      { code: 'WEATHER_OVERLAP', message: expect.stringContaining('overlaps'), field: ['startTime'] },
    ],
  });
});
