/** A model's colours over many images: a person's labels stay as they are, and doing it again changes nothing. */
import { writeFile } from 'node:fs/promises';
import { ShingoClient } from '../../../src/client/api.js';
import { runTask } from '../../../src/client/tasks.js';
import { insertAnnotations } from '../../../src/catalog/annotation/annotationService.js';
import type { WalkCheckpoint } from '../../../src/catalog/enrichment/walk.js';
import { AnnotationSource, Category } from '../../../src/catalog/vocabulary.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import {
  batchPrediction,
  type BatchPredictionReport,
  type BatchPredictionRequest,
} from '../../../src/use/batch/batchPrediction.js';
import { writeColors } from '../../../src/use/batch/colors.js';
import { roads, storeHandMade, type RoadProject } from '../../support/lightModel.js';
import { startTestService, type TestService } from '../../support/service.js';
import { plainTask } from '../../support/task.js';
import { stableCode } from '../graphql/support/answers.js';

type Checkpoint = WalkCheckpoint<BatchPredictionReport>;

const IMAGES = 70;
let service: TestService;
let project: RoadProject;
let experimentUuid: string;
beforeAll(async () => {
  service = await startTestService({ worker: true });
  project = await roads(service, 'batch', IMAGES);
  experimentUuid = await storeHandMade(service.services, project);
});
afterAll(() => service.stop());

async function run(
  request: Partial<BatchPredictionRequest> = {},
  options: Partial<Parameters<typeof plainTask<Checkpoint>>[1]> = {},
) {
  const { db, blobs } = service.services;
  await using task = await plainTask<Checkpoint>(db, { blobs, ...options });
  const asked = { projectUuid: project.projectUuid, experimentUuid, minScore: 0.5, ...request };
  const report = await batchPrediction(task, asked).catch((error: Error) => error);
  return { report: report as BatchPredictionReport, kept: task.kept };
}

const annotations = (source: string): Promise<Record<string, unknown>[]> =>
  service.db.query(
    `SELECT a.* FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1 AND a.source = $2 ORDER BY a.id`,
    [project.projectUuid, source],
  );
const images = (): Promise<Record<string, unknown>[]> =>
  service.db.query('SELECT * FROM image WHERE project_id = $1 ORDER BY id', [project.projectUuid]);
const forget = () =>
  service.db.query(
    "DELETE FROM annotation a USING image i WHERE i.id = a.image_id AND i.project_id = $1 AND a.source = 'MODEL'",
    [project.projectUuid],
  );

test("what it reads of a person's lights stands beside them, and they stay as they are", async () => {
  const [labels, before] = [await annotations('LABEL'), await images()];
  const { report } = await run();
  expect(report).toMatchObject({
    images: IMAGES,
    changed: IMAGES,
    unchanged: 0,
    skipped: [],
    failed: [],
    engine: 'wasm',
  });
  expect(report.lights).toEqual([
    { color: 'GREEN', count: IMAGES / 2 },
    { color: 'RED', count: IMAGES / 2 },
  ]);
  expect(await annotations('LABEL')).toEqual(labels);
  expect(await images()).toEqual(before);
  const read = await annotations('MODEL');
  expect(read).toHaveLength(IMAGES);
  const byImage = new Map(labels.map((label) => [label.image_id, label]));
  for (const one of read) {
    const { color, x, y, width, height } = byImage.get(one.image_id)!;
    expect(one).toMatchObject({ color, x, y, width, height, category: 'TRAFFIC_LIGHT' });
    expect(one.score).toBeGreaterThan(0.5);
  }
});

test('doing it again writes nothing', async () => {
  const before = await annotations('MODEL');
  const { report } = await run();
  expect(report).toMatchObject({ images: IMAGES, changed: 0, unchanged: IMAGES, lights: [] });
  expect(await annotations('MODEL')).toEqual(before);
});

test('a colour that it is not sure of is UNKNOWN, and replaces what it said before', async () => {
  const { report } = await run({ minScore: 0.9999, where: { fileName: { in: ['0.png', '1.png'] } } });
  expect(report).toMatchObject({ images: 2, changed: 2, lights: [{ color: 'UNKNOWN', count: 2 }] });
  expect(await annotations('MODEL')).toHaveLength(IMAGES);
  const unsure = (await annotations('MODEL')).filter(({ color }) => color === 'UNKNOWN');
  expect(unsure).toHaveLength(2);
});

test('cut off after a page it goes on behind it, and ends where an uninterrupted one does', async () => {
  await forget();
  const controller = new AbortController();
  const { report: cut, kept } = await run(
    {},
    { signal: controller.signal, onCommit: () => controller.abort() },
  );
  expect((cut as unknown as Error).name).toBe('AbortError');
  expect(kept!.report.images).toBe(64);
  expect(await annotations('MODEL')).toHaveLength(64);
  const { report } = await run({}, { checkpoint: kept });
  expect(report).toMatchObject({ images: IMAGES, changed: IMAGES });
  expect(await annotations('MODEL')).toHaveLength(IMAGES);
});

describe('where only a model has looked', () => {
  let imageUuid: string;
  beforeAll(async () => {
    const { db } = service;
    [{ id: imageUuid }] = await db
      .query(
        `UPDATE image SET counts_source = NULL, people = NULL, cars = NULL, bicycles = NULL, buses = NULL,
         traffic_lights = NULL WHERE project_id = $1 AND file_name = '5.png' RETURNING id`,
        [project.projectUuid],
      )
      .then(([rows]: [{ id: string }[]]) => rows);
    await db.query('DELETE FROM annotation WHERE image_id = $1', [imageUuid]);
    await db.query(
      `UPDATE image SET counts_source = NULL, people = NULL, cars = NULL, bicycles = NULL, buses = NULL,
         traffic_lights = NULL WHERE id = $1`,
      [imageUuid],
    );
    await db.transaction((manager) =>
      insertAnnotations(manager, [
        {
          ...{ imageUuid, category: Category.TRAFFIC_LIGHT, x: 9, y: 9, width: 22, height: 22 },
          source: AnnotationSource.MODEL,
          score: 0.4,
        },
        {
          ...{ imageUuid, category: Category.CAR, x: 50, y: 9, width: 22, height: 22 },
          source: AnnotationSource.MODEL,
          score: 0.6,
        },
      ]),
    );
  });
  const own = () =>
    service.db.query('SELECT * FROM annotation WHERE image_id = $1 ORDER BY category', [imageUuid]);

  test('its light takes its colour itself, and its car stays', async () => {
    const [car, found] = await own();
    const { report } = await run({ where: { fileName: { eq: '5.png' } } });
    expect(report).toMatchObject({ changed: 1, lights: [{ color: 'RED', count: 1 }] });
    const [carAfter, after] = await own();
    expect(carAfter).toEqual(car);
    expect(after).toEqual({ ...found, color: 'RED', score: expect.any(Number) });
    expect(after.score).toBeGreaterThan(0.5);
    expect((await run({ where: { fileName: { eq: '5.png' } } })).report).toMatchObject({ unchanged: 1 });
  });

  test('a light that was moved since it was looked at is left alone', async () => {
    const [, found] = await own();
    const { id, x, y, width, height } = found;
    const light = { id, image_id: imageUuid, x: x + 1, y, width, height, color: null, score: null };
    const reading = { light, color: 'GREEN' as never, score: 0.9 };
    const written = await service.db.transaction((manager) =>
      writeColors(manager, [{ id: imageUuid, source: AnnotationSource.MODEL, readings: [reading] }]),
    );
    expect(written).toEqual([]);
    expect((await own())[1]).toEqual(found);
  });
});

test('a picture that does not decode, and an image without a light, are told apart and stop nothing', async () => {
  const { db, blobs } = service.services;
  const [{ sha256 }] = await db.query(
    "SELECT sha256 FROM image WHERE project_id = $1 AND file_name = '7.png'",
    [project.projectUuid],
  );
  await writeFile(blobs.path(sha256), 'no picture');
  await db.query(
    "DELETE FROM annotation WHERE image_id = (SELECT id FROM image WHERE project_id = $1 AND file_name = '8.png')",
    [project.projectUuid],
  );
  const { report } = await run();
  expect(report.skipped).toEqual([
    { reason: 'NO_LIGHT', count: 1 },
    { reason: 'PICTURE_UNREADABLE', count: 1 },
  ]);
  expect(report.failed).toMatchObject([{ fileName: '7.png', reason: 'PICTURE_UNREADABLE' }]);
  expect(report.images).toBe(IMAGES);
});

test('as a job it reports what it did, and what cannot be meant is refused before there is one', async () => {
  const client = new ShingoClient({ url: service.url });
  const { log, error } = console;
  Object.assign(console, { log: () => undefined, error: () => undefined });
  try {
    const experimentId = toGlobalId('Experiment', experimentUuid);
    const { report } = await runTask<any>(client, {
      ...{ projectId: project.projectId, start: 'startBatchPrediction' },
      input: { experimentId, where: { fileName: { eq: '9.png' } }, minScore: 0 },
      report: {
        type: 'BatchPredictionReport',
        fields: 'images changed unchanged engine experiment { id } lights { color count }',
      },
    });
    expect(report).toMatchObject({ images: 1, engine: 'wasm', experiment: { id: experimentId } });
    const start = (input: object) =>
      service.ask(
        'mutation ($input: StartBatchPredictionInput!) { startBatchPrediction(input: $input) { job { id } userErrors { code } } }',
        { input: { experimentId, idempotencyKey: String(Math.random()), ...input } },
      );
    expect((await start({ minScore: 2 })).data.startBatchPrediction.userErrors[0].code).toBe(
      'BAD_USER_INPUT',
    );
    expect(
      (await start({ where: { condition: 'nowhere' } })).data.startBatchPrediction.userErrors[0].code,
    ).toBe('CONDITION_UNKNOWN');
    expect(stableCode(await start({ experimentId: project.projectId }))).toBe('INVALID_ID');
  } finally {
    Object.assign(console, { log, error });
    await client.close();
  }
});
