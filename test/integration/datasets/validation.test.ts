/** Versions under the rules of their project: what is frozen is judged, refused or allowed. */
import type { DataSource } from 'typeorm';
import type { Project } from '../../../src/catalog/project/project.js';
import {
  ValidationKind,
  ValidationSeverity,
  type ValidationRule,
} from '../../../src/catalog/validation/rule.js';
import { setRules } from '../../../src/catalog/validation/ruleService.js';
import { validateImages } from '../../../src/catalog/validation/validate.js';
import { Category, LightColor } from '../../../src/catalog/vocabulary.js';
import { validateVersion } from '../../../src/datasets/validation.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { startTestService, type TestService } from '../../support/service.js';
import { codeOf, light, newProject, statementsOf } from '../graphql/support/world.js';
import { lights, newDataset, newImages, version } from './support.js';

let service: TestService;
let db: DataSource;
let project: Project;
let dataset: string;
beforeAll(async () => {
  service = await startTestService();
  db = service.db;
});
afterAll(() => service.stop());
beforeEach(async () => {
  project = await newProject(db);
  dataset = await newDataset(db, project);
});

const { ERROR, WARNING } = ValidationSeverity;
const rule = (kind: keyof typeof ValidationKind, rest: object = {}): ValidationRule => ({
  kind: ValidationKind[kind],
  severity: ERROR,
  ...rest,
});
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: { code: string; message: string; field: string[] }) => ({
      code: error.code,
      message: error.message,
      field: error.field,
    }),
  );
const versions = async () =>
  (await db.query('SELECT count(*)::int AS n FROM dataset_version WHERE dataset_id = $1', [dataset]))[0].n;

test('a version that breaks a rule is refused with the rule, the count and three examples, and nothing is kept', async () => {
  const images = await newImages(db, project, lights(30, project.name));
  await setRules(db, project.uuid, [rule('HAS_TIME'), rule('HAS_DRIVE', { severity: WARNING })]);
  const refused = await refusal(version(db, dataset));
  expect(refused).toMatchObject({ code: 'DATASET_INVALID', field: ['allowInvalid'] });
  const named = images.filter((uuid) => refused!.message.includes(toGlobalId('Image', uuid)));
  expect(named).toHaveLength(3);
  expect(refused!.message).toContain('HAS_TIME fails for 30 of 30');
  expect(refused!.message).not.toContain('HAS_DRIVE');
  expect(await versions()).toBe(0);
  // A warning refuses nothing, and neither does an ERROR that is allowed.
  const allowed = await version(db, dataset, { allowInvalid: true });
  await setRules(db, project.uuid, [rule('HAS_TIME', { severity: WARNING })]);
  expect((await version(db, dataset)).uuid).toBe(allowed.uuid);
});

test('the mutation takes allowInvalid, and the version tells by the rules of now', async () => {
  await newImages(db, project, lights(30, project.name));
  await setRules(db, project.uuid, [rule('BOX_SIZE', { minWidth: 21 })]);
  const CREATE = `mutation ($input: CreateDatasetVersionInput!) { createDatasetVersion(input: $input) {
    datasetVersion { id validation validationReport { checkedImages passed rules { rule { kind minWidth } checked failed examples { image { id } detail } } } }
    userErrors { code field } } }`;
  const input = { datasetId: toGlobalId('Dataset', dataset), maxLeakShare: 1 };
  const refused = await service.ask(CREATE, { input });
  expect(refused.data.createDatasetVersion).toEqual({
    datasetVersion: null,
    userErrors: [{ code: 'DATASET_INVALID', field: ['allowInvalid'] }],
  });
  const made = await service.ok(CREATE, { input: { ...input, allowInvalid: true } });
  const { id, validation, validationReport } = made.createDatasetVersion.datasetVersion;
  // The split's share has had this name for longer.
  expect(validation).toBe(0.15);
  expect(validationReport).toMatchObject({
    ...{ checkedImages: 30, passed: false },
    rules: [{ rule: { kind: 'BOX_SIZE', minWidth: 21 }, checked: 30, failed: 30 }],
  });
  expect(validationReport.rules[0].examples[0].image.id).toBeTruthy();
  await setRules(db, project.uuid, [rule('BOX_SIZE', { minWidth: 20 })]);
  const { datasetVersion } = await service.ok(
    `{ datasetVersion(id: "${id}") { validationReport { passed } } }`,
  );
  expect(datasetVersion.validationReport.passed).toBe(true);
});

test('what is frozen is judged, not what the catalog says since; a deleted image is judged too', async () => {
  const images = await newImages(db, project, lights(30, project.name));
  const made = await version(db, dataset);
  await setRules(db, project.uuid, [
    rule('HAS_DRIVE'),
    rule('BOX_INSIDE'),
    rule('HAS_SIZE'),
    rule('LABELLED'),
  ]);
  const failed = async () => (await validateVersion(db, made.uuid)).rules.map((result) => result.failed);
  expect(await failed()).toEqual([30, 0, 0, 0]);
  await db.query("UPDATE image SET drive = 'd' WHERE project_id = $1", [project.uuid]);
  await db.query('UPDATE annotation SET x = -100 WHERE image_id = ANY($1)', [images]);
  await db.query('DELETE FROM image WHERE id = $1', [images[0]]);
  expect(await failed()).toEqual([30, 0, 0, 0]);
  expect((await validateImages(db, project.uuid)).rules.map((result) => result.failed)).toEqual([
    0, 29, 0, 0,
  ]);
});

test('a version of a project says what the project says, rule by rule, on the day it is made', async () => {
  await newImages(db, project, [
    ...lights(30, project.name),
    ...Array.from({ length: 12 }, (_, n) => ({
      label: `${project.name}-more-${n}`,
      ...(n % 2 ? { drive: `d${n}`, recordedAt: new Date(n), latitude: 1, longitude: 1 } : {}),
      facts: { width: 100, height: 60, brightness: n / 12, darkness: 1 - n / 12 },
      boxes: n % 3 === 0 ? null : [light('RED', { x: 9 * n - 9, width: 10 + n }), light(null)],
    })),
  ]);
  const kinds = [
    'HAS_TIME',
    'HAS_PLACE',
    'HAS_POSITION',
    'HAS_SIZE',
    'HAS_BYTES',
    'HAS_DRIVE',
    'LABELLED',
    'HAS_COLOR',
  ];
  await setRules(db, project.uuid, [
    ...kinds.map((kind) => rule(kind as never, { severity: WARNING })),
    rule('BRIGHTNESS', { severity: WARNING, min: 0.3, max: 0.7 }),
    rule('DARKNESS', { severity: WARNING, max: 0.5 }),
    rule('CONFLICTS', { severity: WARNING, maxSteps: 0 }),
    rule('BOX_INSIDE', { severity: WARNING, tolerance: 2 }),
    rule('BOX_SIZE', { severity: WARNING, minWidth: 15 }),
    rule('CLASSES_KNOWN', {
      severity: WARNING,
      categories: [Category.TRAFFIC_LIGHT],
      colors: [LightColor.RED],
    }),
    rule('CLASS_COUNT', { severity: WARNING, atLeast: 11 }),
  ]);
  const made = await version(db, dataset);
  const numbers = ({ rules }: Awaited<ReturnType<typeof validateVersion>>) =>
    rules.map(({ rule: { kind }, checked, failed, examples }) => [kind, checked, failed, examples.length]);
  const ofVersion = numbers(await validateVersion(db, made.uuid));
  expect(ofVersion).toEqual(numbers(await validateImages(db, project.uuid)));
  expect(ofVersion.filter(([, , failed]) => (failed as number) > 0).length).toBeGreaterThan(10);
});

test('CLASS_COUNT per split names the split that lacks a class', async () => {
  await newImages(db, project, lights(60, project.name));
  const classes = [{ category: Category.TRAFFIC_LIGHT, color: LightColor.RED }, { category: Category.BUS }];
  await setRules(db, project.uuid, [
    rule('CLASS_COUNT', { atLeast: 10, classes: classes.slice(0, 1), severity: WARNING }),
    rule('CLASS_COUNT', { atLeast: 10, classes, perSplit: true, severity: WARNING }),
  ]);
  const made = await version(db, dataset);
  const items: { split: string; n: number }[] = await db.query(
    `SELECT split, count(*) FILTER (WHERE annotations -> 0 ->> 'color' = 'RED')::int AS n FROM dataset_item
     WHERE version_id = $1 GROUP BY 1 ORDER BY 2`,
    [made.uuid],
  );
  const report = await validateVersion(db, made.uuid);
  const short = items.filter(({ n }) => n < 10);
  expect(short.length).toBeGreaterThan(0);
  expect(report.rules[0]).toMatchObject({ checked: 1, failed: 0 });
  expect(report.rules[1]).toMatchObject({ checked: 6, failed: 3 + short.length });
  const details = report.rules[1]!.examples.map(({ detail }) => detail);
  for (const { split, n } of short) expect(details).toContain(`TRAFFIC_LIGHT RED: ${n} of 10 in ${split}`);
  for (const { split } of items) expect(details).toContain(`BUS: 0 of 10 in ${split}`);
});

test('a version that is not there is NOT_FOUND; four statements whatever its size', async () => {
  expect(await codeOf(validateVersion(db, project.uuid))).toBe('NOT_FOUND');
  await newImages(db, project, lights(9, project.name));
  const few = await version(db, dataset, { train: 1, validation: 0, test: 0 });
  await newImages(db, project, lights(60, `${project.name}-more`));
  const many = await version(db, dataset);
  for (const { uuid } of [few, many]) {
    expect(await statementsOf(db, () => validateVersion(db, uuid))).toEqual([
      'validation.projectOfVersion',
      'validation.rules',
      'validation.images',
      'validation.boxes',
    ]);
  }
});
