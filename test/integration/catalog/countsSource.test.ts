/** Whose count an image's counts are: a person's where one has looked, else a model's, whoever writes in which order. */
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { insertAnnotations, updateAnnotation } from '../../../src/catalog/annotation/annotationService.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { AnnotationSource, Category } from '../../../src/catalog/vocabulary.js';
import { newId } from '../../../src/platform/ids.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { startTestService, type TestService } from '../../support/service.js';
import { light, newImages, newProject, rowOf } from '../graphql/support/world.js';
import { itemsOf, newDataset, version } from '../datasets/support.js';

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

const { LABEL, MODEL } = AnnotationSource;
const COUNTED = [
  Category.PERSON,
  Category.RIDER,
  Category.CAR,
  Category.BICYCLE,
  Category.BUS,
  Category.TRAFFIC_LIGHT,
];

interface Box {
  image: string;
  category: Category;
  source: AnnotationSource;
}
interface Plain {
  /** Images that a person has looked at, whether or not a box of theirs is left. */
  labelled: Set<string>;
  /** Images that a model has looked at. */
  modelled: Set<string>;
  boxes: Map<string, Box>;
}

/** The law, without SQL. */
function countsOf({ labelled, modelled, boxes }: Plain, image: string) {
  const source = labelled.has(image) ? LABEL : modelled.has(image) ? MODEL : null;
  const of = (...categories: Category[]) =>
    source &&
    [...boxes.values()].filter(
      (box) => box.image === image && box.source === source && categories.includes(box.category),
    ).length;
  return {
    counts_source: source,
    people: of(Category.PERSON, Category.RIDER),
    cars: of(Category.CAR),
    bicycles: of(Category.BICYCLE),
    buses: of(Category.BUS),
    traffic_lights: of(Category.TRAFFIC_LIGHT),
  };
}

const box = fc.record({
  image: fc.nat(3),
  category: fc.constantFrom(...COUNTED, Category.TRUCK),
  source: fc.constantFrom(LABEL, MODEL),
});
const act = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      how: fc.constant('insert' as const),
      boxes: fc.array(box, { minLength: 1, maxLength: 6 }),
    }),
  },
  fc.record({
    how: fc.constant('delete' as const),
    which: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    how: fc.constant('change' as const),
    which: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
    to: box,
  }),
);
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

/** One statement each, as importers, models and people write. */
async function perform(one: Act, images: string[], plain: Plain): Promise<void> {
  const touched = (uuid: string, source: AnnotationSource) =>
    (source === LABEL ? plain.labelled : plain.modelled).add(uuid);
  if (one.how === 'insert') {
    const boxes = one.boxes.map((wanted) => ({ ...wanted, image: images[wanted.image]! }));
    const ids = await db.transaction((manager) =>
      insertAnnotations(
        manager,
        boxes.map(({ image, ...rest }) => ({ ...light(null), ...rest, imageUuid: image })),
      ),
    );
    boxes.forEach((made, n) => plain.boxes.set(ids[n]!, made));
    for (const { image, source } of boxes) touched(image, source);
    return;
  }
  const known = [...plain.boxes.keys()];
  if (known.length === 0) return;
  const ids = [...new Set(one.which.map((n) => known[n % known.length]!))];
  for (const id of ids) touched(plain.boxes.get(id)!.image, plain.boxes.get(id)!.source);
  if (one.how === 'delete') {
    await db.query('DELETE FROM annotation WHERE id = ANY($1)', [ids]);
    for (const id of ids) plain.boxes.delete(id);
    return;
  }
  const to = { ...one.to, image: images[one.to.image]! };
  await db.query('UPDATE annotation SET image_id = $2, category = $3, source = $4 WHERE id = ANY($1)', [
    ids,
    ...[to.image, to.category, to.source],
  ]);
  for (const id of ids) plain.boxes.set(id, to);
  touched(to.image, to.source);
}

const stored = async (images: string[]) => {
  const rows: { id: string }[] = await db.query(
    'SELECT id, counts_source, people, cars, bicycles, buses, traffic_lights FROM image WHERE id = ANY($1)',
    [images],
  );
  return new Map(rows.map(({ id, ...counts }) => [id, counts]));
};

test('after any inserts, changes and deletes the counts are those of the law', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
      const labels = [null, null, [], null];
      const images = await newImages(
        db,
        project,
        labels.map((boxes) => ({ label: newId(), boxes })),
      );
      // An empty list is a look of a person's too.
      const plain: Plain = { labelled: new Set([images[2]!]), modelled: new Set(), boxes: new Map() };
      for (const one of acts) {
        await perform(one, images, plain);
        const now = await stored(images);
        for (const image of images) expect(now.get(image)).toEqual(countsOf(plain, image));
      }
    }),
    { numRuns: 40 },
  );
});

test('people and models that write the same images at a time leave the counts exact', async () => {
  const images = await newImages(
    db,
    project,
    Array.from({ length: 4 }, () => ({ label: newId() })),
  );
  const write = (source: AnnotationSource, n: number) =>
    db.transaction((manager) =>
      insertAnnotations(
        manager,
        // In an order of its own: whoever locked in it would wait in a circle.
        (n % 2 ? images : [...images].reverse()).map((imageUuid) => ({ ...light(null), imageUuid, source })),
      ),
    );
  await Promise.all(Array.from({ length: 24 }, (_, n) => write(n % 3 ? MODEL : LABEL, n)));
  for (const counts of (await stored(images)).values())
    expect(counts).toMatchObject({ counts_source: 'LABEL', traffic_lights: 8 });
});

const IMAGE = `query ($id: ID!) { image(id: $id) { objects { source trafficLights cars }
  annotations { source category score } ofModel: annotations(source: MODEL) { category } } }`;

async function modelled(label = newId(), boxes: 'none' | null = null): Promise<string> {
  const [uuid] = await newImages(db, project, [{ label, boxes: boxes === 'none' ? [] : null }]);
  await db.transaction((manager) =>
    insertAnnotations(manager, [
      { ...light(null), imageUuid: uuid!, source: MODEL, score: 0.5 },
      { ...light(null), category: Category.CAR, imageUuid: uuid!, source: MODEL, score: 0.75 },
    ]),
  );
  return uuid!;
}

test('the API says whose the counts are, and shows the annotations that count or those that are asked for', async () => {
  const uuid = await modelled();
  const ask = async () => (await service.ok(IMAGE, { id: toGlobalId('Image', uuid) })).image;
  expect(await ask()).toEqual({
    objects: { source: 'MODEL', trafficLights: 1, cars: 1 },
    annotations: [
      { source: 'MODEL', category: 'TRAFFIC_LIGHT', score: 0.5 },
      { source: 'MODEL', category: 'CAR', score: 0.75 },
    ],
    ofModel: [{ category: 'TRAFFIC_LIGHT' }, { category: 'CAR' }],
  });
  await db.transaction((manager) => insertAnnotations(manager, [{ ...light('RED'), imageUuid: uuid }]));
  expect(await ask()).toEqual({
    objects: { source: 'LABEL', trafficLights: 1, cars: 0 },
    annotations: [{ source: 'LABEL', category: 'TRAFFIC_LIGHT', score: null }],
    ofModel: [{ category: 'TRAFFIC_LIGHT' }, { category: 'CAR' }],
  });
});

test('a filter by annotations means those that count', async () => {
  const [open, closed] = [await modelled(), await modelled(newId(), 'none')];
  const found = async (where: object) => {
    const query =
      'query ($p: ID!, $where: ImageWhere) { images(projectId: $p, where: $where) { nodes { id } } }';
    const { images } = await service.ok(query, { p: project.name, where });
    return images.nodes.map(({ id }: { id: string }) => id);
  };
  const id = toGlobalId('Image', open);
  expect(await found({ annotations: { some: { category: { eq: 'CAR' } } } })).toEqual([id]);
  expect(await found({ annotations: { some: { source: { eq: 'MODEL' } } } })).toEqual([id]);
  expect(await found({ countsSource: { eq: 'MODEL' } })).toEqual([id]);
  expect(await found({ countsSource: { eq: 'LABEL' } })).toEqual([toGlobalId('Image', closed)]);
});

test("who corrects a model's box makes it a label", async () => {
  const uuid = await modelled();
  const [{ id }] = await db.query("SELECT id FROM annotation WHERE image_id = $1 AND category = 'CAR'", [
    uuid,
  ]);
  expect(await updateAnnotation(db, id, { category: Category.BUS })).toMatchObject({
    source: 'LABEL',
    score: null,
  });
  expect(await rowOf(db, 'image', uuid)).toMatchObject({
    counts_source: 'LABEL',
    buses: 1,
    traffic_lights: 0,
  });
});

test("a data set version freezes people's annotations only; what a model alone has seen is unlabelled there", async () => {
  const [open, empty, both] = [await modelled('a'), await modelled('b', 'none'), await modelled('c')];
  await db.transaction((manager) =>
    insertAnnotations(manager, [{ ...light('RED'), imageUuid: both, source: LABEL }]),
  );
  const made = await version(db, await newDataset(db, project), { train: 1, validation: 0, test: 0 });
  const items = new Map((await itemsOf(db, made)).map((item) => [item.image_id, item]));
  expect(items.get(open)).toMatchObject({ annotations: null, lights: 0 });
  expect(items.get(empty)).toMatchObject({ annotations: [], lights: 0 });
  expect(items.get(both)).toMatchObject({ annotations: [{ color: 'RED' }], lights: 1 });
});

test('coverage counts the lights that count', async () => {
  const [open, closed] = [await modelled(), await modelled(newId(), 'none')];
  expect([open, closed]).toHaveLength(2);
  const { coverage } = await service.ok(
    `{ coverage(projectId: "${project.name}", by: [LIGHT_COLOR]) { cells { keys lights images } } }`,
  );
  expect(coverage.cells).toEqual([{ keys: [null], lights: 1, images: 1 }]);
});

test('counts that are written without their source are those of a person', async () => {
  const [uuid] = await newImages(db, project, [{ label: newId() }]);
  await db.query(
    'UPDATE image SET people = 0, cars = 0, bicycles = 0, buses = 0, traffic_lights = 0 WHERE id = $1',
    [uuid],
  );
  expect(await rowOf(db, 'image', uuid!)).toMatchObject({ counts_source: 'LABEL' });
});
