/** Labels first and pictures later, pictures with their labels, manifests, uploads, and all of it at a time. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { pack } from 'tar-stream';
import type { Project } from '../../../src/catalog/project/project.js';
import { registerImages } from '../../../src/catalog/image/registerImages.js';
import { storePicture } from '../../../src/catalog/image/pictureService.js';
import { Category } from '../../../src/catalog/vocabulary.js';
import { unpackLabels } from '../../../src/datasets/import/unpack.js';
import { requirePictures } from '../../../src/jobs/start/pictures.js';
import { plainTask } from '../../support/task.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { codeOf, newPlace, newPictures, newProject } from '../graphql/support/world.js';
import { blobsIn, contentOf, folderOf, importInto, refusalOf, type Folder } from './importSupport.js';
import { newDataset, version } from './support.js';

let database: TestDatabase;
let project: Project;
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.stop());
beforeEach(async () => (project = await newProject(database.db)));

/** A dark picture, 64 × 48. */
const picture = (shade: number) =>
  sharp({ create: { width: 64, height: 48, channels: 3, background: { r: shade, g: 9, b: 9 } } })
    .png()
    .toBuffer();
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const light = {
  category: 'traffic light',
  box2d: { x1: 1, y1: 2, x2: 8, y2: 17 },
  attributes: { trafficLightColor: 'red' },
};
const frame = (name: string, rest: object = {}) => ({ name, labels: [light], ...rest });
const content = () => contentOf(database.db, project.uuid);
const importing = (source: string, request: object = {}, folder?: Folder) =>
  importInto(database.db, project.uuid, source, request, folder ? { blobs: blobsIn(folder) } : {});

test('an image that waits takes its picture, keeps its labels, and is the same image', async () => {
  await using folder = await folderOf({
    'l.json': [frame('a.jpg', { attributes: { weather: 'rainy' } }), { name: 'b.jpg' }],
  });
  await importing(folder.path);
  const [a, b] = await newPictures(database.db, ['wait-a', 'wait-b'], {
    width: 640,
    height: 360,
    darkness: 0.9,
  });
  const car = { category: Category.CAR, x: 1, y: 1, width: 9, height: 9 };
  const rows = [
    { sha256: a!, fileName: 'a.jpg', weather: 'CLEAR' as never, drive: 'd', boxes: [car] },
    { sha256: b!, fileName: 'b.jpg', boxes: [car] },
  ];
  rows.push(rows[0]!);
  const ids = (
    await database.db.query('SELECT id FROM image WHERE project_id = $1 ORDER BY file_name', [project.uuid])
  ).map(({ id }: { id: string }) => id);
  expect(await registerImages(database.db, project.uuid, rows)).toMatchObject({
    ...{ created: 0, filled: 2, existing: 1 },
    imageUuids: [...ids, ids[0]],
  });
  expect(await content()).toMatchObject([
    {
      image: { sha256: a, width: 640, weather_label: 'RAIN', drive: 'd', brightness: 0.6, darkness: 0.9 },
      time_of_day_sensor: 'NIGHT',
      boxes: [{ category: 'TRAFFIC_LIGHT', color: 'RED' }],
    },
    { image: { sha256: b, cars: 1, traffic_lights: 0 }, boxes: [{ category: 'CAR' }] },
  ]);
  expect(await registerImages(database.db, project.uuid, rows)).toMatchObject({
    created: 0,
    filled: 0,
    existing: 3,
  });
  expect(await importing(folder.path)).toMatchObject({ created: 0, filled: 0, existing: 2, different: 0 });
});

test('time and position that come with the picture give sun, time of day and the weather of the place', async () => {
  await using folder = await folderOf({ 'l.json': [frame('a.jpg')] });
  await importing(folder.path);
  const place = await newPlace(database.db, project, { latitude: 35.7, longitude: 139.7 });
  await database.db.query(
    `INSERT INTO weather (id, place_id, weather_name, start_time) VALUES (gen_random_uuid(), $1, 'SNOW', '2024-01-01Z')`,
    [place.uuid],
  );
  const [digest] = await newPictures(database.db, ['sun']);
  const { country, prefecture, city, name } = place;
  const recordedAt = new Date('2024-06-21T03:00:00Z');
  const row = { sha256: digest!, fileName: 'a.jpg', recordedAt, place: { country, prefecture, city, name } };
  expect(await registerImages(database.db, project.uuid, [row])).toMatchObject({ filled: 1 });
  expect(await content()).toMatchObject([
    {
      image: { time_of_day_derived: 'DAY', weather_period: 'SNOW', weather: 'SNOW' },
      boxes: [{}],
    },
  ]);
});

test('pictures that lie beside the labels come along; their size counts, and again nothing changes', async () => {
  const [one, two] = [await picture(1), await picture(2)];
  await using folder = await folderOf({
    'labels/l.json': [
      frame('a.png', { labels: [light, { category: 'car', box2d: { x1: 900, y1: 5, x2: 950, y2: 50 } }] }),
      frame('b.png'),
      frame('c.png'),
    ],
    'images/100k/a.png': one,
    'images/100k/b.png': two,
  });
  await using store = await folderOf({});
  const report = await importing(folder.path, {}, store);
  expect(report).toMatchObject({
    ...{ created: 3, pictures: 2, annotations: 3 },
    leftOut: [{ reason: 'boxes outside their picture', count: 1 }],
  });
  expect(await content()).toMatchObject([
    { file_name: 'a.png', sha256: sha256(one), width: 64, image: { time_of_day_sensor: 'NIGHT' } },
    { file_name: 'b.png', sha256: sha256(two) },
    { file_name: 'c.png', sha256: null, width: 1280 },
  ]);
  const before = await content();
  expect(await importing(folder.path, {}, store)).toMatchObject({ existing: 3, created: 0, filled: 0 });
  expect(await content()).toEqual(before);
});

test('a damaged picture refuses all with its position; lenient leaves it out and counts it', async () => {
  await using folder = await folderOf({
    'l.json': [frame('a.png'), frame('b.png')],
    'a.png': await picture(3),
    'b.png': (await picture(4)).subarray(0, 60),
  });
  await using store = await folderOf({});
  expect(await refusalOf(importing(folder.path, {}, store))).toMatch(/^PICTURE_\w+ l\.json:\[1\]: b\.png: /);
  expect(await content()).toEqual([]);
  const report = await importing(folder.path, { lenient: true }, store);
  expect(report).toMatchObject({ created: 1, pictures: 1 });
  expect(report.leftOut).toEqual([
    { reason: expect.stringMatching(/^pictures refused as PICTURE_\w+, with their labels$/), count: 1 },
  ]);
});

test('a manifest makes its places, with the zone that any row names; a bad last row leaves nothing behind', async () => {
  const header = 'file,country,prefecture,city,timeZone,recordedLocal,boxes';
  const place = 'Japan,Tokyo,Ota';
  const files = {
    'a.png': await picture(5),
    'b.png': await picture(6),
    'manifest.csv': [
      header,
      `a.png,${place},,2024-05-01T12:00:00,`,
      `b.png,${place},Asia/Tokyo,,"[{""category"":""TRAFFIC_LIGHT"",""wholeImage"":true,""color"":""RED""}]"`,
    ].join('\n'),
  };
  await using bad = await folderOf({ ...files, 'manifest.csv': `${files['manifest.csv']}\nnone.png,,,,,,` });
  await using store = await folderOf({});
  expect(await refusalOf(importing(bad.path, {}, store))).toMatch(
    /^LABELS_INVALID manifest\.csv:4: column file: "none\.png" does not exist/,
  );
  expect(await content()).toEqual([]);
  await using folder = await folderOf(files);
  expect(await importing(folder.path, { timeZone: 'Europe/Berlin' }, store)).toMatchObject({
    ...{ format: 'manifest.csv', created: 2, placesCreated: 1, annotations: 1, unlabelled: 1 },
  });
  expect(await content()).toMatchObject([
    // Noon in Tokyo.
    { image: { recorded_at: '2024-05-01T03:00:00+00:00' } },
    { time_of_day_sensor: null, boxes: [{ x: 0, y: 0, width: 64, height: 48, color: 'RED' }] },
  ]);
});

test('class-named folders are recognised by themselves', async () => {
  await using folder = await folderOf({ 'red/1.png': await picture(7), 'off/1.png': await picture(8) });
  await using store = await folderOf({});
  expect(await importing(folder.path, {}, store)).toMatchObject({
    format: 'class folders',
    created: 2,
    annotations: 2,
  });
  expect((await content()).map(({ file_name, boxes }) => [file_name, boxes[0]!.color])).toEqual([
    ['off/1.png', 'OFF'],
    ['red/1.png', 'RED'],
  ]);
});

const tar = async (files: Record<string, string | Buffer>) => {
  const packed = pack();
  for (const [name, data] of Object.entries(files)) packed.entry({ name }, data as string);
  packed.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packed) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

test.each([
  [
    'a tar.gz with one folder in it',
    async (l: string) => gzipSync(await tar({ 'set/l.json': l, 'set/x.md': '', '._l.json': '?' })),
    's.tgz',
  ],
  ['a packed label file', async (l: string) => gzipSync(l), 'l.json.gz'],
  ['a label file', async (l: string) => Buffer.from(l), '../l.json'],
])('%s is made ready and imported', async (_, packing, fileName) => {
  await using task = await plainTask(database.db);
  const bytes = await packing(JSON.stringify([frame('a.jpg')]));
  const stored = await task.blobs.receive(Readable.from([bytes]), { maxBytes: 1e6 });
  const source = await unpackLabels(task, { sha256: stored.sha256, fileName });
  expect(await importing(source)).toMatchObject({ format: 'bdd100k', created: 1 });
});

test('an archive that leaves its folder, names a file twice, is cut off or grows too much is refused', async () => {
  const codes = async (bytes: Buffer, fileName: string, limits = {}) => {
    await using task = await plainTask(database.db);
    const { sha256: digest } = await task.blobs.receive(Readable.from([bytes]), { maxBytes: 1e6 });
    return await codeOf(unpackLabels(task, { sha256: digest, fileName, limits }));
  };
  expect(await codes(await tar({ '../l.json': '[]' }), 'l.tar')).toBe('ARCHIVE_PATH');
  expect(
    await codes(
      Buffer.concat([(await tar({ 'l.json': '[]' })).subarray(0, 1024), await tar({ 'l.json': '[]' })]),
      'l.tar',
    ),
  ).toBe('ARCHIVE_ENTRY');
  expect(await codes(gzipSync('[]'.repeat(999)).subarray(0, 30), 'l.json.gz')).toBe('ARCHIVE_DAMAGED');
  expect(await codes(gzipSync('[]'.repeat(999)), 'l.json.gz', { maxBytes: 100 })).toBe('ARCHIVE_TOO_LARGE');
  await using task = await plainTask(database.db);
  expect(await codeOf(unpackLabels(task, { sha256: 'ab'.repeat(32), fileName: 'x' }))).toBe('BLOB_MISSING');
});

test('two imports and registerImages at a time make each image once', async () => {
  const names = Array.from({ length: 1300 }, (_, n) => `${String(n).padStart(4, '0')}.jpg`);
  await using folder = await folderOf({ 'l.json': names.map((name) => frame(name)) });
  const digests = await newPictures(
    database.db,
    names.map((name) => `race ${name}`),
  );
  const rows = names.map((fileName, n) => ({ fileName, sha256: digests[n]! }));
  const register = async () => {
    for (let from = 0; from < rows.length; from += 100)
      await registerImages(database.db, project.uuid, rows.slice(from, from + 100));
  };
  await Promise.all([importing(folder.path), register(), importing(folder.path), register()]);
  const found = await content();
  expect(found.map(({ file_name }) => file_name)).toEqual(names);
  expect(found.every(({ sha256: digest, boxes }) => digest !== null && boxes.length === 1)).toBe(true);
});

test('images without pictures are in versions: the data id depends on content alone, training on them is refused', async () => {
  const labels = Array.from({ length: 60 }, (_, n) =>
    frame(`${n}.jpg`, { labels: [{ ...light, attributes: { trafficLightColor: n % 2 ? 'red' : 'green' } }] }),
  );
  await using folder = await folderOf({ 'l.json': labels });
  const made = [];
  for (const _ of [1, 2]) {
    project = await newProject(database.db);
    await importing(folder.path);
    made.push(await version(database.db, await newDataset(database.db, project)));
  }
  expect(made[0]!.imageCount).toBe(60);
  expect(made[0]!.dataId).toBe(made[1]!.dataId);
  await expect(
    requirePictures(database.db, made[1]!.uuid, ['TRAIN', 'VALIDATION', 'TEST'] as never),
  ).rejects.toMatchObject({
    code: 'PICTURES_MISSING',
    message: expect.stringMatching(/^60 images with lights, such as "\d+\.jpg"/),
  });
  // Their pictures come: a test image stays one.
  const digests = await newPictures(
    database.db,
    labels.map(({ name }) => `of ${name}`),
  );
  const rows = labels.map(({ name }, n) => ({ fileName: name, sha256: digests[n]! }));
  expect(await registerImages(database.db, project.uuid, rows)).toMatchObject({ filled: 60 });
  const test = (uuid: string) =>
    database.db.query(
      `SELECT image_id FROM dataset_item WHERE version_id = $1 AND split = 'TEST' ORDER BY image_id`,
      [uuid],
    );
  const [{ dataset_id: dataset }] = await database.db.query(
    'SELECT dataset_id FROM dataset_version WHERE id = $1',
    [made[1]!.uuid],
  );
  const later = await version(database.db, dataset, {
    fixedTestFrom: made[1]!.uuid,
    train: 0.8,
    validation: 0.2,
    test: 0,
  });
  expect(later.imageCount).toBe(60);
  expect(await test(later.uuid)).toEqual(await test(made[1]!.uuid));
  await requirePictures(database.db, later.uuid, ['TRAIN', 'VALIDATION', 'TEST'] as never);
});

test('a picture of the store that another project has counts as here', async () => {
  const bytes = await picture(9);
  await using store = await folderOf({});
  await storePicture(database.db, blobsIn(store), sha256(bytes), Readable.from([bytes]), 1e6);
  await using folder = await folderOf({
    'coco.json': {
      images: [{ id: 1, file_name: 'a.png', attributes: { sha256: sha256(bytes) } }],
      annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 2, 3, 4] }],
      categories: [{ id: 1, name: 'car' }],
    },
  });
  expect(await importing(join(folder.path, 'coco.json'))).toMatchObject({
    format: 'coco',
    created: 1,
    pictures: 0,
  });
  expect(await content()).toMatchObject([{ sha256: sha256(bytes), width: 64 }]);
});
