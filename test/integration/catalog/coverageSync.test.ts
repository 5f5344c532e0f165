/** Coverage stays exact while others write: compared with SQL on the same rows. */
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import {
  createAnnotation,
  deleteAnnotation,
  updateAnnotation,
} from '../../../src/catalog/annotation/annotationService.js';
import { crossTabs, CoverageDimension } from '../../../src/catalog/coverage/coverage.js';
import { CoverageColumns, coverageColumns } from '../../../src/catalog/coverage/columns/coverageColumns.js';
import { pruneCoverageLog } from '../../../src/catalog/coverage/columns/sync.js';
import { enrich, EnrichmentKind } from '../../../src/catalog/enrichment/index.js';
import { writeObjects } from '../../../src/catalog/enrichment/objects.js';
import { updateImage } from '../../../src/catalog/image/imageService.js';
import { updatePlace } from '../../../src/catalog/place/placeService.js';
import type { Place } from '../../../src/catalog/place/place.js';
import type { Project } from '../../../src/catalog/project/project.js';
import {
  AnnotationSource,
  Category,
  LightColor,
  Scene,
  TimeOfDay,
  WeatherName,
} from '../../../src/catalog/vocabulary.js';
import { createWeather } from '../../../src/catalog/weather/weatherService.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { plainTask } from '../../support/task.js';
import { folderOf, importInto } from '../datasets/importSupport.js';
import {
  codeOf,
  light,
  nameOf,
  newImage,
  newImages,
  newPlace,
  newProject,
  statementsOf,
} from '../graphql/support/world.js';

let database: TestDatabase;
let db: DataSource;
let project: Project;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
beforeEach(async () => {
  project = await newProject(db);
});
afterAll(() => database.stop());

/** Asks for boxes that the columns of lights do not have. */
const WITH_BOX = {
  annotations: {
    some: { or: [{ category: { eq: 'CAR' } }, { width: { gt: 15 } }], not: { x: { gte: 10.1 } } },
  },
};
const { WEATHER, CITY, HOUR, LIGHT_COLOR, TIME_OF_DAY } = CoverageDimension;

/** By hand, from the tables. */
async function slow(run: Pick<DataSource, 'query'>): Promise<string[]> {
  const byImage = await run.query(
    `SELECT i.weather, p.city, to_char(i.recorded_at AT TIME ZONE p.time_zone, 'HH24') AS hour, count(*)::int AS images,
       coalesce(sum(traffic_lights), 0)::int AS lights, count(DISTINCT i.place_id)::int AS places,
       count(DISTINCT i.drive)::int AS drives
     FROM image i LEFT JOIN place p ON p.id = i.place_id WHERE i.project_id = $1 GROUP BY 1, 2, 3`,
    [project.uuid],
  );
  const byLight = await run.query(
    `SELECT i.time_of_day, a.color, count(*)::int AS lights, count(DISTINCT i.id)::int AS images
     FROM image i JOIN annotation a ON a.image_id = i.id AND a.category = 'TRAFFIC_LIGHT' AND a.source = i.counts_source
     WHERE i.project_id = $1 GROUP BY 1, 2`,
    [project.uuid],
  );
  const withBox = await run.query(
    `SELECT i.weather, count(*)::int AS images FROM image i WHERE i.project_id = $1 AND EXISTS (
       SELECT 1 FROM annotation a WHERE a.image_id = i.id AND a.source = i.counts_source
         AND (a.category = 'CAR' OR a.width > 15) AND NOT a.x >= 10.1) GROUP BY 1`,
    [project.uuid],
  );
  return [
    ...withBox.map((row: any) => JSON.stringify(['box', row.weather, row.images])),
    ...byImage.map((row: any) =>
      JSON.stringify([row.weather, row.city, row.hour, row.images, row.lights, row.places, row.drives]),
    ),
    ...byLight.map((row: any) => JSON.stringify([row.time_of_day, row.color, row.images, row.lights])),
  ].sort();
}

async function fast(): Promise<string[]> {
  const [byImage, byLight, withBox] = await crossTabs(db, project.uuid, [
    { by: [WEATHER, CITY, HOUR] },
    { by: [TIME_OF_DAY, LIGHT_COLOR] },
    { by: [WEATHER], where: WITH_BOX },
  ]);
  return [
    ...withBox!.cells.map((cell) => JSON.stringify(['box', ...cell.keys, cell.images])),
    ...byImage!.cells.map((cell) =>
      JSON.stringify([...cell.keys, cell.images, cell.lights, cell.places, cell.drives]),
    ),
    ...byLight!.cells.map((cell) => JSON.stringify([...cell.keys, cell.images, cell.lights])),
  ].sort();
}

const member = <T>(values: Record<string, T>) => fc.constantFrom(...Object.values(values));
const change = fc.oneof(
  fc.record({
    what: fc.constant('add' as const),
    weather: member(WeatherName),
    hour: fc.nat(23),
    place: fc.nat(3),
  }),
  fc.record({
    what: fc.constant('label' as const),
    which: fc.nat(),
    weather: member(WeatherName),
    scene: member(Scene),
  }),
  fc.record({ what: fc.constant('move' as const), which: fc.nat(), place: fc.nat(3), hour: fc.nat(23) }),
  fc.record({ what: fc.constant('box' as const), which: fc.nat(), color: member(LightColor) }),
  fc.record({ what: fc.constant('recolor' as const), which: fc.nat(), color: member(LightColor) }),
  fc.record({ what: fc.constant('car' as const), which: fc.nat(), x: fc.constantFrom(0.1, 10.1, 10.1001) }),
  fc.record({
    what: fc.constant('drag' as const),
    which: fc.nat(),
    x: fc.constantFrom(0.1, 10.1, 10.1001),
    width: fc.constantFrom(15, 15.000001),
  }),
  fc.record({ what: fc.constant('unbox' as const), which: fc.nat() }),
  fc.record({ what: fc.constant('delete' as const), which: fc.nat() }),
  fc.record({
    what: fc.constant('zone' as const),
    place: fc.nat(3),
    zone: fc.constantFrom('UTC', 'Asia/Tokyo'),
  }),
  fc.record({
    what: fc.constant('rename' as const),
    place: fc.nat(3),
    city: fc.constantFrom('Kobe', 'Nara'),
  }),
  fc.record({
    what: fc.constant('import' as const),
    frames: fc.array(fc.nat(30), { minLength: 1, maxLength: 5 }),
    color: fc.constantFrom('red', 'green', null),
    weather: fc.constantFrom('rainy', 'clear', 'undefined'),
  }),
  fc.record({ what: fc.constant('fill' as const), frame: fc.nat(30), hour: fc.nat(23), place: fc.nat(3) }),
  fc.record({ what: fc.constant('model' as const), which: fc.nat(), lights: fc.nat(2) }),
  fc.record({ what: fc.constant('sun' as const) }),
  fc.record({ what: fc.constant('read' as const) }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

let added = 0;
async function apply(one: Change, places: Place[]): Promise<unknown> {
  const pick = async (table: 'image' | 'annotation', which: number): Promise<string | undefined> => {
    const rows: { id: string }[] = await db.query(
      table === 'image'
        ? 'SELECT id FROM image WHERE project_id = $1 ORDER BY id'
        : 'SELECT a.id FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1 ORDER BY 1',
      [project.uuid],
    );
    return rows[which % Math.max(1, rows.length)]?.id;
  };
  const at = (hour: number) => new Date(Date.UTC(2024, 5, 1, hour));
  switch (one.what) {
    case 'add':
      return newImage(db, project, {
        label: `${project.uuid}-added-${added++}`,
        weather: one.weather,
        recordedAt: at(one.hour),
        place: places[one.place] ? nameOf(places[one.place]!) : null,
        drive: `drive-${one.hour % 3}`,
        boxes: [light('RED')],
      });
    case 'import': {
      const labels = one.color
        ? [
            {
              category: 'traffic light',
              box2d: { x1: 1, y1: 2, x2: 8, y2: 17 },
              attributes: { trafficLightColor: one.color },
            },
          ]
        : undefined;
      const frames = one.frames.map((n) => ({
        name: `frame-${n}.jpg`,
        attributes: { weather: one.weather },
        labels,
      }));
      await using folder = await folderOf({ 'l.json': frames });
      return await importInto(db, project.uuid, folder.path);
    }
    case 'fill':
      return newImage(db, project, {
        label: `${project.uuid}-frame-${one.frame}`,
        fileName: `frame-${one.frame}.jpg`,
        recordedAt: at(one.hour),
        place: places[one.place] ? nameOf(places[one.place]!) : null,
        boxes: [light('YELLOW')],
      });
    case 'sun': {
      await using task = await plainTask<never>(db);
      return await enrich(task, { projectUuid: project.uuid, kind: EnrichmentKind.SUN_ALTITUDE });
    }
    case 'zone':
      return places[one.place] && updatePlace(db, places[one.place]!.uuid, { timeZone: one.zone });
    case 'rename':
      return places[one.place] && updatePlace(db, places[one.place]!.uuid, { city: one.city });
    case 'read':
      return fast();
  }
  const ofBox = one.what === 'recolor' || one.what === 'unbox' || one.what === 'drag';
  const uuid = await pick(ofBox ? 'annotation' : 'image', one.which);
  if (!uuid) return null;
  switch (one.what) {
    case 'label':
      return updateImage(db, uuid, { weather: one.weather, scene: one.scene });
    case 'move':
      return updateImage(db, uuid, { placeUuid: places[one.place]?.uuid ?? null, recordedAt: at(one.hour) });
    case 'box':
      return createAnnotation(db, uuid, light(one.color));
    case 'recolor':
      return updateAnnotation(db, uuid, { color: one.color });
    case 'car':
      return createAnnotation(db, uuid, { ...light(null), category: Category.CAR, x: one.x });
    case 'drag':
      return updateAnnotation(db, uuid, { x: one.x, width: one.width });
    case 'unbox':
      return deleteAnnotation(db, uuid);
    case 'model':
      return db.transaction((manager) =>
        writeObjects(manager, [
          {
            id: uuid,
            boxes: Array.from({ length: one.lights }, () => ({
              ...{ ...light(null), imageUuid: uuid, source: AnnotationSource.MODEL, score: 0.5 },
            })),
          },
        ]),
      );
    case 'delete':
      return db.query('DELETE FROM image WHERE id = $1', [uuid]);
  }
}

test('random inserts, updates and deletes from several connections at once leave it equal to SQL', async () => {
  const places = [
    await newPlace(db, project, { city: 'Osaka', latitude: 34.69, longitude: 135.5 }),
    await newPlace(db, project, { city: 'Tokyo' }),
    await newPlace(db, project, { city: 'Osaka', name: 'Junction' }),
  ];
  await newImages(
    db,
    project,
    Array.from({ length: 40 }, (_, n) => ({
      label: `${project.uuid}-${n}`,
      place: nameOf(places[n % 3]!),
      recordedAt: new Date(Date.UTC(2024, 0, 1, n % 24)),
      timeOfDay: n % 2 ? TimeOfDay.DAY : TimeOfDay.NIGHT,
      boxes: n % 5 === 0 ? [] : [light('GREEN'), light('RED', { width: n + 1 })],
    })),
  );
  await fast();
  const done = new Set<string>();
  for (let round = 0; round < 15; round++) {
    const changes = fc.sample(change, { numRuns: 24, seed: 100 + round });
    // Losers of a race (a row that another one deleted, two names that became one) change nothing, and may.
    await Promise.all(
      changes.map((one) =>
        apply(one, places).then(
          () => done.add(one.what),
          () => undefined,
        ),
      ),
    );
    expect(await fast()).toEqual(await slow(db));
  }
  const [{ n }] = await db.query(
    'SELECT count(*)::int AS n FROM annotation a JOIN image i ON i.id = a.image_id AND i.counts_source = a.source WHERE project_id = $1',
    [project.uuid],
  );
  // The boxes were counted in memory all along, and are those of the table.
  expect(await coverageColumns(db).read(project.uuid, ({ boxes }) => boxes?.count)).toBe(n);
  // Every kind of writer has had its turn.
  expect([...done].sort()).toEqual([
    ...[
      'add',
      'box',
      'car',
      'delete',
      'drag',
      'fill',
      'import',
      'label',
      'model',
      'move',
      'read',
      'recolor',
      'rename',
      'sun',
    ],
    ...['unbox', 'zone'],
  ]);
});

test('lights that a model found count until a person looks, and what was deleted with its project is gone', async () => {
  const uuid = await newImage(db, project, { label: `${project.uuid}-m` });
  const cells = async () =>
    (await crossTabs(db, project.uuid, [{ by: [CoverageDimension.HAS_LIGHT] }, { by: [LIGHT_COLOR] }])).map(
      (tab) => tab.cells.map(({ keys, lights }) => [keys[0], lights]),
    );
  expect(await cells()).toEqual([[[null, 0]], []]);
  const boxes = [{ ...light(null), imageUuid: uuid, source: AnnotationSource.MODEL }];
  await db.transaction((manager) => writeObjects(manager, [{ id: uuid, boxes }]));
  expect(await cells()).toEqual([[['YES', 1]], [[null, 1]]]);
  await createAnnotation(db, uuid, { ...light(null), category: Category.CAR });
  expect(await cells()).toEqual([[['NO', 0]], []]);
  await db.query('DELETE FROM project WHERE id = $1', [project.uuid]);
  expect(await cells()).toEqual([[], []]);
});

test('a transaction that is open while coverage is read counts when it commits, however old its number', async () => {
  await newImages(db, project, [{ label: `${project.uuid}-first` }]);
  const open = db.createQueryRunner();
  await open.startTransaction();
  const [other] = await newImages(db, project, [{ label: `${project.uuid}-second` }]);
  await open.query("UPDATE image SET weather_label = 'SNOW' WHERE project_id = $1 AND id <> $2", [
    project.uuid,
    other,
  ]);
  // Newer transactions come and go meanwhile.
  for (let n = 0; n < 3; n++) {
    await newImages(db, project, [{ label: `${project.uuid}-later-${n}` }]);
    expect(await fast()).toEqual(await slow(db));
  }
  await open.commitTransaction();
  await open.release();
  expect(await fast()).toEqual(await slow(db));
  expect((await fast()).some((cell) => cell.startsWith('["SNOW"'))).toBe(true);
});

test('when nothing changed, one statement says so', async () => {
  await newImages(db, project, [{ label: `${project.uuid}-a` }]);
  const ask = () => crossTabs(db, project.uuid, [{ by: [WEATHER] }]);
  await ask();
  expect(await statementsOf(db, ask)).toEqual(['coverage.unchanged']);
});

test('a reader that slept longer than the log is kept reads the project anew', async () => {
  await newImages(db, project, [{ label: `${project.uuid}-a` }]);
  await fast();
  await newImages(db, project, [{ label: `${project.uuid}-b`, weather: WeatherName.FOG }]);
  await db.query("UPDATE coverage_log SET at = now() - interval '1 hour'");
  await pruneCoverageLog(db);
  expect(await db.query('SELECT 1 FROM coverage_log')).toEqual([]);
  expect(await fast()).toEqual(await slow(db));
});

test('a project that is larger than may be kept is refused with a code', async () => {
  await newImages(db, project, [{ label: `${project.uuid}-a` }, { label: `${project.uuid}-b` }]);
  const small = new CoverageColumns(db, { images: 1 });
  expect(await codeOf(small.read(project.uuid, () => null))).toBe('COVERAGE_TOO_LARGE');
});

test('more than may be kept in all: the project that was not asked for the longest is forgotten, and read again', async () => {
  const few = new CoverageColumns(db, { images: 3 });
  const projects = [project, await newProject(db), await newProject(db)];
  for (const one of projects)
    await newImages(db, one, [{ label: `${one.uuid}-a` }, { label: `${one.uuid}-b` }]);
  for (let turn = 0; turn < 2; turn++) {
    for (const one of projects) expect(await few.read(one.uuid, (columns) => columns.images)).toBe(2);
  }
});

test('a correction of the weather of a place is seen at once', async () => {
  const place = await newPlace(db, project);
  await newImages(db, project, [
    { label: `${project.uuid}-a`, place: nameOf(place), recordedAt: new Date() },
  ]);
  await fast();
  await createWeather(db, place.uuid, { weatherName: WeatherName.FOG, startTime: new Date(0) });
  expect((await fast())[0]).toContain('"FOG"');
});
