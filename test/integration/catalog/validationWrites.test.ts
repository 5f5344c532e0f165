/** Registering images under rules of severity ERROR: refused as a whole, allowed when asked for, never by both rules. */
import type { DataSource } from 'typeorm';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { registerImages } from '../../../src/catalog/image/registerImages.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { ValidationKind, ValidationSeverity } from '../../../src/catalog/validation/rule.js';
import { setRules } from '../../../src/catalog/validation/ruleService.js';
import { startTestService, type TestService } from '../../support/service.js';
import { codeOf, digestOf, light, newPictures, newProject } from '../graphql/support/world.js';

let service: TestService;
let db: DataSource;
let project: Project;
beforeAll(async () => {
  service = await startTestService();
  db = service.db;
});
afterAll(() => service.stop());
beforeEach(async () => {
  project = await newProject(db);
});

const { ERROR, WARNING } = ValidationSeverity;
const HAS_DRIVE = { kind: ValidationKind.HAS_DRIVE, severity: ERROR };
const INSIDE = { kind: ValidationKind.BOX_INSIDE, severity: ERROR };
const count = async () =>
  (
    await db.query(
      `SELECT count(DISTINCT i.id)::int AS images, count(a.id)::int AS boxes
       FROM image i LEFT JOIN annotation a ON a.image_id = i.id WHERE i.project_id = $1`,
      [project.uuid],
    )
  )[0] as object;

async function rows(drives: (string | null)[], rest: object = {}) {
  const labels = drives.map((_, n) => `${project.name}-${n}`);
  await newPictures(db, labels);
  return labels.map((label, n) => ({
    ...{ sha256: digestOf(label), fileName: `${n}.jpg`, drive: drives[n] ?? null },
    ...rest,
  }));
}

const REGISTER = `mutation ($input: RegisterImagesInput!) { registerImages(input: $input) { created existing
  validation { checkedImages passed rules { rule { kind } failed examples { image { fileName } detail } } }
  userErrors { code message field } } }`;
const register = async (given: object[], allowInvalid?: boolean) =>
  (await service.ask(REGISTER, { input: { projectId: project.globalId, rows: given, allowInvalid } })).data
    .registerImages;

test('a batch with images that break a rule is refused, names each, and writes nothing', async () => {
  await setRules(db, project.uuid, [HAS_DRIVE, { ...INSIDE, severity: WARNING }]);
  const given = await rows(['d', null, 'd', null], { boxes: [light('RED', { x: -9 })] });
  const answer = await register(given);
  expect(answer).toMatchObject({ created: null, validation: null });
  expect(answer.userErrors).toEqual(
    [1, 3].map((n) => ({
      code: 'VALIDATION_FAILED',
      message: `${n}.jpg: belongs to no drive. That breaks the project's rule HAS_DRIVE, which 2 break here; mend it, allow it with allowInvalid, or change the rules (setValidationRules).`,
      field: ['rows', String(n)],
    })),
  );
  expect(await count()).toEqual({ images: 0, boxes: 0 });
  const good = await register([given[0]!, given[2]!]);
  expect(good).toMatchObject({
    ...{ created: 2, userErrors: [] },
    validation: { checkedImages: 2, passed: true, rules: [{ failed: 0 }, { failed: 2 }] },
  });
});

test('allowInvalid writes them, and the report says so; what the project has already is not judged again', async () => {
  await setRules(db, project.uuid, [HAS_DRIVE]);
  const given = await rows([null, 'd']);
  const answer = await register(given, true);
  expect(answer).toEqual({
    ...{ created: 2, existing: 0, userErrors: [] },
    validation: {
      ...{ checkedImages: 2, passed: false },
      rules: [
        {
          ...{ rule: { kind: 'HAS_DRIVE' }, failed: 1 },
          examples: [{ image: { fileName: '0.jpg' }, detail: 'belongs to no drive' }],
        },
      ],
    },
  });
  expect(await register(given)).toEqual({ created: 0, existing: 2, userErrors: [], validation: null });
});

test('a batch that breaks several rules on many images is refused with 20 errors at most', async () => {
  await setRules(db, project.uuid, [HAS_DRIVE, INSIDE, { ...HAS_DRIVE, kind: ValidationKind.HAS_TIME }]);
  const given = await rows(
    Array.from({ length: 30 }, () => null),
    { boxes: [light('RED', { x: -9 })] },
  );
  const { userErrors } = await register(given);
  expect(userErrors).toHaveLength(20);
  expect(await count()).toEqual({ images: 0, boxes: 0 });
});

test('CLASS_COUNT refuses no batch: the set is not complete', async () => {
  await setRules(db, project.uuid, [{ kind: ValidationKind.CLASS_COUNT, severity: ERROR, atLeast: 5 }]);
  expect(await register(await rows(['d'], { boxes: [light()] }))).toMatchObject({
    ...{ created: 1, userErrors: [] },
    validation: { passed: true, rules: [] },
  });
});

async function untilWaiting(of: string): Promise<void> {
  for (;;) {
    const waiting = await db.query(
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1",
      [`/* ${of} */%`],
    );
    if (waiting.length > 0) return;
    await nextTurn();
  }
}

test('rules that change wait for a batch that obeys the old ones', async () => {
  await setRules(db, project.uuid, []);
  const [row] = await rows([null]);
  const batch = db.createQueryRunner();
  await batch.startTransaction();
  await batch.query(
    `INSERT INTO image (id, project_id, sha256, file_name, width, height, darkness, brightness)
     VALUES (gen_random_uuid(), $1, $2, 'a', 1, 1, 0, 0)`,
    [project.uuid, row!.sha256],
  );
  let changed = false;
  const changing = setRules(db, project.uuid, [HAS_DRIVE]).then(() => (changed = true));
  await untilWaiting('validation.lock');
  expect(changed).toBe(false);
  await batch.commitTransaction();
  await batch.release();
  await changing;
  expect(await count()).toEqual({ images: 1, boxes: 0 });
});

test('a batch waits for rules that are being changed, and obeys the new ones', async () => {
  await setRules(db, project.uuid, []);
  const given = await rows([null]);
  const change = db.createQueryRunner();
  await change.startTransaction();
  await change.query('SELECT 1 FROM project WHERE id = $1 FOR UPDATE', [project.uuid]);
  await change.query('UPDATE project SET validation_rules = $2 WHERE id = $1', [
    project.uuid,
    JSON.stringify([HAS_DRIVE]),
  ]);
  const registering = codeOf(registerImages(db, project.uuid, given));
  await untilWaiting('image.holdProject');
  await change.commitTransaction();
  await change.release();
  expect(await registering).toBe('VALIDATION_FAILED');
  expect(await count()).toEqual({ images: 0, boxes: 0 });
});

test('whatever races, what was written after the answer to a change of rules obeys it', async () => {
  for (let round = 0; round < 15; round++) {
    project = await newProject(db);
    await setRules(db, project.uuid, []);
    const given = await rows(Array.from({ length: 8 }, () => null));
    let strict = 0;
    const works = given.map((row) =>
      registerImages(db, project.uuid, [row]).then(
        () => 1,
        () => 0,
      ),
    );
    void works.splice(
      round % 8,
      0,
      setRules(db, project.uuid, [HAS_DRIVE]).then(async () => {
        strict = ((await count()) as { images: number }).images;
        return 0;
      }),
    );
    const written = (await Promise.all(works)).reduce<number>((sum, one) => sum + one, 0);
    expect(await count()).toEqual({ images: written, boxes: 0 });
    // None came in once the rule stood.
    expect(strict).toBe(written);
  }
});
