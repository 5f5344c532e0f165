/** Boxes: made, changed and deleted one by one; the counts of their image follow, whoever writes. */
import fc from 'fast-check';
import {
  createAnnotation,
  deleteAnnotation,
  insertAnnotations,
  updateAnnotation,
} from '../../../src/catalog/annotation/annotationService.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { Category } from '../../../src/catalog/vocabulary.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { startTestService, type TestService } from '../../support/service.js';
import { codeOf, light, newImage, newImages, newProject, rowOf } from '../graphql/support/world.js';

let service: TestService;
let project: Project;
beforeAll(async () => {
  service = await startTestService();
  project = await newProject(service.db);
});
afterAll(() => service.stop());

/** Images whose counts differ from what a count of their annotations gives. */
const outOfStep = () =>
  service.db.query(
    `SELECT i.id FROM image i CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE category IN ('PERSON', 'RIDER')) AS people, count(*) FILTER (WHERE category = 'CAR') AS cars,
         count(*) FILTER (WHERE category = 'BICYCLE') AS bicycles, count(*) FILTER (WHERE category = 'BUS') AS buses,
         count(*) FILTER (WHERE category = 'TRAFFIC_LIGHT') AS traffic_lights, count(*) AS n FROM annotation a WHERE a.image_id = i.id) c
     WHERE (i.traffic_lights IS NOT NULL OR c.n > 0)
       AND (i.people, i.cars, i.bicycles, i.buses, i.traffic_lights) IS DISTINCT FROM (c.people, c.cars, c.bicycles, c.buses, c.traffic_lights)`,
  );

const category = fc.constantFrom(...Object.values(Category));
const act = fc.record({
  how: fc.constantFrom('create', 'create', 'batch', 'update', 'delete'),
  image: fc.nat(3),
  which: fc.nat(),
  category,
});

test('counts follow whatever several connections insert, change and delete at a time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 40 }), fc.uuid(), async (acts, label) => {
      const images = await newImages(
        service.db,
        project,
        [0, 1, 2, 3].map((n) => ({ label: `${label}-${n}`, boxes: n === 0 ? null : [light()] })),
      );
      const box = (kind: Category) => ({ ...light(null), category: kind });
      const known: string[] = [];
      const run = async ({ how, image, which, category: kind }: (typeof acts)[number]): Promise<void> => {
        const imageUuid = images[image]!;
        const chosen = known[which % Math.max(1, known.length)];
        if (how === 'create') known.push((await createAnnotation(service.db, imageUuid, box(kind))).uuid);
        // One statement over several images.
        else if (how === 'batch') {
          const boxes = images.flatMap((uuid) => [
            { ...box(kind), imageUuid: uuid },
            { ...box(Category.CAR), imageUuid: uuid },
          ]);
          known.push(...(await service.db.transaction((manager) => insertAnnotations(manager, boxes))));
        } else if (!chosen) return;
        else if (how === 'update') await updateAnnotation(service.db, chosen, { category: kind });
        else await deleteAnnotation(service.db, chosen);
      };
      for (let from = 0; from < acts.length; from += 5) {
        const outcomes = await Promise.all(acts.slice(from, from + 5).map((one) => codeOf(run(one))));
        // What another has just deleted is no more; nothing else may go wrong.
        for (const code of outcomes) expect(['no error', 'NOT_FOUND']).toContain(code);
      }
      expect(await outOfStep()).toEqual([]);
    }),
    { numRuns: 12, endOnFailure: true },
  );
});

test('an image that nobody has looked at is looked at with its first box, and stays so after its last', async () => {
  const uuid = await newImage(service.db, project);
  const counts = async () => {
    const { people, cars, bicycles, buses, traffic_lights } = await rowOf(service.db, 'image', uuid);
    return [people, cars, bicycles, buses, traffic_lights];
  };
  expect(await counts()).toEqual([null, null, null, null, null]);
  const rider = await createAnnotation(service.db, uuid, { ...light(null), category: Category.RIDER });
  expect(await counts()).toEqual([1, 0, 0, 0, 0]);
  await updateAnnotation(service.db, rider.uuid, { category: Category.BUS });
  expect(await counts()).toEqual([0, 0, 0, 1, 0]);
  await deleteAnnotation(service.db, rider.uuid);
  expect(await counts()).toEqual([0, 0, 0, 0, 0]);
});

const UPDATE = `mutation ($input: UpdateAnnotationInput!) { updateAnnotation(input: $input) {
  annotation { category x color arrows role occluded imageId } userErrors { code field } } }`;

test('a change keeps what it does not name, and null takes away', async () => {
  const image = await newImage(service.db, project);
  const made = await createAnnotation(
    service.db,
    image,
    light('RED', { arrows: ['LEFT'] as never, role: 'VEHICLE' as never, occluded: true }),
  );
  const input = { id: made.globalId, x: 12.5, role: null, occluded: null };
  expect((await service.ok(UPDATE, { input })).updateAnnotation.annotation).toEqual({
    category: 'TRAFFIC_LIGHT',
    x: 12.5,
    color: 'RED',
    arrows: ['LEFT'],
    role: null,
    occluded: null,
    imageId: toGlobalId('Image', image),
  });
});

test('a traffic light becomes a car only together with the loss of its colour', async () => {
  const made = await createAnnotation(service.db, await newImage(service.db, project), light('RED'));
  const refused = await service.ask(UPDATE, { input: { id: made.globalId, category: 'CAR' } });
  expect(refused.data.updateAnnotation).toEqual({
    annotation: null,
    userErrors: [{ code: 'BAD_USER_INPUT', field: ['color'] }],
  });
  const done = await service.ok(UPDATE, { input: { id: made.globalId, category: 'CAR', color: null } });
  expect(done.updateAnnotation.annotation).toMatchObject({ category: 'CAR', color: null });
});

test('a change that moves the box out of the picture is refused and changes nothing', async () => {
  const made = await createAnnotation(service.db, await newImage(service.db, project), light());
  for (const change of [{ x: 1e9 }, { y: -1e9 }, { width: -1 }, { x: null }, { category: null }]) {
    const answer = await service.ask(UPDATE, { input: { id: made.globalId, ...change } });
    expect(answer.data.updateAnnotation.userErrors).toEqual(
      [{ code: 'BAD_USER_INPUT', field: [Object.keys(change)[0]] }].map((error) =>
        'y' in change ? { ...error, field: ['x'] } : error,
      ),
    );
  }
  expect(await rowOf(service.db, 'annotation', made.uuid)).toMatchObject({
    x: 10,
    y: 10,
    width: 20,
    height: 40,
  });
});
