/** Filters on boxes of all kinds: counted in memory within a bound, by PostgreSQL beyond it, and the same. */
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { createAnnotation } from '../../../src/catalog/annotation/annotationService.js';
import { crossTabs, CoverageDimension } from '../../../src/catalog/coverage/coverage.js';
import { CoverageColumns } from '../../../src/catalog/coverage/columns/coverageColumns.js';
import { maskOf } from '../../../src/catalog/coverage/columns/mask.js';
import { imageFields } from '../../../src/catalog/image/imageFields.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { Category } from '../../../src/catalog/vocabulary.js';
import { compileWhere, Parameters, type Where } from '../../../src/graphql/list/where.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { filterOf, type Shape } from '../graphql/support/filters.js';
import { light, newImages, newProject } from '../graphql/support/world.js';

let database: TestDatabase;
let db: DataSource;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database.stop());

const car = (rest: object) => ({ ...light(null), category: Category.CAR, ...rest });

/** A project of images with two boxes each, one of them a car. */
async function projectOf(images: number, x = (n: number) => n): Promise<Project> {
  const project = await newProject(db);
  await newImages(
    db,
    project,
    Array.from({ length: images }, (_, n) => ({
      label: `${project.uuid}-${n}`,
      boxes: [light('RED'), car({ x: x(n) })],
    })),
  );
  return project;
}

async function slow(project: Project, where: Where): Promise<number> {
  const parameters = new Parameters();
  const [{ n }] = await db.query(
    `SELECT count(*)::int AS n FROM image t WHERE t.project_id = ${parameters.add(project.uuid, 'uuid')}
     AND ${compileWhere(imageFields(), where, { parameters })}`,
    parameters.values,
  );
  return n;
}

/** How many images the filter holds of, and how many boxes are in memory after that. */
function fast(store: CoverageColumns, project: Project, where: Where, mayAsk = true) {
  return store.read(project.uuid, async (columns, client) => {
    const query = () => Promise.reject(new Error('PostgreSQL was asked.'));
    const mask = await maskOf(
      {
        columns,
        client: mayAsk ? client : { query },
        projectUuid: project.uuid,
        condition: () => ({}),
        boxes: () => store.boxesOf(columns, client, project.uuid),
      },
      where,
    );
    return { images: mask.reduce((sum, one) => sum + one, 0), kept: columns.boxes?.count ?? null };
  });
}

const kept = (store: CoverageColumns, project: Project) =>
  store.read(project.uuid, ({ boxes }) => boxes?.count ?? null);
const FAR = { annotations: { some: { category: { eq: 'CAR' }, x: { gte: 2 } } } };

// Neighbours that 32 bits cannot tell apart, and numbers at the ends of the scale.
const EXACT = [
  0.1,
  0.1 + 2 ** -56,
  Math.fround(0.1),
  16,
  16.000001,
  16 + 2 ** -48,
  2 ** -1074,
  1e300,
  0,
  -0.1,
];

test('every comparison is that of the database, to the last bit of a double', async () => {
  const project = await newProject(db);
  const positive = fc.constantFrom(...EXACT.filter((value) => value > 0));
  const side = fc.record({
    x: fc.constantFrom(...EXACT),
    y: fc.constantFrom(...EXACT),
    width: positive,
    height: positive,
  });
  const boxes = fc.sample(fc.array(side, { maxLength: 3 }), { numRuns: 150, seed: 7 });
  const uuids = await newImages(
    db,
    project,
    boxes.map((_, n) => ({ label: `${project.uuid}-${n}` })),
  );
  for (const [n, list] of boxes.entries())
    for (const { x, y, width, height } of list)
      await db.query(
        `INSERT INTO annotation (id, image_id, category, x, y, width, height, source, score)
         VALUES (gen_random_uuid(), $1, 'CAR', $2, $3, $4, $5, $6, $7)`,
        [uuids[n], x, y, width, height, ...(n % 2 ? ['MODEL', Math.min(1, width)] : ['LABEL', null])],
      );
  const float = { kind: 'float' as const, samples: EXACT };
  const shape: Shape = {
    columns: { x: float, y: float, width: float, height: float, score: float },
    relations: {},
  };
  const store = new CoverageColumns(db);
  await fast(store, project, { annotations: { some: {} } });
  await fc.assert(
    fc.asyncProperty(filterOf(shape, 2), async (some) => {
      const where = { annotations: { some } };
      expect((await fast(store, project, where, false)).images).toBe(await slow(project, where));
    }),
    { numRuns: 300 },
  );
});

test('boxes are read when the first filter needs them, and not for lights', async () => {
  const project = await projectOf(5);
  const store = new CoverageColumns(db);
  expect(await fast(store, project, { annotations: { some: { color: { eq: 'RED' } } } })).toEqual({
    images: 5,
    kept: null,
  });
  expect(await fast(store, project, FAR)).toEqual({ images: 3, kept: 10 });
});

test('a filter on the image of a box is asked of PostgreSQL', async () => {
  const project = await projectOf(3);
  const [{ id }] = await db.query('SELECT id FROM image WHERE project_id = $1 LIMIT 1', [project.uuid]);
  const imageId = { eq: toGlobalId('Image', id as string) };
  const where = { annotations: { some: { or: [{ imageId }, { x: { gt: 1e6 } }] } } };
  expect(await fast(new CoverageColumns(db), project, where)).toEqual({ images: 1, kept: null });
});

test('more boxes than may be kept: none is, and the answers are the same', async () => {
  const project = await projectOf(4);
  const store = new CoverageColumns(db, { boxes: 7 });
  expect(await fast(store, project, FAR)).toEqual({ images: 2, kept: null });
  expect(await slow(project, FAR)).toBe(2);
  // The limit itself is still within it.
  expect(await fast(new CoverageColumns(db, { boxes: 8 }), project, FAR)).toEqual({ images: 2, kept: 8 });
});

test('more than may be kept in all: the boxes that were not asked for the longest are forgotten', async () => {
  const [a, b, c] = [await projectOf(3), await projectOf(3), await projectOf(3)];
  const store = new CoverageColumns(db, { boxes: 13 });
  for (const one of [a, b, a, c]) expect(await fast(store, one, FAR)).toEqual({ images: 1, kept: 6 });
  expect([await kept(store, a), await kept(store, b), await kept(store, c)]).toEqual([6, null, 6]);
  expect(await fast(store, b, FAR)).toEqual({ images: 1, kept: 6 });
});

test('boxes that outgrow the bound by changes are forgotten, whoever asks what', async () => {
  const project = await projectOf(3);
  const store = new CoverageColumns(db, { boxes: 7 });
  expect(await fast(store, project, FAR)).toEqual({ images: 1, kept: 6 });
  const [{ id }] = await db.query('SELECT id FROM image WHERE project_id = $1 ORDER BY id LIMIT 1', [
    project.uuid,
  ]);
  await createAnnotation(db, id as string, car({ x: 9 }));
  expect(await kept(store, project)).toBe(7);
  expect(await fast(store, project, FAR)).toEqual({ images: 2, kept: 7 });
  await createAnnotation(db, id as string, car({ x: 10 }));
  expect(await kept(store, project)).toBeNull();
  expect(await fast(store, project, FAR)).toEqual({ images: 2, kept: null });
});

test('projects that ask at the same time stay within the bound together', async () => {
  const projects = await Promise.all([1, 2, 3, 4].map(() => projectOf(3)));
  const store = new CoverageColumns(db, { boxes: 13 });
  const answers = await Promise.all(projects.map((one) => fast(store, one, FAR)));
  expect(answers.map(({ images }) => images)).toEqual([1, 1, 1, 1]);
  const sizes = await Promise.all(projects.map((one) => kept(store, one)));
  expect(sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)).toBeLessThanOrEqual(13);
});

test('an image that takes the row of a deleted one takes none of its boxes', async () => {
  const project = await projectOf(2);
  const ask = async () =>
    (await crossTabs(db, project.uuid, [{ by: [CoverageDimension.SCENE], where: FAR }]))[0]!.total;
  await newImages(db, project, [{ label: `${project.uuid}-far`, boxes: [car({ x: 50 })] }]);
  expect(await ask()).toBe(1);
  await db.query('DELETE FROM image WHERE file_name = $1', [`${project.uuid}-far.jpg`]);
  await newImages(db, project, [{ label: `${project.uuid}-none` }]);
  expect(await ask()).toBe(0);
});
