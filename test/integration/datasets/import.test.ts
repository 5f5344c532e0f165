/** Labels into the catalog: exactly what the file says, once, and never over a person's. */
import { join } from 'node:path';
import type { Project } from '../../../src/catalog/project/project.js';
import { createAnnotation } from '../../../src/catalog/annotation/annotationService.js';
import { Category } from '../../../src/catalog/vocabulary.js';
import { importLabels, type ImportCheckpoint } from '../../../src/datasets/import/importLabels.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { plainTask } from '../../support/task.js';
import { testWithData } from '../../unit/picture/files.js';
import { newProject } from '../graphql/support/world.js';
import { contentOf, folderOf, importInto, refusalOf, versionsOf } from './importSupport.js';

let database: TestDatabase;
let project: Project;
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.stop());
beforeEach(async () => (project = await newProject(database.db)));

const box2d = { x1: 10, y1: 20, x2: 17, y2: 35 };
const light = { category: 'traffic light', box2d, attributes: { trafficLightColor: 'red' } };
const frame = (name: string, rest: object = {}) => ({ name, ...rest });
const frames = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    frame(`${n}.jpg`, { attributes: { weather: 'rainy' }, labels: [light, { category: 'car', box2d }] }),
  );

const importing = (source: string, ...rest: [object?, object?]) =>
  importInto(database.db, project.uuid, source, ...rest);

testWithData(
  'bosch',
  'Bosch: the counts of the domain page, and a second time no row is touched',
  async (path) => {
    const report = await importing(join(path, 'train.yaml'));
    expect(report).toMatchObject({
      format: 'bosch',
      frames: 5093,
      created: 5093,
      annotations: 10756,
      leftOut: [],
    });
    const [images] = await database.db.query(
      `SELECT count(*)::int AS n, count(*) FILTER (WHERE traffic_lights = 0)::int AS empty, sum(traffic_lights)::int AS lights
     FROM image WHERE project_id = $1`,
      [project.uuid],
    );
    expect(images).toEqual({ n: 5093, empty: 1940, lights: 10756 });
    const labels: { label: string; n: number }[] = await database.db.query(
      `SELECT a.color || array_to_string(a.arrows, '') AS label, count(*)::int AS n
     FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1 GROUP BY 1 ORDER BY 2 DESC`,
      [project.uuid],
    );
    const known = labels.slice(0, 6).map(({ label, n }) => [label, n]);
    expect(known).toEqual([
      ['GREEN', 5207],
      ['RED', 3057],
      ['REDLEFT', 1092],
      ['OFF', 726],
      ['YELLOW', 444],
      ['GREENLEFT', 178],
    ]);
    expect(labels.slice(6).reduce((sum, { n }) => sum + n, 0)).toBe(52);
    const before = await versionsOf(database.db, project.uuid);
    const again = await importing(join(path, 'train.yaml'));
    expect(again).toMatchObject({ created: 0, filled: 0, existing: 5093, different: 0, annotations: 0 });
    expect(await versionsOf(database.db, project.uuid)).toEqual(before);
  },
);

test('a frame is an image with its conditions and boxes; unlabelled, empty and left out are told apart', async () => {
  await using folder = await folderOf({
    'labels.json': [
      frame('a.jpg', {
        attributes: { weather: 'foggy', timeofday: 'night', scene: 'tunnel' },
        labels: [
          light,
          { category: 'car', box2d, score: 0.4 },
          { category: 'car', box2d: { ...box2d, x1: 2000, x2: 2010 } },
        ],
      }),
      frame('b.jpg', { labels: [] }),
      frame('c.jpg'),
    ],
  });
  const report = await importing(join(folder.path, 'labels.json'));
  expect(report).toMatchObject({
    ...{ format: 'bdd100k', frames: 3, created: 3, unlabelled: 1, annotations: 1, pictures: 0 },
    leftOut: [
      { reason: "detections, which are no person's labels", count: 1 },
      { reason: 'boxes outside their picture', count: 1 },
    ],
  });
  expect(await contentOf(database.db, project.uuid)).toMatchObject([
    {
      file_name: 'a.jpg',
      image: {
        weather: 'FOG',
        time_of_day: 'NIGHT',
        scene: 'TUNNEL',
        sha256: null,
        width: 1280,
        brightness: null,
      },
      boxes: [
        { category: 'TRAFFIC_LIGHT', color: 'RED', x: 10, y: 20, width: 8, height: 16, source: 'LABEL' },
      ],
      traffic_lights: 1,
    },
    { file_name: 'b.jpg', traffic_lights: 0, boxes: [] },
    { file_name: 'c.jpg', traffic_lights: null, boxes: [] },
  ]);
});

test('a value that is not known refuses the whole with its position; lenient keeps it aside and reports it', async () => {
  const labels = [...frames(1200), frame('last.jpg', { attributes: { weather: 'hail' }, labels: [light] })];
  await using folder = await folderOf({ 'labels.json': labels });
  expect(await refusalOf(importing(folder.path))).toMatch(
    /^LABELS_UNKNOWN_VALUE labels\.json:\[1200\]\.attributes\.weather: weather "hail" is not known/,
  );
  expect(await contentOf(database.db, project.uuid)).toEqual([]);
  const report = await importing(folder.path, { lenient: true });
  expect(report).toMatchObject({
    created: 1201,
    unknown: [
      { field: 'weather', value: '"hail"', count: 1, position: 'labels.json:[1200].attributes.weather' },
    ],
  });
});

test.each<[string, object | string, string]>([
  ['cut off', '[{"name": "a.jpg", "labels": []}, {"name": "b', 'LABELS_INVALID'],
  ['a name that leaves the folder', [frame('../a.jpg')], 'LABELS_INVALID'],
  [
    'an enormous number',
    [frame('a.jpg', { labels: [{ category: 'car', box2d: { x1: -1e308, y1: 0, x2: 1e308, y2: 5 } }] })],
    'LABELS_INVALID',
  ],
  [
    'an arrow of no lamp',
    [frame('a.jpg', { labels: [{ ...light, attributes: { arrows: ['up'] } }] })],
    'LABELS_UNKNOWN_VALUE',
  ],
  ['half a size', [frame('a.jpg', { size: { width: 12.5, height: 3 } })], 'LABELS_INVALID'],
  ['a drive with a NUL', [frame('a.jpg', { videoName: 'a\0' })], 'LABELS_INVALID'],
  ['1,001 boxes', [frame('a.jpg', { labels: Array(1001).fill(light) })], 'LABELS_INVALID'],
])('%s is refused by name and nothing is written', async (_, last, code) => {
  const first = frames(1500);
  const text = typeof last === 'string' ? last : JSON.stringify([...first, ...(last as object[])]);
  await using folder = await folderOf({ 'labels.json': text });
  expect(await refusalOf(importing(folder.path, { format: 'bdd100k' }))).toMatch(
    new RegExp(`^${code} labels\\.json`),
  );
  expect(await contentOf(database.db, project.uuid)).toEqual([]);
});

test('broken off after some batches, it goes on from what was kept and ends with the same rows', async () => {
  await using folder = await folderOf({ 'labels.json': [...frames(4200), frame('0.jpg', { labels: [] })] });
  const whole = await newProject(database.db);
  const expected = await importInto(database.db, whole.uuid, folder.path);
  const stop = new AbortController();
  const commits: number[] = [];
  await using task = await plainTask<ImportCheckpoint>(database.db, {
    signal: stop.signal,
    onCommit: (n) => n === 2 && stop.abort(),
  });
  const request = { projectUuid: project.uuid, source: folder.path, format: 'auto' } as const;
  expect(await refusalOf(importLabels(task, request))).toMatch(/abort/i);
  const { kept } = task;
  expect(kept!.tally.frames).toBeGreaterThan(0);
  expect(kept!.tally.frames).toBeLessThan(4200);
  const report = await importing(
    folder.path,
    {},
    { checkpoint: kept, onCommit: (n: number) => commits.push(n) },
  );
  expect(report).toEqual({ ...expected, examples: report.examples });
  expect(report).toMatchObject({ created: 4200, existing: 1, different: 1 });
  expect(await contentOf(database.db, project.uuid)).toEqual(await contentOf(database.db, whole.uuid));
});

test('what a person has labelled stays, and is reported where the file says something else', async () => {
  await using folder = await folderOf({ 'labels.json': frames(3) });
  await importing(folder.path);
  const [{ id }] = await database.db.query(
    "SELECT id FROM image WHERE project_id = $1 AND file_name = '1.jpg'",
    [project.uuid],
  );
  await createAnnotation(database.db, id, { category: Category.BUS, x: 1, y: 1, width: 5, height: 5 });
  const before = await versionsOf(database.db, project.uuid);
  expect(await importing(folder.path)).toMatchObject({
    ...{ created: 0, filled: 0, existing: 3, different: 1 },
    examples: [{ fileName: '1.jpg', position: 'labels.json:[1]', imageUuid: id }],
  });
  expect(await versionsOf(database.db, project.uuid)).toEqual(before);
});

test('an image that nobody has labelled gets the labels, once', async () => {
  await using bare = await folderOf({ 'labels.json': [frame('0.jpg'), frame('1.jpg')] });
  await using labelled = await folderOf({ 'labels.json': frames(2) });
  expect(await importing(bare.path)).toMatchObject({ created: 2, unlabelled: 2 });
  expect(await importing(labelled.path)).toMatchObject({ created: 0, filled: 2, annotations: 4 });
  expect(await importing(labelled.path)).toMatchObject({ filled: 0, existing: 2, annotations: 0 });
  expect(await contentOf(database.db, project.uuid)).toMatchObject([
    { file_name: '0.jpg', traffic_lights: 1, weather: 'RAIN', boxes: [{}, {}] },
    { file_name: '1.jpg', traffic_lights: 1, weather: 'RAIN', boxes: [{}, {}] },
  ]);
});

test('an import that finds everything done asks as often for 4 images as for 900', async () => {
  const statements = async (count: number) => {
    await using folder = await folderOf({ 'labels.json': frames(count) });
    project = await newProject(database.db);
    await importing(folder.path);
    const asked: string[] = [];
    const runner = Object.getPrototypeOf(database.db.createQueryRunner()) as {
      query: (sql: string, ...rest: unknown[]) => unknown;
    };
    const query = runner.query;
    runner.query = function (sql: string, ...rest: unknown[]) {
      asked.push(sql);
      return query.call(this, sql, ...rest);
    };
    try {
      await importing(folder.path);
    } finally {
      runner.query = query;
    }
    return asked.length;
  };
  const few = await statements(4);
  expect(few).toBeGreaterThan(3);
  expect(await statements(900)).toBe(few);
});
