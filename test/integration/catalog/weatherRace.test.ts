/** Images registered or moved while a weather period is corrected: seen by one of the two, never by neither. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import sharp from 'sharp';
import type { DataSource } from 'typeorm';
import type { Project } from '../../../src/catalog/project/project.js';
import { updateImage } from '../../../src/catalog/image/imageService.js';
import { WeatherName } from '../../../src/catalog/vocabulary.js';
import { createWeather, deleteWeather, updateWeather } from '../../../src/catalog/weather/weatherService.js';
import { newId } from '../../../src/platform/ids.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import {
  codeOf,
  nameOf,
  newImage,
  newPictures,
  newPlace,
  newProject,
  digestOf,
} from '../graphql/support/world.js';
import { registerImages } from '../../../src/catalog/image/registerImages.js';
import { blobsIn, folderOf, importInto } from '../datasets/importSupport.js';

let database: TestDatabase;
let db: DataSource;
let project: Project;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
  project = await newProject(db);
});
afterAll(() => database.stop());

const NOON = new Date('2024-05-01T03:00:00Z');
const period = (weatherName: WeatherName) => ({
  weatherName,
  startTime: new Date('2024-05-01T00:00:00Z'),
  endTime: new Date('2024-05-02T00:00:00Z'),
});

/** Images whose stored answer is not what the periods say now. */
async function outOfStep(): Promise<unknown[]> {
  return db.query(
    `SELECT i.id, i.weather_period, w.weather_name FROM image i LEFT JOIN weather w ON w.place_id = i.place_id
       AND i.recorded_at <@ tstzrange(w.start_time, w.end_time, '[)')
     WHERE i.weather_period IS DISTINCT FROM w.weather_name`,
  );
}

async function untilWaiting(of: string): Promise<void> {
  for (;;) {
    const rows = await db.query(
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1",
      [`/* ${of} */%`],
    );
    if (rows.length > 0) return;
    await nextTurn();
  }
}

test('registering waits for a period that is being written, and then knows it', async () => {
  const place = await newPlace(db, project);
  const [sha256] = await newPictures(db, ['waits']);
  const writer = db.createQueryRunner();
  await writer.startTransaction();
  await writer.query('SELECT 1 FROM place WHERE id = $1 FOR UPDATE', [place.uuid]);
  await writer.query('INSERT INTO weather (id, place_id, weather_name, start_time) VALUES ($1, $2, $3, $4)', [
    newId(),
    place.uuid,
    'SNOW',
    new Date(0),
  ]);
  const registering = registerImages(db, project.uuid, [
    { sha256: sha256!, fileName: 'a.jpg', place: nameOf(place), recordedAt: NOON },
  ]);
  await untilWaiting('image.lockPlaces');
  await writer.commitTransaction();
  await writer.release();
  const { imageUuids } = await registering;
  expect(await db.query('SELECT weather FROM image WHERE id = $1', imageUuids)).toEqual([
    { weather: 'SNOW' },
  ]);
});

test('writing a period waits for a batch that is being registered, and then counts its images', async () => {
  const place = await newPlace(db, project);
  await newPictures(db, ['waited-for']);
  const registrar = db.createQueryRunner();
  await registrar.startTransaction();
  await registrar.query('SELECT 1 FROM place WHERE id = $1 FOR SHARE', [place.uuid]);
  await registrar.query(
    `INSERT INTO image (id, project_id, place_id, sha256, file_name, width, height, recorded_at, darkness, brightness, time_of_day_sensor)
     VALUES ($1, $2, $3, $4, 'b.jpg', 10, 10, $5, 0.5, 0.5, 'DAY')`,
    [newId(), project.uuid, place.uuid, digestOf('waited-for'), NOON],
  );
  const writing = createWeather(db, place.uuid, period(WeatherName.RAIN));
  await untilWaiting('weather.lockPlace');
  await registrar.commitTransaction();
  await registrar.release();
  expect((await writing).imagesChanged).toBe(1);
  expect(await outOfStep()).toEqual([]);
});

test('whatever races with whatever, in many rounds, every image has the weather of its period in the end', async () => {
  for (let round = 0; round < 25; round++) {
    const [place, other] = [await newPlace(db, project), await newPlace(db, project)];
    const labels = [0, 1, 2].map((n) => `race-${round}-${n}`);
    await newPictures(db, labels);
    const { weather } = await createWeather(db, other.uuid, period(WeatherName.SNOW));
    const moved = await newImage(db, project, { place: nameOf(other), recordedAt: NOON });
    const register = (label: string, at: typeof place) =>
      registerImages(db, project.uuid, [
        { sha256: digestOf(label), fileName: 'a.jpg', place: nameOf(at), recordedAt: NOON },
      ]);
    const corrections = [
      () => updateWeather(db, weather!.uuid, { weatherName: WeatherName.FOG }),
      () => updateWeather(db, weather!.uuid, { endTime: NOON }),
      () => deleteWeather(db, weather!.uuid),
    ];
    const works = [
      register(labels[0]!, place),
      createWeather(db, place.uuid, period(WeatherName.RAIN)),
      register(labels[1]!, place),
      register(labels[2]!, other),
      corrections[round % 3]!(),
      updateImage(db, moved, { placeUuid: place.uuid }),
    ];
    // Deadlocks are refused with CONFLICT and would be legal; none is to be expected in this order of locks.
    expect(await Promise.all(works.map(codeOf))).toEqual(works.map(() => 'no error'));
  }
  expect(await outOfStep()).toEqual([]);
});

test('imports and pictures that arrive while the periods of their place are written, too', async () => {
  const picture = (shade: number) =>
    sharp({ create: { width: 8, height: 8, channels: 3, background: { r: shade, g: 9, b: 9 } } })
      .png()
      .toBuffer();
  await using store = await folderOf({});
  for (let round = 0; round < 8; round++) {
    const place = await newPlace(db, project);
    const { country, prefecture, city } = place;
    const row = (file: string) => `${file},${country},${prefecture},${city},2024-05-01T03:00:00Z`;
    const [a, b] = [`a-${round}.png`, `b-${round}.png`];
    await using manifest = await folderOf({
      [a]: await picture(2 * round),
      [b]: await picture(2 * round + 1),
      'manifest.csv': ['file,country,prefecture,city,recordedAt', row(a), row(b)].join('\n'),
    });
    await using labels = await folderOf({ 'l.json': [{ name: `late-${round}.jpg` }, { name: a }] });
    await importInto(db, project.uuid, labels.path);
    const [late] = await newPictures(db, [`late-${round}`]);
    const { weather } = await createWeather(db, place.uuid, period(WeatherName.SNOW));
    const works = [
      importInto(db, project.uuid, manifest.path, {}, { blobs: blobsIn(store) }),
      registerImages(db, project.uuid, [
        { sha256: late!, fileName: `late-${round}.jpg`, place: nameOf(place), recordedAt: NOON },
      ]),
      updateWeather(db, weather!.uuid, { weatherName: WeatherName.FOG }),
      round % 2 ? deleteWeather(db, weather!.uuid) : updateWeather(db, weather!.uuid, { endTime: NOON }),
    ];
    expect(await Promise.all(works.map(codeOf))).toEqual(
      // A correction that comes after the deletion finds no period.
      works.map((_, index) => (index === 2 ? expect.stringMatching(/^(no error|NOT_FOUND)$/) : 'no error')),
    );
    const [{ placed }] = await db.query(
      'SELECT count(*)::int AS placed FROM image WHERE place_id = $1 AND recorded_at = $2 AND sha256 IS NOT NULL',
      [place.uuid, NOON],
    );
    expect(placed).toBe(3);
  }
  expect(await outOfStep()).toEqual([]);
});

test('an image that is moved while something else of it is changed keeps its new place, or the change is refused', async () => {
  const [from, to] = [await newPlace(db, project), await newPlace(db, project)];
  for (let round = 0; round < 15; round++) {
    const uuid = await newImage(db, project, { place: nameOf(from), recordedAt: NOON });
    const [moved, renamed] = await Promise.all([
      codeOf(updateImage(db, uuid, { placeUuid: to.uuid })),
      codeOf(updateImage(db, uuid, { drive: 'drive' })),
    ]);
    expect(moved).toBe('no error');
    expect(['no error', 'CONFLICT']).toContain(renamed);
    expect(await db.query('SELECT place_id, drive FROM image WHERE id = $1', [uuid])).toEqual([
      { place_id: to.uuid, drive: renamed === 'CONFLICT' ? null : 'drive' },
    ]);
  }
});
