/** The difference of two versions is that of their items compared one by one. */
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import {
  createAnnotation,
  deleteAnnotation,
  updateAnnotation,
} from '../../../src/catalog/annotation/annotationService.js';
import { createCondition } from '../../../src/catalog/condition/conditionService.js';
import { updateImage } from '../../../src/catalog/image/imageService.js';
import type { DatasetVersion } from '../../../src/datasets/datasetVersion.js';
import { diffVersions } from '../../../src/datasets/diff.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { light, newImages, newProject } from '../graphql/support/world.js';
import { itemsOf, lights, newDataset, version, type Item } from './support.js';

let database: TestDatabase;
let db: DataSource;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database.stop());

const WHOLE = { train: 1, validation: 0, test: 0 };

type Box = Record<string, unknown>;
const said = ({ id: _, arrows, ...rest }: Box) =>
  JSON.stringify([Object.entries(rest).sort(), [...(arrows as string[])].sort()]);
const allSaid = (boxes: Box[] | null) => boxes && boxes.map(said).sort();

/** By hand. */
function slow(before: Item[], after: Item[], a: DatasetVersion, b: DatasetVersion) {
  const [old, now] = [before, after].map((items) => new Map(items.map((item) => [item.sha256, item])));
  const both = before.filter(({ sha256 }) => now!.has(sha256)).map((x) => [x, now!.get(x.sha256)!] as const);
  const looks = (item: Item) =>
    JSON.stringify([allSaid(item.annotations), item.weather, item.time_of_day, (item as never as Box).scene]);
  const annotations = { added: 0, removed: 0, changed: 0 };
  for (const sha256 of new Set([...old!.keys(), ...now!.keys()])) {
    const [x, y] = [old, now].map((items) => items!.get(sha256)?.annotations ?? []) as [Box[], Box[]];
    for (const box of x) {
      const same = y.find(({ id }) => id === box.id);
      if (same && said(same) !== said(box)) annotations.changed += 1;
    }
    const left = x.filter(({ id }) => !y.some((box) => box.id === id)).map(said);
    for (const come of y.filter(({ id }) => !x.some((box) => box.id === id)).map(said)) {
      const at = left.indexOf(come);
      if (at < 0) annotations.added += 1;
      else left.splice(at, 1);
    }
    annotations.removed += left.length;
  }
  const count = (items: Item[], of: DatasetVersion, name: string | null) =>
    items.filter((item) => name === null || item.conditions.includes(of.conditionNames.indexOf(name))).length;
  const names = [null, ...[...new Set([...a.conditionNames, ...b.conditionNames])].sort()];
  return {
    images: {
      added: after.filter(({ sha256 }) => !old!.has(sha256)).length,
      removed: before.filter(({ sha256 }) => !now!.has(sha256)).length,
      changed: both.filter(([x, y]) => looks(x) !== looks(y)).length,
      moved: both.filter(([x, y]) => x.split !== y.split).length,
    },
    annotations,
    conditions: names.map((condition) => ({
      condition,
      before: count(before, a, condition),
      after: count(after, b, condition),
      shareBefore: count(before, a, condition) / before.length,
      shareAfter: count(after, b, condition) / after.length,
    })),
  };
}

const KINDS = [
  'add',
  'drop',
  'again',
  'recolor',
  'weather',
  'scene',
  'delete',
  'image',
  'condition',
] as const;
const changes = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    which: fc.nat(),
    color: fc.constantFrom('RED', 'GREEN', 'OFF'),
  }),
  {
    minLength: 1,
    maxLength: 12,
  },
);
type Change = typeof changes extends fc.Arbitrary<(infer T)[]> ? T : never;

let made = 0;
async function apply(project: Awaited<ReturnType<typeof newProject>>, { kind, which, color }: Change) {
  const pick = async (sql: string) => {
    const rows: Box[] = await db.query(sql, [project.uuid]);
    return rows[which % Math.max(1, rows.length)];
  };
  const image = await pick('SELECT id FROM image WHERE project_id = $1 ORDER BY sha256 OFFSET 1');
  const box = await pick(
    'SELECT a.* FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1 ORDER BY a.id',
  );
  const on = image?.id as string;
  if (kind === 'image') return newImages(db, project, lights(1, `come ${made++}`));
  if (kind === 'condition')
    return createCondition(db, project.uuid, {
      name: `wet-${made++}`,
      filter: which % 2 ? { weather: { eq: 'RAIN' } } : {},
    });
  if (!image) return null;
  if (kind === 'add') return createAnnotation(db, on, light(color));
  if (kind === 'weather') return updateImage(db, on, { weather: which % 2 ? 'RAIN' : 'SNOW' } as never);
  if (kind === 'scene') return updateImage(db, on, { scene: 'TUNNEL' as never });
  if (kind === 'delete') return db.query('DELETE FROM image WHERE id = $1', [on]);
  if (!box) return null;
  if (kind === 'recolor') return updateAnnotation(db, box.id as string, { color: color as never });
  await deleteAnnotation(db, box.id as string);
  const { x, y, width, height, arrows } = box as Record<string, never>;
  if (kind === 'again')
    return createAnnotation(
      db,
      box.image_id as string,
      light(box.color as string, { x, y, width, height, arrows }),
    );
}

test('after any changes, in both directions', async () => {
  await fc.assert(
    fc.asyncProperty(changes, fc.boolean(), async (list, dealt) => {
      const project = await newProject(db);
      await newImages(db, project, [
        ...lights(8, `diff ${made++}`),
        { label: `empty ${made}`, boxes: [] },
        { label: `unlabelled ${made}` },
      ]);
      const [one, other] = [await newDataset(db, project), await newDataset(db, project, 'other')];
      const a = await version(db, one, WHOLE);
      for (const change of list) await apply(project, change);
      const b = await version(db, other, WHOLE);
      // Splits as they might have been: what is refused for a small set is not asked here.
      if (dealt)
        await db.query("UPDATE dataset_item SET split = 'TEST' WHERE version_id = $1 AND sha256 < '8'", [
          b.uuid,
        ]);
      const [before, after] = [await itemsOf(db, a), await itemsOf(db, b)];
      for (const [x, y, from, to] of [
        [before, after, a, b],
        [after, before, b, a],
      ] as const) {
        const { images, ...rest } = await diffVersions(db, from.uuid, to.uuid);
        const { examples, ...counts } = images;
        expect({ images: counts, ...rest }).toEqual(slow([...x], [...y], from, to));
        expect(examples.length).toBeLessThanOrEqual(20);
      }
    }),
    { numRuns: 60 },
  );
});

test('a box that was deleted and drawn again has not changed, and is no new major version', async () => {
  const project = await newProject(db);
  await newImages(db, project, lights(5, 'redrawn'));
  const dataset = await newDataset(db, project);
  const first = await version(db, dataset, WHOLE);
  const boxes: Box[] = await db.query(
    'SELECT a.id, a.image_id, a.color FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1',
    [project.uuid],
  );
  await deleteAnnotation(db, boxes[0]!.id as string);
  await createAnnotation(db, boxes[0]!.image_id as string, light(boxes[0]!.color as string));
  await db.query("UPDATE image SET time_of_day_sensor = 'NIGHT' WHERE project_id = $1 AND id = $2", [
    project.uuid,
    boxes[1]!.image_id,
  ]);
  const next = await version(db, dataset, WHOLE);
  expect(next.semanticVersion).toBe('1.0.1');
  const { images, annotations } = await diffVersions(db, first.uuid, next.uuid);
  expect(images).toMatchObject({ added: 0, removed: 0, changed: 1, moved: 0 });
  expect(annotations).toEqual({ added: 0, removed: 0, changed: 0 });
});
