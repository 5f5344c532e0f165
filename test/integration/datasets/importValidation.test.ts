/** An import obeys the rules of its project, batch by batch. */
import type { DataSource } from 'typeorm';
import {
  ValidationKind,
  ValidationSeverity,
  type ValidationRule,
} from '../../../src/catalog/validation/rule.js';
import { setRules } from '../../../src/catalog/validation/ruleService.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { newProject } from '../graphql/support/world.js';
import { contentOf, folderOf, importInto } from './importSupport.js';

let database: TestDatabase;
let db: DataSource;
let project: Project;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
afterAll(() => database.stop());
beforeEach(async () => {
  project = await newProject(db);
});

const rule = (kind: ValidationKind, severity: ValidationSeverity, more: object = {}) =>
  ({ kind, severity, ...more }) as ValidationRule;
const { ERROR, WARNING } = ValidationSeverity;

const frame = (name: string, width = 20, weather?: string) => ({
  name,
  attributes: { weather },
  labels: [{ category: 'car', box2d: { x1: 1, y1: 2, x2: width, y2: 20 } }],
});
const small = rule(ValidationKind.BOX_SIZE, ERROR, { minWidth: 10, minHeight: 1 });

test('what breaks a rule of severity ERROR is refused by file and record, and its batch is taken back', async () => {
  await setRules(db, project.uuid, [small]);
  await using folder = await folderOf({ 'a.json': [frame('1.jpg'), frame('2.jpg', 5), frame('3.jpg')] });
  await expect(importInto(db, project.uuid, folder.path)).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    message: expect.stringMatching(/^a\.json:\[1\]: CAR at .* smaller than 10 × 1\..*lenient/),
  });
  expect(await contentOf(db, project.uuid)).toEqual([]);
});

test('leniently it comes in, and the report says what is wrong', async () => {
  await setRules(db, project.uuid, [small]);
  await using folder = await folderOf({ 'a.json': [frame('1.jpg'), frame('2.jpg', 5)] });
  const report = await importInto(db, project.uuid, folder.path, { lenient: true });
  expect(report).toMatchObject({
    created: 2,
    validation: { checkedImages: 2, passed: false, rules: [{ checked: 2, failed: 1 }] },
  });
});

test('a warning stops nothing; reports of batches are added up', async () => {
  await setRules(db, project.uuid, [rule(ValidationKind.HAS_TIME, WARNING)]);
  const frames = Array.from({ length: 2300 }, (_, n) => frame(`${n}.jpg`));
  await using folder = await folderOf({ 'a.json': frames });
  expect((await importInto(db, project.uuid, folder.path)).validation).toMatchObject({
    checkedImages: 2300,
    passed: true,
    rules: [{ failed: 2300, examples: { length: 10 } }],
  });
  expect((await importInto(db, project.uuid, folder.path)).validation).toBeNull();
});

test('the batches before one that is refused stay, and the message says how many frames', async () => {
  await setRules(db, project.uuid, [small]);
  const frames = Array.from({ length: 2300 }, (_, n) => frame(`${n}.jpg`, n === 2200 ? 5 : 20));
  await using folder = await folderOf({ 'a.json': frames });
  await expect(importInto(db, project.uuid, folder.path)).rejects.toThrow(
    /The (\d+) frames before this batch/,
  );
  const there = await contentOf(db, project.uuid);
  expect(there.length).toBeGreaterThanOrEqual(1000);
  expect(there.length).toBeLessThan(2200);
});

test('labels take the place of what a model has counted', async () => {
  await using bare = await folderOf({ 'a.json': [{ name: '1.jpg' }] });
  await importInto(db, project.uuid, bare.path);
  const [image] = await db.query('SELECT id FROM image WHERE project_id = $1', [project.uuid]);
  await db.query(
    `INSERT INTO annotation (id, image_id, category, x, y, width, height, source, score)
     SELECT gen_random_uuid(), $1, 'PERSON', 1, 1, 5, 5, 'MODEL', 0.5 FROM generate_series(1, 3)`,
    [image.id],
  );
  const counts = async () =>
    (await db.query('SELECT counts_source, people, cars FROM image WHERE id = $1', [image.id]))[0];
  expect(await counts()).toEqual({ counts_source: 'MODEL', people: 3, cars: 0 });
  await using labels = await folderOf({ 'a.json': [frame('1.jpg')] });
  expect(await importInto(db, project.uuid, labels.path)).toMatchObject({ filled: 1, existing: 0 });
  expect(await counts()).toEqual({ counts_source: 'LABEL', people: 0, cars: 1 });
});

test('an empty list of labels too: somebody has looked and found nothing', async () => {
  await using bare = await folderOf({ 'a.json': [{ name: '1.jpg' }] });
  await importInto(db, project.uuid, bare.path);
  await db.query(
    `INSERT INTO annotation (id, image_id, category, x, y, width, height, source, score)
     SELECT gen_random_uuid(), id, 'CAR', 1, 1, 5, 5, 'MODEL', 0.5 FROM image WHERE project_id = $1`,
    [project.uuid],
  );
  await using labels = await folderOf({ 'a.json': [{ name: '1.jpg', labels: [] }] });
  await importInto(db, project.uuid, labels.path);
  expect(
    await db.query('SELECT counts_source, cars FROM image WHERE project_id = $1', [project.uuid]),
  ).toEqual([{ counts_source: 'LABEL', cars: 0 }]);
});
