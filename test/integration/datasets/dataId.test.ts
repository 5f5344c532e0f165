/** The data id is the content: the same wherever and however it came, another with any other label, split or condition. */
import type { DataSource } from 'typeorm';
import {
  createAnnotation,
  deleteAnnotation,
  updateAnnotation,
} from '../../../src/catalog/annotation/annotationService.js';
import { createCondition, updateCondition } from '../../../src/catalog/condition/conditionService.js';
import { updateImage } from '../../../src/catalog/image/imageService.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { light, newImages, newProject, type ImageRow } from '../graphql/support/world.js';
import { itemsOf, lights, newDataset, version } from './support.js';

let database: TestDatabase;
let db: DataSource;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database.stop());

const CONTENT: ImageRow[] = [
  ...lights(30, 'content'),
  { label: 'empty', boxes: [] },
  { label: 'unlabelled', weather: 'RAIN' as never },
  {
    label: 'many',
    boxes: [
      light('RED'),
      light('GREEN', { x: 50, arrows: ['LEFT', 'STRAIGHT'] as never }),
      light(null, { category: 'CAR' as never }),
    ],
  },
];

async function projectOf(rows: ImageRow[]) {
  const project = await newProject(db);
  const images = await newImages(db, project, rows);
  return { project, images, dataset: await newDataset(db, project) };
}

test('the same content gives the same data id in another project, put in in another order', async () => {
  const shuffled = [...CONTENT]
    .reverse()
    .map((row) => ({ ...row, boxes: row.boxes && [...row.boxes].reverse() }));
  const [first, second] = [await projectOf(CONTENT), await projectOf([])];
  // One by one, so that ids and times of creation go another way too.
  for (const row of shuffled) await newImages(db, second.project, [row]);
  const [a, b] = [await version(db, first.dataset), await version(db, second.dataset)];
  expect(a.dataId).toMatch(/^[0-9a-f]{64}$/);
  expect(b.dataId).toBe(a.dataId);
  expect(b.uuid).not.toBe(a.uuid);
  const splits = async (of: typeof a) => (await itemsOf(db, of)).map(({ sha256, split }) => [sha256, split]);
  expect(await splits(b)).toEqual(await splits(a));
});

test('the order in which the arrows of a light are named is no content', async () => {
  const named = (arrows: string[]): ImageRow[] => [
    { label: 'arrows', boxes: [light('GREEN', { arrows: arrows as never })] },
  ];
  const all = { train: 1, validation: 0, test: 0 };
  const [a, b] = [await projectOf(named(['LEFT', 'STRAIGHT'])), await projectOf(named(['STRAIGHT', 'LEFT']))];
  expect((await version(db, a.dataset, all)).dataId).toBe((await version(db, b.dataset, all)).dataId);
});

test('the same recipe again gives the version that there is, also from eight clients at a time', async () => {
  const { dataset } = await projectOf(CONTENT);
  const all = await Promise.all(Array.from({ length: 8 }, () => version(db, dataset)));
  expect(new Set(all.map(({ uuid }) => uuid)).size).toBe(1);
  expect(all[0]).toMatchObject({ version: 1, imageCount: 33, lightCount: 32 });
  expect(
    await db.query(
      'SELECT count(*)::int AS n FROM dataset_item i JOIN dataset_version v ON v.id = i.version_id WHERE v.dataset_id = $1',
      [dataset],
    ),
  ).toEqual([{ n: 33 }]);
});

type Made = Awaited<ReturnType<typeof projectOf>>;
const first = async ({ images }: Made) =>
  (await db.query('SELECT id FROM annotation WHERE image_id = $1', [images[0]]))[0].id as string;
const changes: Record<string, (made: Made) => Promise<unknown>> = {
  'the colour of a light': async (made) => updateAnnotation(db, await first(made), { color: 'OFF' as never }),
  'a coordinate by a hair': async (made) =>
    updateAnnotation(db, await first(made), { x: 10.000000000000002 }),
  'an occlusion': async (made) => updateAnnotation(db, await first(made), { occluded: false }),
  'a box less': async (made) => deleteAnnotation(db, await first(made)),
  'a box more': ({ images }) => createAnnotation(db, images[30]!, light('RED')),
  'a second box just like the first': ({ images }) => createAnnotation(db, images[0]!, light('RED')),
  'the weather of an image': ({ images }) => updateImage(db, images[0]!, { weather: 'UNDEFINED' as never }),
  'the scene of an image': ({ images }) => updateImage(db, images[0]!, { scene: 'TUNNEL' as never }),
  'an image more': ({ project }) => newImages(db, project, [{ label: 'one more' }]),
  'a condition with members more': ({ project }) =>
    createCondition(db, project.uuid, { name: 'all-of-them', filter: {} }),
};

test.each(Object.keys(changes))('%s is another data id and another version', async (what) => {
  const made = await projectOf(CONTENT);
  const before = await version(db, made.dataset);
  await changes[what]!(made);
  // Whatever the change does to the shares of a class is not asked here.
  const after = await version(db, made.dataset).catch(() =>
    version(db, made.dataset, { train: 1, validation: 0, test: 0 }),
  );
  expect(after.dataId).not.toBe(before.dataId);
  expect(after.version).toBe(2);
});

test('another seed and other shares deal the images out otherwise', async () => {
  const { dataset } = await projectOf(lights(60, 'dealt'));
  const made = [
    await version(db, dataset),
    await version(db, dataset, { seed: 2 }),
    await version(db, dataset, { train: 0.6, validation: 0.2, test: 0.2 }),
  ];
  expect(new Set(made.map(({ dataId }) => dataId)).size).toBe(3);
  expect(made.map(({ version: number }) => number)).toEqual([1, 2, 3]);
  // And back: the first is found again.
  expect((await version(db, dataset)).uuid).toBe(made[0]!.uuid);
});

test('what is no content leaves the data id as it is', async () => {
  const { project, images, dataset } = await projectOf(CONTENT);
  const before = await version(db, dataset);
  await updateImage(db, images[0]!, { fileName: 'renamed.jpg', drive: 'drive' });
  const other = await newDataset(db, project, 'other');
  const [row] = await db.query('SELECT id FROM annotation WHERE image_id = $1', [images[0]]);
  await deleteAnnotation(db, row.id as string);
  await createAnnotation(db, images[0]!, light('RED'));
  expect((await version(db, other)).dataId).toBe(before.dataId);
  expect((await version(db, dataset)).uuid).toBe(before.uuid);
});

test('a version stays what it was when images, boxes, periods and conditions change', async () => {
  const { project, images, dataset } = await projectOf(CONTENT);
  const wet = await createCondition(db, project.uuid, { name: 'wet', filter: { weather: { eq: 'RAIN' } } });
  const made = await version(db, dataset, {
    where: { not: { id: { in: [toGlobalId('Image', images[1]!)] } } },
  });
  const before = [made, await itemsOf(db, made)];
  const member = (await itemsOf(db, made)).filter((item) =>
    item.conditions.includes(made.conditionNames.indexOf('wet')),
  );
  expect(member.map((item) => item.image_id)).toEqual([images[31]]);
  await updateCondition(db, wet.uuid, { filter: { weather: { eq: 'SNOW' } } });
  await db.query("UPDATE image SET weather_label = 'SNOW' WHERE project_id = $1", [project.uuid]);
  await db.query(
    "UPDATE annotation a SET color = 'OFF' FROM image i WHERE i.id = a.image_id AND i.project_id = $1 AND color IS NOT NULL",
    [project.uuid],
  );
  await db.query('DELETE FROM image WHERE project_id = $1', [project.uuid]);
  const [row] = await db.query(
    'SELECT image_count, light_count, data_id, condition_versions FROM dataset_version WHERE id = $1',
    [made.uuid],
  );
  expect(row).toEqual({
    image_count: 32,
    light_count: 31,
    data_id: made.dataId,
    condition_versions: made.conditionVersions,
  });
  expect([made, await itemsOf(db, made)]).toEqual(before);
});
