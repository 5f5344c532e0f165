/** What each source says is shown whoever wins, and is right again after any correction; seen as a user sees it. */
import type { DataSource } from 'typeorm';
import { updateImage } from '../../../src/catalog/image/imageService.js';
import { registerImages } from '../../../src/catalog/image/registerImages.js';
import type { Place } from '../../../src/catalog/place/place.js';
import { updatePlace } from '../../../src/catalog/place/placeService.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { Scene, TimeOfDay, WeatherName } from '../../../src/catalog/vocabulary.js';
import { createWeather, deleteWeather, updateWeather } from '../../../src/catalog/weather/weatherService.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { startTestService, type TestService } from '../../support/service.js';
import { folderOf, importInto, versionsOf } from '../datasets/importSupport.js';
import {
  codeOf,
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

const TOKYO = { latitude: 35.68, longitude: 139.77 };
/** In Tokyo, midsummer. */
const [NOON, MIDNIGHT] = [new Date('2024-06-20T03:00:00Z'), new Date('2024-06-20T15:00:00Z')];

const FIELDS = `fileName weather { value source label period } timeOfDay { value source label derived sensor }
  scene { value source label } darkness { darkness source sensor derived brightness } sunAltitude
  conflicts { attribute steps sides { source value } } conditions { condition { name } sources }`;
const seen = async (uuid: string) =>
  (await service.ok(`{ image(id: "${toGlobalId('Image', uuid)}") { ${FIELDS} } }`)).image;
const prefer = async (lists: string) =>
  (
    await service.ok(
      `mutation { setConditionPrecedence(input: { projectId: "${project.name}", ${lists} }) { imagesChanged userErrors { code } } }`,
    )
  ).setConditionPrecedence.imagesChanged as number;

/** An image of which only labels are here, imported under this name. */
async function waiting(name: string, attributes: object = {}): Promise<string> {
  await using folder = await folderOf({ 'l.json': [{ name, attributes, labels: [] }] });
  await importInto(db, project.uuid, folder.path);
  const [{ id }] = await db.query('SELECT id FROM image WHERE project_id = $1 AND file_name = $2', [
    ...[project.uuid, name],
  ]);
  return id as string;
}

/** Which of these images the work writes: by the number of the transaction that wrote each last. */
async function touched(images: Record<string, string>, work: () => Promise<{ imagesChanged: number }>) {
  const before = new Set((await versionsOf(db, project.uuid)).map((row) => JSON.stringify(row)));
  const { imagesChanged } = await work();
  const after = (await versionsOf(db, project.uuid)) as { id: string; xmin: string }[];
  const written = after.filter((row) => !before.has(JSON.stringify(row)));
  expect(new Set(written.map(({ xmin }) => xmin)).size).toBeLessThanOrEqual(1);
  expect(imagesChanged).toBe(written.length);
  const names = new Map(Object.entries(images).map(([name, uuid]) => [uuid, name]));
  return written.map(({ id }) => names.get(id)).sort();
}

test('a source that the project does not use still says what it says', async () => {
  const place = await newPlace(db, project, TOKYO);
  await createWeather(db, place.uuid, { weatherName: WeatherName.RAIN, startTime: new Date(0) });
  const uuid = await newImage(db, project, {
    ...{ place: nameOf(place), recordedAt: MIDNIGHT, facts: { darkness: 0.2 } },
  });
  expect(await seen(uuid)).toMatchObject({
    weather: { value: 'RAIN', source: 'PERIOD', label: null, period: 'RAIN' },
    timeOfDay: { value: 'NIGHT', source: 'DERIVED', label: null, derived: 'NIGHT', sensor: 'DAY' },
    darkness: { darkness: 0.2, source: 'SENSOR', sensor: 0.2, derived: expect.closeTo(0.94, 9) },
  });
  expect(await prefer('weather: [LABEL], timeOfDay: [LABEL], darkness: [DERIVED]')).toBe(1);
  expect(await seen(uuid)).toMatchObject({
    weather: { value: null, source: null, label: null, period: 'RAIN' },
    timeOfDay: { value: null, source: null, label: null, derived: 'NIGHT', sensor: 'DAY' },
    darkness: { source: 'DERIVED', sensor: 0.2 },
    conditions: [],
  });
  const { darkness } = await seen(uuid);
  expect(darkness.darkness).toBe(darkness.derived);
  expect(await prefer('weather: [LABEL], timeOfDay: [LABEL], darkness: [DERIVED]')).toBe(0);
});

test('a condition names the sources of what it looks at: scene and darkness by the sun among them', async () => {
  const create = (name: string, where: string) =>
    service.ok(
      `mutation { createCondition(input: { projectId: "${project.name}", name: "${name}", where: ${where} }) { userErrors { code message } } }`,
    );
  await create('tunnel', '{ scene: { eq: TUNNEL } }');
  await create('dark', '{ darkness: { gt: 0.5 } }');
  // A text that reads like a filter is none.
  await create('named', '{ not: { fileName: { eq: "weather" } } }');
  const uuid = await newImage(db, project, {
    ...{ ...TOKYO, recordedAt: MIDNIGHT, scene: Scene.TUNNEL, facts: { darkness: 0.6 } },
  });
  const sources = async () =>
    Object.fromEntries(
      (await seen(uuid)).conditions.map((one: any) => [one.condition.name, one.sources.join()]),
    );
  expect(await sources()).toEqual({ dark: 'SENSOR', named: '', night: 'DERIVED', tunnel: 'LABEL' });
  await prefer('darkness: [DERIVED, SENSOR]');
  expect(await sources()).toMatchObject({ dark: 'DERIVED' });
});

test('without bytes the pixels say nothing; the bytes bring what they say, and the conflict', async () => {
  const uuid = await waiting('late.jpg', { timeofday: 'night', weather: 'undefined' });
  expect(await seen(uuid)).toMatchObject({
    timeOfDay: { value: 'NIGHT', source: 'LABEL', sensor: null },
    weather: { value: 'UNDEFINED', source: 'LABEL' },
    darkness: { darkness: null, source: null, sensor: null, derived: null, brightness: null },
    conflicts: [],
  });
  const place = await newPlace(db, project);
  await createWeather(db, place.uuid, { weatherName: WeatherName.SNOW, startTime: new Date(0) });
  const [sha256] = await newPictures(db, ['late'], { darkness: 0.1 });
  const row = { sha256: sha256!, fileName: 'late.jpg', place: nameOf(place), recordedAt: NOON };
  expect(await registerImages(db, project.uuid, [row])).toMatchObject({ filled: 1, created: 0 });
  expect(await seen(uuid)).toMatchObject({
    // UNDEFINED gives way, and disagrees with nothing.
    weather: { value: 'SNOW', source: 'PERIOD', label: 'UNDEFINED', period: 'SNOW' },
    timeOfDay: { value: 'NIGHT', source: 'LABEL', sensor: 'DAY' },
    darkness: { darkness: 0.1, source: 'SENSOR' },
    conflicts: [
      {
        attribute: 'TIME_OF_DAY',
        steps: 2,
        sides: [
          { source: 'LABEL', value: 'NIGHT' },
          { source: 'SENSOR', value: 'DAY' },
        ],
      },
    ],
  });
});

describe('exactly the images that a correction touches are written, in one transaction, and counted', () => {
  let place: Place;
  let images: Record<string, string>;
  beforeEach(async () => {
    place = await newPlace(db, project, { timeZone: 'UTC' });
    const other = await newPlace(db, project, { timeZone: 'UTC' });
    const at = (hour: string, rest: object = {}) => ({
      ...{ label: `${project.uuid}-${hour}`, place: nameOf(place), ...rest },
      recordedAt: new Date(`2024-06-20T${hour}Z`),
    });
    const rows = {
      before: at('02:59:59.999'),
      start: at('03:00:00'),
      last: at('03:59:59.999'),
      end: at('04:00:00'),
      own: at('03:30', { latitude: 1, longitude: 2 }),
      elsewhere: at('03:15', { place: nameOf(other) }),
      wall: { ...at('03:20'), recordedAt: null, recordedLocal: '2024-06-20T03:20' },
      timeless: { ...at('03:25'), recordedAt: null },
    };
    const uuids = await newImages(db, project, Object.values(rows));
    images = Object.fromEntries(Object.keys(rows).map((name, index) => [name, uuids[index]!]));
  });

  test('weather: from the start, not to the end', async () => {
    const hour = { startTime: new Date('2024-06-20T03:00Z'), endTime: new Date('2024-06-20T04:00Z') };
    let uuid = '';
    expect(
      await touched(images, async () => {
        const made = await createWeather(db, place.uuid, { weatherName: WeatherName.RAIN, ...hour });
        uuid = made.weather!.uuid;
        return made;
      }),
    ).toEqual(['last', 'own', 'start', 'wall']);
    expect(await codeOf(createWeather(db, place.uuid, { weatherName: WeatherName.FOG, ...hour }))).toBe(
      'WEATHER_OVERLAP',
    );
    // What is left and what is entered; what stays in is not written.
    expect(
      await touched(images, () =>
        updateWeather(db, uuid, { startTime: new Date('2024-06-20T03:00:00.001Z'), endTime: null }),
      ),
    ).toEqual(['end', 'start']);
    expect(await touched(images, () => updateWeather(db, uuid, { weatherName: WeatherName.RAIN }))).toEqual(
      [],
    );
    expect(await touched(images, () => deleteWeather(db, uuid))).toEqual(['end', 'last', 'own', 'wall']);
  });

  test('a position that the place gets: those without one of their own that have a time', async () => {
    expect(await touched(images, () => updatePlace(db, place.uuid, TOKYO))).toEqual([
      ...['before', 'end', 'last', 'start', 'wall'],
    ]);
    expect(await touched(images, () => updatePlace(db, place.uuid, TOKYO))).toEqual([]);
  });

  test('a time zone: those whose time was the wall clock', async () => {
    expect(await touched(images, () => updatePlace(db, place.uuid, { timeZone: 'Asia/Tokyo' }))).toEqual([
      'wall',
    ]);
    expect(await touched(images, () => updatePlace(db, place.uuid, { timeZone: 'Asia/Tokyo' }))).toEqual([]);
  });
});

describe('the wall clock', () => {
  /** The gap of the spring and the hour that comes twice in autumn, as PostgreSQL reads them: by winter time. */
  test.each([
    ['2024-03-31T02:30', '2024-03-31T01:30:00.000Z'],
    ['2024-03-31T03:30', '2024-03-31T01:30:00.000Z'],
    ['2024-10-27T02:30', '2024-10-27T01:30:00.000Z'],
    ['2024-01-01T00:00', '2023-12-31T23:00:00.000Z'],
    ['2024-12-31T23:59:59.999', '2024-12-31T22:59:59.999Z'],
  ])('of Berlin at %s is %s', async (recordedLocal, instant) => {
    const place = await newPlace(db, project, { timeZone: 'Europe/Berlin' });
    const uuid = await newImage(db, project, { place: nameOf(place), recordedLocal });
    expect((await rowOf(db, 'image', uuid)).recorded_at).toEqual(new Date(instant));
  });

  test('goes with an image to another place, and ends where a time is given or the place is taken away', async () => {
    const from = await newPlace(db, project, { timeZone: 'UTC' });
    const to = await newPlace(db, project, { timeZone: 'Asia/Tokyo', ...TOKYO });
    await createWeather(db, to.uuid, {
      ...{ weatherName: WeatherName.RAIN, startTime: new Date('2024-06-20T03:00Z'), endTime: MIDNIGHT },
    });
    const local = { place: nameOf(from), recordedLocal: '2024-06-20T12:30' };
    const [uuid, kept] = [await newImage(db, project, local), await newImage(db, project, local)];
    await updateImage(db, uuid, { placeUuid: to.uuid });
    expect(await rowOf(db, 'image', uuid)).toMatchObject({
      ...{ recorded_at: new Date('2024-06-20T03:30Z'), weather: 'RAIN', time_of_day_derived: 'DAY' },
    });
    // Nothing is left to correct.
    expect(await updatePlace(db, to.uuid, { timeZone: 'Asia/Tokyo' })).toMatchObject({ imagesChanged: 0 });
    await updateImage(db, uuid, { placeUuid: null });
    await updateImage(db, kept, { recordedAt: new Date('2024-06-20T12:30Z'), drive: 'a' });
    for (const one of [uuid, kept])
      expect(await rowOf(db, 'image', one)).toMatchObject({ recorded_local: null });
    expect((await rowOf(db, 'image', uuid)).recorded_at).toEqual(new Date('2024-06-20T03:30Z'));
  });

  test('of a picture from another place than its image is an instant', async () => {
    const uuid = await waiting('far.jpg');
    const [from, other] = [
      await newPlace(db, project, { timeZone: 'UTC' }),
      await newPlace(db, project, { timeZone: 'Asia/Tokyo' }),
    ];
    await updateImage(db, uuid, { placeUuid: from.uuid });
    const [sha256] = await newPictures(db, ['far']);
    const row = { sha256: sha256!, fileName: 'far.jpg', place: nameOf(other) };
    await registerImages(db, project.uuid, [{ ...row, recordedLocal: '2024-06-20T12:00' }]);
    const instant = { recorded_at: NOON, recorded_local: null, place_id: from.uuid };
    expect(await rowOf(db, 'image', uuid)).toMatchObject(instant);
    expect(await updatePlace(db, from.uuid, { timeZone: 'Asia/Seoul' })).toMatchObject({ imagesChanged: 0 });
  });

  test.each(['+09:00', '-0500', 'CET', 'AET', 'AST', 'EST', 'Mars/Olympus', ''])(
    '%j is no time zone: to PostgreSQL it is another, or none',
    async (timeZone) => {
      expect(await codeOf(newPlace(db, project, { timeZone }))).toBe('BAD_USER_INPUT');
      const place = await newPlace(db, project);
      expect(await codeOf(updatePlace(db, place.uuid, { timeZone }))).toBe('BAD_USER_INPUT');
    },
  );

  test('reads the same in PostgreSQL and JavaScript in every zone that is taken', async () => {
    const at = [new Date('2024-01-15T12:00Z'), new Date('2024-07-15T12:00Z')];
    const zones = [...Intl.supportedValuesOf('timeZone'), 'UTC', 'Etc/GMT+9'];
    const taken: string[] = [];
    for (const timeZone of zones)
      if ((await codeOf(newPlace(db, project, { timeZone }))) === 'no error') taken.push(timeZone);
    expect(taken.length).toBeGreaterThan(400);
    const rows: { zone: string; at: Date; text: string }[] = await db.query(
      `SELECT z AS zone, t AS at, to_char(t AT TIME ZONE z, 'YYYY-MM-DD HH24:MI') AS text
       FROM unnest($1::text[]) z, unnest($2::timestamptz[]) t`,
      [taken, at],
    );
    const wrong = rows.filter(({ zone, at, text }) => {
      const two = '2-digit';
      const parts = { month: two, day: two, hour: two, minute: two } as const;
      const format = new Intl.DateTimeFormat('sv', { timeZone: zone, year: 'numeric', ...parts });
      return format.format(at) !== text;
    });
    expect(wrong).toEqual([]);
  });
});

test('an image that is moved away while its old place is corrected is derived by its new one', async () => {
  const [from, to] = [await newPlace(db, project, TOKYO), await newPlace(db, project)];
  const uuid = await newImage(db, project, { place: nameOf(from), recordedAt: NOON });
  const mover = db.createQueryRunner();
  await mover.startTransaction();
  await mover.query(
    'UPDATE image SET place_id = $2, sun_altitude = NULL, time_of_day_derived = NULL WHERE id = $1',
    [...[uuid, to.uuid]],
  );
  const correcting = updatePlace(db, from.uuid, { latitude: -35.68, longitude: -40 });
  const waits = () =>
    db.query(
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '/* image.rederive */%'",
    );
  while ((await waits()).length === 0);
  await mover.commitTransaction();
  await mover.release();
  expect(await correcting).toMatchObject({ imagesChanged: 0 });
  expect(await rowOf(db, 'image', uuid)).toMatchObject({ sun_altitude: null, time_of_day_derived: null });
});

describe('filters of every kind', () => {
  const deep = (levels: number): object =>
    levels === 0 ? { weather: { eq: 'CLEAR' } } : { not: deep(levels - 1) };
  const CONFLICTS = `query ($where: ImageWhere, $project: ID!) {
    conditionConflicts(projectId: $project, where: $where) { totalCount nodes { fileName } }
    conditionConflictCounts(projectId: $project, where: $where) { images }
    images(projectId: $project, where: $where) { totalCount }
    coverage(projectId: $project, by: [WEATHER], where: $where) { total } }`;
  const ask = async (where: object) => {
    const data = await service.ok(CONFLICTS, { project: project.name, where });
    expect(data.coverage.total).toBe(data.images.totalCount);
    const counted = data.conditionConflictCounts.reduce((sum: number, one: any) => sum + one.images, 0);
    expect(counted).toBe(data.conditionConflicts.totalCount);
    return data.conditionConflicts.nodes.map(({ fileName }: any) => fileName).sort();
  };

  test('choose among conflicts and cells, also by the name of a condition that is defined by them', async () => {
    const place = await newPlace(db, project, { city: 'Ōtsu', ...TOKYO });
    await createWeather(db, place.uuid, { weatherName: WeatherName.RAIN, startTime: new Date(0) });
    const image = (fileName: string, rest: object = {}) =>
      newImage(db, project, {
        ...{ fileName, weather: WeatherName.CLEAR, place: nameOf(place), recordedAt: NOON },
        ...rest,
      });
    await image('here.jpg', { boxes: [] });
    await image('there.jpg', { latitude: 50, longitude: 139 });
    await image('agrees.jpg', { weather: WeatherName.RAIN });
    await image('undefined.jpg', { weather: WeatherName.UNDEFINED, timeOfDay: TimeOfDay.UNDEFINED });
    const filters: [name: string, where: object, conflicts: string[]][] = [
      ['searched', { search: 'ōtsu HERE' }, ['here.jpg', 'there.jpg']],
      ['near', { location: { withinKm: { latitude: 35.7, longitude: 139.7, km: 20 } } }, ['here.jpg']],
      ['boxed', { location: { withinBox: { south: 49, north: 51, west: 138, east: 140 } } }, ['there.jpg']],
      ['looked', { countsSource: { eq: 'LABEL' } }, ['here.jpg']],
      ['unlooked', { countsSource: { isNull: true } }, ['there.jpg']],
      ['deep', deep(8), ['here.jpg', 'there.jpg']],
    ];
    for (const [name, where, found] of filters) {
      expect(await ask(where)).toEqual(found);
      await service.ok(
        `mutation ($input: CreateConditionInput!) { createCondition(input: $input) { userErrors { code message } } }`,
        { input: { projectId: project.name, name, where } },
      );
      expect(await ask({ condition: name })).toEqual(found);
      expect(await ask({ and: [{ not: { condition: name } }] })).toEqual(
        ['here.jpg', 'there.jpg'].filter((file) => !found.includes(file)),
      );
    }
    const cells = (
      await service.ok(
        `{ coverage(projectId: "${project.name}", by: [CONDITION]) { cells { keys images } } }`,
      )
    ).coverage.cells;
    const counts = Object.fromEntries(cells.map((cell: any) => [cell.keys[0], cell.images]));
    expect(counts).toMatchObject({ searched: 2, near: 3, boxed: 1, looked: 1, unlooked: 3, deep: 2 });
  });
});
