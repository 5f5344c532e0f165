/** Which source wins, which disagree, and what a correction changes: against a reference that knows no SQL. */
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { registerImages } from '../../../src/catalog/image/registerImages.js';
import { updatePlace } from '../../../src/catalog/place/placeService.js';
import { setConditionPrecedence, SOURCES } from '../../../src/catalog/project/precedence.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { ConditionSource, TimeOfDay, WeatherName } from '../../../src/catalog/vocabulary.js';
import { createWeather, deleteWeather, updateWeather } from '../../../src/catalog/weather/weatherService.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { startTestService, type TestService } from '../../support/service.js';
import {
  codeOf,
  digestOf,
  nameOf,
  newImage,
  newImages,
  newPictures,
  newPlace,
  newProject,
  rowOf,
} from '../graphql/support/world.js';

let service: TestService;
let db: DataSource;
let project: Project;
beforeAll(async () => {
  service = await startTestService();
  db = service.db;
});
beforeEach(async () => {
  project = await newProject(db);
});
afterAll(() => service.stop());

const { LABEL, PERIOD, DERIVED, SENSOR } = ConditionSource;

/** First definite source in order; else the first that says UNDEFINED; else none. */
function reference(precedence: ConditionSource[], values: Partial<Record<ConditionSource, string | null>>) {
  const said = precedence.filter((source) => values[source] != null);
  const source = said.find((one) => values[one] !== 'UNDEFINED') ?? said[0] ?? null;
  return { source, value: source && values[source] };
}

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const sources = fc.record({
  weatherLabel: maybe(fc.constantFrom(...Object.values(WeatherName))),
  weatherPeriod: maybe(fc.constantFrom(...Object.values(WeatherName))),
  timeLabel: maybe(fc.constantFrom(...Object.values(TimeOfDay))),
  sun: maybe(fc.constantFrom(-40, -6, -5.9, 0, 6, 6.1, 50)),
  dark: fc.constantFrom(0.1, 0.639, 0.64, 0.9),
});
const orders = fc.record({
  weather: fc.shuffledSubarray(SOURCES.weather, { minLength: 1 }),
  timeOfDay: fc.shuffledSubarray(SOURCES.timeOfDay, { minLength: 1 }),
  darkness: fc.shuffledSubarray(SOURCES.darkness, { minLength: 1 }),
});

test('random sources under random precedences resolve as the reference does, and exactly what changed is counted', async () => {
  const drawn = fc.sample(sources, { numRuns: 150, seed: 7 });
  const uuids = await newImages(
    db,
    project,
    drawn.map((one, index) => ({ label: `${project.uuid}-${index}`, facts: { darkness: one.dark } })),
  );
  await db.query(
    `UPDATE image i SET weather_label = s.wl, weather_period = s.wp, time_of_day_label = s.tl, sun_altitude = s.sun,
       time_of_day_derived = s.derived
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::text[]) AS s(id, wl, wp, tl, sun, derived)
     WHERE i.id = s.id`,
    [
      uuids,
      drawn.map((one) => one.weatherLabel),
      drawn.map((one) => one.weatherPeriod),
      drawn.map((one) => one.timeLabel),
      drawn.map((one) => one.sun),
      drawn.map(({ sun }) => (sun === null ? null : sun < -6 ? 'NIGHT' : sun > 6 ? 'DAY' : 'DAWN_DUSK')),
    ],
  );
  const read = async () => {
    const rows: Record<string, unknown>[] = await db.query('SELECT * FROM image WHERE id = ANY($1)', [uuids]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return uuids.map((uuid) => byId.get(uuid)!);
  };
  const answer = (row: Record<string, unknown>) =>
    JSON.stringify([
      row.weather,
      row.weather_source,
      row.time_of_day,
      row.time_of_day_source,
      row.darkness,
      row.darkness_source,
    ]);
  await fc.assert(
    fc.asyncProperty(orders, async (order) => {
      const before = (await read()).map(answer);
      const { imagesChanged } = await setConditionPrecedence(db, project.uuid, order);
      const rows = await read();
      expect(imagesChanged).toBe(rows.filter((row, index) => answer(row) !== before[index]).length);
      rows.forEach((row, index) => {
        const one = drawn[index]!;
        const weather = reference(order.weather, { LABEL: one.weatherLabel, PERIOD: one.weatherPeriod });
        expect([row.weather_source, row.weather]).toEqual([weather.source, weather.value]);
        const derived = one.sun === null ? null : one.sun < -6 ? 'NIGHT' : one.sun > 6 ? 'DAY' : 'DAWN_DUSK';
        const sensor = one.dark < 0.64 ? 'DAY' : 'NIGHT';
        const time = reference(order.timeOfDay, { LABEL: one.timeLabel, DERIVED: derived, SENSOR: sensor });
        expect([row.time_of_day_source, row.time_of_day]).toEqual([time.source, time.value]);
        const bySun = one.sun === null ? null : 0.64 - 0.05 * Math.max(-6, Math.min(6, one.sun));
        const darkness = order.darkness
          .map((source) => [source, source === SENSOR ? one.dark : bySun] as const)
          .find(([, value]) => value !== null);
        expect(row.darkness_source).toBe(darkness?.[0] ?? null);
        if (darkness) expect(row.darkness).toBeCloseTo(darkness[1]!, 12);
        else expect(row.darkness).toBeNull();
      });
    }),
    { numRuns: 12 },
  );
});

test('a source that the attribute does not have, one named twice, and an empty list are refused', async () => {
  const set = (change: object) => codeOf(setConditionPrecedence(db, project.uuid, change));
  expect(await set({ weather: [SENSOR] })).toBe('BAD_USER_INPUT');
  expect(await set({ timeOfDay: [LABEL, LABEL] })).toBe('BAD_USER_INPUT');
  expect(await set({ scene: [] })).toBe('BAD_USER_INPUT');
  const { project: seen } = await service.ok(
    `{ project(id: "${project.globalId}") { conditionPrecedence { weather timeOfDay scene darkness } } }`,
  );
  expect(seen.conditionPrecedence).toEqual({
    weather: [LABEL, PERIOD],
    timeOfDay: [LABEL, DERIVED, SENSOR],
    scene: [LABEL],
    darkness: [SENSOR, DERIVED],
  });
});

test('nobody can set a resolved value past its sources', async () => {
  const uuid = await newImage(db, project, { weather: WeatherName.SNOW });
  await db.query("UPDATE image SET weather = 'CLEAR', time_of_day_source = 'LABEL' WHERE id = $1", [uuid]);
  expect(await rowOf(db, 'image', uuid)).toMatchObject({
    weather: 'SNOW',
    weather_source: 'LABEL',
    time_of_day_source: 'SENSOR',
  });
});

test('an image that is being registered while the precedence changes resolves by the new one', async () => {
  const place = await newPlace(db, project);
  await createWeather(db, place.uuid, { weatherName: WeatherName.RAIN, startTime: new Date(0) });
  const row = (label: string) => ({
    sha256: digestOf(label),
    fileName: label,
    place: nameOf(place),
    recordedAt: new Date('2024-05-01T03:00:00Z'),
    weather: WeatherName.CLEAR,
  });
  const labels = Array.from({ length: 40 }, (_, index) => `${project.uuid}-race-${index}`);
  await newPictures(db, labels);
  const change = async () => {
    for (let turn = 0; turn < 10; turn++)
      await setConditionPrecedence(db, project.uuid, {
        weather: turn % 2 === 0 ? [PERIOD, LABEL] : [LABEL, PERIOD],
      });
    return setConditionPrecedence(db, project.uuid, { weather: [PERIOD, LABEL] });
  };
  const move = async () => {
    const made = await createWeather(db, place.uuid, {
      weatherName: WeatherName.SNOW,
      startTime: new Date(-2),
      endTime: new Date(-1),
    });
    for (const name of [WeatherName.FOG, WeatherName.SNOW, WeatherName.FOG])
      await updateWeather(db, made.weather!.uuid, { weatherName: name });
  };
  await Promise.all([
    change(),
    move(),
    ...labels.map((label) => registerImages(db, project.uuid, [row(label)])),
  ]);
  const rows = await db.query(
    'SELECT weather, weather_source, count(*)::int AS n FROM image WHERE project_id = $1 GROUP BY 1, 2',
    [project.uuid],
  );
  expect(rows).toEqual([{ weather: 'RAIN', weather_source: 'PERIOD', n: 40 }]);
});

const CONFLICTS = `query ($project: ID!, $attribute: ConditionAttribute, $minSteps: Int! = 1, $where: ImageWhere, $after: String) {
  conditionConflicts(projectId: $project, attribute: $attribute, minSteps: $minSteps, where: $where, first: 2, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { fileName conflicts { attribute steps sides { source value evidence } } weatherPeriod { weatherName startTime } }
  }
}`;

describe('conflicts', () => {
  /** Midnight and noon in Tokyo, midsummer. */
  const [NIGHT_AT, DAY_AT] = [new Date('2024-06-20T15:00:00Z'), new Date('2024-06-20T03:00:00Z')];

  test('have both sides, the farthest apart first; UNDEFINED and silence disagree with nothing', async () => {
    const place = await newPlace(db, project, { latitude: 35.68, longitude: 139.77 });
    await createWeather(db, place.uuid, { weatherName: WeatherName.RAIN, startTime: new Date(0) });
    const image = (fileName: string, rest: object) =>
      newImage(db, project, {
        fileName,
        place: nameOf(place),
        recordedAt: DAY_AT,
        facts: { darkness: 0.2 },
        ...rest,
      });
    await image('agrees', { weather: WeatherName.RAIN, timeOfDay: TimeOfDay.DAY });
    await image('undefined', { weather: WeatherName.UNDEFINED, timeOfDay: TimeOfDay.UNDEFINED });
    await image('silent', {});
    await image('clear in rain', { weather: WeatherName.CLEAR });
    await image('snow in rain', { weather: WeatherName.SNOW });
    await image('day at midnight', { timeOfDay: TimeOfDay.DAY, recordedAt: NIGHT_AT });
    await image('bright night', { timeOfDay: TimeOfDay.NIGHT, recordedAt: null, place: null });
    const ask = async (variables: object) =>
      (await service.ask(CONFLICTS, { project: project.globalId, ...variables })).data.conditionConflicts;
    const seen: any[] = [];
    for (let after: string | null = null; ;) {
      const page = await ask({ after });
      expect(page.totalCount).toBe(4);
      seen.push(...page.nodes);
      after = page.pageInfo.endCursor;
      if (!page.pageInfo.hasNextPage) break;
    }
    expect(seen.map((node) => node.fileName)).toEqual([
      'clear in rain',
      'bright night',
      'day at midnight',
      'snow in rain',
    ]);
    expect(seen[0]).toEqual({
      fileName: 'clear in rain',
      weatherPeriod: { weatherName: 'RAIN', startTime: '1970-01-01T00:00:00.000Z' },
      conflicts: [
        {
          attribute: 'WEATHER',
          steps: 3,
          sides: [
            { source: 'LABEL', value: 'CLEAR', evidence: null },
            { source: 'PERIOD', value: 'RAIN', evidence: expect.stringContaining('weatherPeriod') },
          ],
        },
      ],
    });
    const [midnight] = seen[2].conflicts;
    expect(midnight).toMatchObject({ attribute: 'TIME_OF_DAY', steps: 2 });
    expect(midnight.sides.map((side: any) => [side.source, side.value])).toEqual([
      ['LABEL', 'DAY'],
      ['DERIVED', 'NIGHT'],
      ['SENSOR', 'DAY'],
    ]);
    // 35.68° north at the solstice: the midnight sun stands 90 − 35.68 − 23.44 = 30.9° below.
    expect(midnight.sides[1].evidence).toMatch(/^sun 30\.\d° below the horizon$/);
    expect(seen[1].conflicts[0].sides).toEqual([
      { source: 'LABEL', value: 'NIGHT', evidence: null },
      { source: 'SENSOR', value: 'DAY', evidence: 'darkness 0.20 of 1' },
    ]);
    expect((await ask({ attribute: 'WEATHER' })).totalCount).toBe(2);
    expect((await ask({ minSteps: 2 })).totalCount).toBe(3);
    expect((await ask({ where: { fileName: { contains: 'night' } } })).totalCount).toBe(2);
    const { conditionConflictCounts: counts } = await service.ok(
      `{ conditionConflictCounts(projectId: "${project.globalId}") { attribute steps images sides { source value } } }`,
    );
    expect(counts.reduce((sum: number, one: any) => sum + one.images, 0)).toBe(4);
    expect(counts[0]).toMatchObject({ images: 1, steps: 3, attribute: 'WEATHER' });
  });

  test('end when the label or the period is corrected', async () => {
    const place = await newPlace(db, project);
    const made = await createWeather(db, place.uuid, {
      weatherName: WeatherName.RAIN,
      startTime: new Date(0),
    });
    await newImage(db, project, { place: nameOf(place), recordedAt: DAY_AT, weather: WeatherName.CLEAR });
    const count = async () =>
      (await service.ask(CONFLICTS, { project: project.globalId, attribute: 'WEATHER' })).data
        .conditionConflicts.totalCount;
    expect(await count()).toBe(1);
    await updateWeather(db, made.weather!.uuid, { weatherName: WeatherName.CLEAR });
    expect(await count()).toBe(0);
    await updateWeather(db, made.weather!.uuid, { weatherName: WeatherName.SNOW });
    expect(await count()).toBe(1);
    await deleteWeather(db, made.weather!.uuid);
    expect(await count()).toBe(0);
  });
});

describe('a time zone', () => {
  test('that is corrected moves exactly the images whose time was the wall clock, and their weather and sun', async () => {
    const place = await newPlace(db, project, { timeZone: 'UTC', latitude: 35.68, longitude: 139.77 });
    // From noon to one in Tokyo.
    await createWeather(db, place.uuid, {
      weatherName: WeatherName.RAIN,
      startTime: new Date('2024-06-20T03:00:00Z'),
      endTime: new Date('2024-06-20T04:00:00Z'),
    });
    const [wall, instant] = await newImages(db, project, [
      { label: `${project.uuid}-wall`, place: nameOf(place), recordedLocal: '2024-06-20T12:30:00' },
      {
        label: `${project.uuid}-instant`,
        place: nameOf(place),
        recordedAt: new Date('2024-06-20T12:30:00Z'),
      },
    ]);
    const seen = async (uuid: string) => {
      const row = await rowOf(db, 'image', uuid);
      return [row.recorded_at, row.weather, row.time_of_day];
    };
    const wrong = [new Date('2024-06-20T12:30:00Z'), null, 'NIGHT'];
    expect(await seen(wall!)).toEqual(wrong);
    expect(await seen(instant!)).toEqual(wrong);
    expect((await updatePlace(db, place.uuid, { timeZone: 'Asia/Tokyo' })).imagesChanged).toBe(1);
    expect(await seen(wall!)).toEqual([new Date('2024-06-20T03:30:00Z'), 'RAIN', 'DAY']);
    expect(await seen(instant!)).toEqual(wrong);
    expect((await updatePlace(db, place.uuid, { timeZone: 'Asia/Tokyo' })).imagesChanged).toBe(0);
  });

  test('knows summer time, and is needed for a wall-clock time', async () => {
    const place = await newPlace(db, project, { timeZone: 'Europe/Berlin' });
    const [winter, summer] = await newImages(db, project, [
      { label: `${project.uuid}-w`, place: nameOf(place), recordedLocal: '2024-01-01T12:00' },
      { label: `${project.uuid}-s`, place: nameOf(place), recordedLocal: '2024-07-01T12:00:00.250' },
    ]);
    expect((await rowOf(db, 'image', winter!)).recorded_at).toEqual(new Date('2024-01-01T11:00:00Z'));
    expect((await rowOf(db, 'image', summer!)).recorded_at).toEqual(new Date('2024-07-01T10:00:00.250Z'));
    const refused = (row: object) =>
      codeOf(newImages(db, project, [{ label: `${project.uuid}-no`, ...row }]));
    expect(await refused({ recordedLocal: '2024-01-01T12:00:00' })).toBe('BAD_USER_INPUT');
    expect(await refused({ recordedLocal: '2024-01-01T12:00:00Z', place: nameOf(place) })).toBe(
      'BAD_USER_INPUT',
    );
    expect(await refused({ recordedLocal: '2024-02-31T12:00:00', place: nameOf(place) })).toBe(
      'BAD_USER_INPUT',
    );
    expect(
      await refused({ recordedLocal: '2024-01-01T12:00', recordedAt: new Date(), place: nameOf(place) }),
    ).toBe('BAD_USER_INPUT');
  });
});

test('random corrections of periods leave every image as a full recompute has it', async () => {
  const place = await newPlace(db, project);
  const hour = (n: number) => new Date(Date.UTC(2024, 0, 1, n));
  await newImages(
    db,
    project,
    Array.from({ length: 24 }, (_, n) => ({
      label: `${project.uuid}-${n}`,
      place: nameOf(place),
      recordedAt: hour(n),
    })),
  );
  const made: string[] = [];
  const step = fc.record({
    what: fc.constantFrom('create', 'update', 'delete'),
    which: fc.nat(20),
    start: fc.nat(23),
    hours: fc.integer({ min: 1, max: 8 }),
    weatherName: fc.constantFrom(...Object.values(WeatherName)),
  });
  for (const { what, which, start, hours, weatherName } of fc.sample(step, { numRuns: 60, seed: 11 })) {
    const before: { id: string; weather: string }[] = await db.query(
      'SELECT id, weather FROM image WHERE project_id = $1 ORDER BY id',
      [project.uuid],
    );
    const period = { weatherName, startTime: hour(start), endTime: hour(start + hours) };
    const target = made[which % Math.max(1, made.length)];
    let imagesChanged = 0;
    try {
      if (what === 'create' || !target) {
        const answer = await createWeather(db, place.uuid, period);
        made.push(answer.weather!.uuid);
        imagesChanged = answer.imagesChanged;
      } else if (what === 'update') ({ imagesChanged } = await updateWeather(db, target, period));
      else {
        ({ imagesChanged } = await deleteWeather(db, target));
        made.splice(made.indexOf(target), 1);
      }
    } catch (error) {
      expect((error as { code: string }).code).toBe('WEATHER_OVERLAP');
    }
    const after: { id: string; weather: string; right: string }[] = await db.query(
      `SELECT i.id, i.weather, w.weather_name AS right FROM image i LEFT JOIN weather w ON w.place_id = i.place_id
         AND i.recorded_at <@ tstzrange(w.start_time, w.end_time, '[)') WHERE i.project_id = $1 ORDER BY i.id`,
      [project.uuid],
    );
    expect(after.map((row) => row.weather)).toEqual(after.map((row) => row.right));
    expect(imagesChanged).toBe(after.filter((row, index) => row.weather !== before[index]!.weather).length);
  }
  expect(made.length).toBeGreaterThan(0);
});

test('conditions overlap: pairs, unions and what is in none are counted, not added up', async () => {
  const image = (weather: WeatherName, timeOfDay: TimeOfDay) => newImage(db, project, { weather, timeOfDay });
  for (let n = 0; n < 3; n++) await image(WeatherName.RAIN, TimeOfDay.NIGHT);
  for (let n = 0; n < 2; n++) await image(WeatherName.RAIN, TimeOfDay.DAY);
  await image(WeatherName.CLEAR, TimeOfDay.DAY);
  await image(WeatherName.SNOW, TimeOfDay.DAWN_DUSK);
  const { conditionOverlaps: seen } = await service.ok(
    `{ conditionOverlaps(projectId: "${project.globalId}") { images none pairs { a { name } b { name } images either } } }`,
  );
  expect([seen.images, seen.none]).toEqual([7, 1]);
  const pairs = seen.pairs.map((pair: any) => [pair.a.name, pair.b.name, pair.images, pair.either]);
  expect(pairs).toEqual([
    ['night', 'night', 3, 3],
    ['night', 'rain', 3, 5],
    ['night', 'sunny', 0, 4],
    ['rain', 'rain', 5, 5],
    ['rain', 'sunny', 0, 6],
    ['sunny', 'sunny', 1, 1],
  ]);
});

test('a condition lists every filter that it had', async () => {
  const input = { projectId: project.globalId, name: 'dark', where: { darkness: { gt: 0.5 } } };
  const { data } = await service.ask(
    'mutation ($input: CreateConditionInput!) { createCondition(input: $input) { condition { id } } }',
    { input },
  );
  const { id } = data.createCondition.condition;
  const update =
    'mutation ($input: UpdateConditionInput!) { updateCondition(input: $input) { condition { version } } }';
  await service.ask(update, { input: { id, where: { darkness: { gt: 0.6 } } } });
  const { condition } = await service.ok(
    `{ condition(id: "${id}") { version versions { version where createdAt } } }`,
  );
  expect(condition.version).toBe(2);
  expect(condition.versions.map((one: any) => [one.version, JSON.parse(one.where)])).toEqual([
    [2, { darkness: { gt: 0.6 } }],
    [1, { darkness: { gt: 0.5 } }],
  ]);
});

test('the conflicts of a list of images cost no statement of their own', async () => {
  const place = await newPlace(db, project);
  await createWeather(db, place.uuid, { weatherName: WeatherName.RAIN, startTime: new Date(0) });
  const uuid = await newImage(db, project, {
    place: nameOf(place),
    recordedAt: new Date(),
    weather: WeatherName.CLEAR,
  });
  const { image } = await service.ok(
    `{ image(id: "${toGlobalId('Image', uuid)}") { conflicts { steps } weatherPeriod { weatherName } scene { label } darkness { darkness source sensor } } }`,
  );
  expect(image).toEqual({
    conflicts: [{ steps: 3 }],
    weatherPeriod: { weatherName: 'RAIN' },
    scene: null,
    darkness: { darkness: 0.3, source: 'SENSOR', sensor: 0.3 },
  });
});
