/** Every kind of writer on one project at a time: nobody waits in a circle, and what they leave is in step. */
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import {
  createAnnotation,
  deleteAnnotation,
  updateAnnotation,
} from '../../../src/catalog/annotation/annotationService.js';
import { enrich, EnrichmentKind } from '../../../src/catalog/enrichment/index.js';
import { writeObjects } from '../../../src/catalog/enrichment/objects.js';
import { updateImage } from '../../../src/catalog/image/imageService.js';
import { registerImages } from '../../../src/catalog/image/registerImages.js';
import type { Place } from '../../../src/catalog/place/place.js';
import { updatePlace } from '../../../src/catalog/place/placeService.js';
import { setConditionPrecedence } from '../../../src/catalog/project/precedence.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { updateProject } from '../../../src/catalog/project/projectService.js';
import {
  AnnotationSource,
  Category,
  ConditionSource,
  LightColor,
  Scene,
  WeatherName,
} from '../../../src/catalog/vocabulary.js';
import { createWeather, deleteWeather, updateWeather } from '../../../src/catalog/weather/weatherService.js';
import { Payload, payload } from '../../../src/graphql/userError.js';
import { againIfCollided } from '../../../src/platform/database/errors.js';
import { plainTask } from '../../support/task.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { folderOf, importInto } from '../datasets/importSupport.js';
import {
  codeOf,
  digestOf,
  light,
  nameOf,
  newPictures,
  newPlace,
  newProject,
} from '../graphql/support/world.js';

const SECONDS = Number(process.env.HAMMER_SECONDS ?? 4);
const CONNECTIONS = 8;
const FRAMES = 60;

let database: TestDatabase;
let db: DataSource;
let project: Project;
let places: Place[];
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
  project = await newProject(db);
  // All at once and beforehand: pictures in any order from several connections wait for each other in a circle.
  await newPictures(
    db,
    Array.from({ length: FRAMES }, (_, frame) => `hammer-${frame}`),
  );
  places = [
    await newPlace(db, project, { timeZone: 'UTC', latitude: 10, longitude: 10 }),
    await newPlace(db, project, { timeZone: 'Asia/Tokyo' }),
  ];
});
afterAll(() => database.stop());

/** The same numbers each time; which operations meet is the machine's to say. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

async function some(table: 'image' | 'annotation' | 'weather', n: (below: number) => number, limit = 1) {
  const of = {
    image: 'project_id = $1',
    annotation: 'image_id IN (SELECT id FROM image WHERE project_id = $1)',
    weather: 'place_id IN (SELECT id FROM place WHERE project_id = $1)',
  };
  const rows: { id: string }[] = await db.query(
    `SELECT id FROM ${table} WHERE ${of[table]} ORDER BY md5(id::text || $2) LIMIT ${limit}`,
    [project.uuid, String(n(1000))],
  );
  return rows.map(({ id }) => id);
}

const nameOfFrame = (n: number) => `frame-${n}.jpg`;
const at = (hour: number) => new Date(Date.UTC(2024, 5, 1, hour));
const pick = <T>(values: Record<string, T> | T[], n: (below: number) => number): T => {
  const all = Object.values(values);
  return all[n(all.length)] as T;
};

/** These are no mutations, which `payload` does again when they collide: a task that does costs an attempt. */
const TASKS = ['import', 'objects', 'sun'];

/** Each is one request of a user or one page of a task. */
const WRITERS: Record<string, (n: (below: number) => number) => Promise<unknown>> = {
  async register(n) {
    const frames = [0, 1, 2].map(() => n(FRAMES));
    return registerImages(
      db,
      project.uuid,
      frames.map((frame) => ({
        ...{
          sha256: digestOf(`hammer-${frame}`),
          fileName: nameOfFrame(frame),
          place: nameOf(pick(places, n)),
        },
        ...(n(2) ? { recordedAt: at(n(24)) } : { recordedLocal: `2024-06-01T${String(10 + n(10))}:30` }),
        boxes: n(2) ? [light('RED')] : null,
      })),
    );
  },
  async import(n) {
    const frames = [0, 1, 2, 3].map(() => ({
      name: nameOfFrame(n(FRAMES)),
      attributes: { weather: n(2) ? 'rainy' : 'clear' },
      ...(n(2) ? { labels: [{ category: 'car', box2d: { x1: 1, y1: 2, x2: 8, y2: 17 } }] } : {}),
    }));
    await using folder = await folderOf({ 'l.json': frames });
    return await importInto(db, project.uuid, join(folder.path, 'l.json'));
  },
  createWeather: (n) => {
    const hour = n(24);
    const period = { weatherName: pick(WeatherName, n), startTime: at(hour), endTime: at(hour + 1 + n(6)) };
    return createWeather(db, pick(places, n).uuid, period);
  },
  async updateWeather(n) {
    const [uuid] = await some('weather', n);
    return uuid && updateWeather(db, uuid, { weatherName: pick(WeatherName, n) });
  },
  async deleteWeather(n) {
    const [uuid] = await some('weather', n);
    return uuid && deleteWeather(db, uuid);
  },
  timeZone: (n) => updatePlace(db, pick(places, n).uuid, { timeZone: pick(['UTC', 'Asia/Tokyo'], n) }),
  position: (n) => updatePlace(db, pick(places, n).uuid, { latitude: n(60), longitude: n(60) }),
  async move(n) {
    const [uuid] = await some('image', n);
    return uuid && updateImage(db, uuid, { placeUuid: pick(places, n).uuid, scene: pick(Scene, n) });
  },
  async box(n) {
    const [uuid] = await some('image', n);
    return uuid && createAnnotation(db, uuid, light('GREEN'));
  },
  async recolor(n) {
    const [uuid] = await some('annotation', n);
    return uuid && updateAnnotation(db, uuid, { category: Category.TRAFFIC_LIGHT, color: LightColor.RED });
  },
  async unbox(n) {
    const [uuid] = await some('annotation', n);
    return uuid && deleteAnnotation(db, uuid);
  },
  async objects(n) {
    const images = await some('image', n, 8);
    const boxes = (imageUuid: string) =>
      [0, 1].map(() => ({ ...light(null), imageUuid, source: AnnotationSource.MODEL, score: 0.5 }));
    return db.transaction((manager) =>
      writeObjects(
        manager,
        images.map((id) => ({ id, boxes: boxes(id) })),
      ),
    );
  },
  async sun() {
    await using task = await plainTask<never>(db);
    return await enrich(task, { projectUuid: project.uuid, kind: EnrichmentKind.SUN_ALTITUDE });
  },
  precedence: (n) =>
    setConditionPrecedence(db, project.uuid, {
      weather: n(2)
        ? [ConditionSource.LABEL, ConditionSource.PERIOD]
        : [ConditionSource.PERIOD, ConditionSource.LABEL],
    }),
  rename: (n) => updateProject(db, project.uuid, { name: `renamed-${n(1000)}` }),
};

/** What may be refused: two periods that overlap, and a row that somebody else has just removed or moved. */
const LEGAL: Record<string, string[]> = {
  createWeather: ['WEATHER_OVERLAP'],
  updateWeather: ['NOT_FOUND'],
  deleteWeather: ['NOT_FOUND'],
  recolor: ['NOT_FOUND'],
  unbox: ['NOT_FOUND'],
  register: ['CONFLICT'],
  import: ['CONFLICT'],
};

test('all kinds of writers at a time are refused for reasons of their own only, never for a deadlock', async () => {
  const refused: Record<string, number> = {};
  let done = 0;
  const until = performance.now() + SECONDS * 1000;
  const hammer = async (seed: number) => {
    const n = random(seed);
    while (performance.now() < until) {
      const name = pick(Object.keys(WRITERS), n);
      const work = () => WRITERS[name]!(n);
      const code = await codeOf(TASKS.includes(name) ? work() : againIfCollided(work));
      if (code === 'no error') done += 1;
      else if (!LEGAL[name]?.includes(code))
        refused[`${name} ${code}`] = (refused[`${name} ${code}`] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => hammer(index + 1)));
  if (process.env.HAMMER_SECONDS) console.log({ done, refused });
  expect(refused).toEqual({});
  expect(done).toBeGreaterThan(50);
}, 120_000);

test('a mutation that collides is done again, and gives up with CONFLICT', async () => {
  class Answer extends Payload {
    tries?: number;
  }
  const collides = (times: number) => {
    let tries = 0;
    return payload(Answer, async () => {
      if (++tries <= times)
        await db.query("DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$");
      return { tries };
    });
  };
  expect(await collides(3)).toMatchObject({ tries: 4, userErrors: [] });
  expect((await collides(4)).userErrors).toMatchObject([{ code: 'CONFLICT' }]);
});

test('and every image is as its periods, its clock and its labels say', async () => {
  expect(
    await db.query(
      `SELECT i.file_name, i.weather_period, w.weather_name, i.recorded_at, i.recorded_local FROM image i
       JOIN place p ON p.id = i.place_id LEFT JOIN weather w ON w.place_id = i.place_id
         AND i.recorded_at <@ tstzrange(w.start_time, w.end_time, '[)')
       WHERE i.weather_period IS DISTINCT FROM w.weather_name
         OR (i.recorded_local IS NOT NULL AND i.recorded_at <> i.recorded_local AT TIME ZONE p.time_zone)`,
    ),
  ).toEqual([]);
  expect(
    await db.query(
      `SELECT i.file_name, i.traffic_lights, i.cars, i.counts_source FROM image i WHERE (coalesce(i.traffic_lights, 0), coalesce(i.cars, 0)) <>
         (SELECT count(*) FILTER (WHERE category = 'TRAFFIC_LIGHT'), count(*) FILTER (WHERE category = 'CAR')
          FROM annotation a WHERE a.image_id = i.id AND a.source = i.counts_source)`,
    ),
  ).toEqual([]);
  // The sun again from scratch: nothing is left to change.
  await using task = await plainTask<never>(db);
  const report = await enrich(task, { projectUuid: project.uuid, kind: EnrichmentKind.SUN_ALTITUDE });
  expect(report).toMatchObject({ changed: 0 });
  expect(report.images).toBeGreaterThan(20);
});
