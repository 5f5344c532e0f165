/** A model leaves only in forms that decide as the evaluated one does; what leaves is what TensorFlow.js loads. */
import { mkdtemp, readFile, rm, mkdir, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ShingoClient } from '../../../src/client/api.js';
import { runTask } from '../../../src/client/tasks.js';
import { Split } from '../../../src/catalog/vocabulary.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { writeLightSample } from '../../../src/use/export/sample.js';
import { entries } from '../../../src/platform/archive/index.js';
import { startEngine } from '../../../src/training/engines/index.js';
import { loadModel } from '../../../src/training/modelFiles.js';
import {
  BY_HUE,
  CLASSES,
  DROWNED,
  roads,
  storeHandMade,
  type RoadProject,
} from '../../support/lightModel.js';
import { storeAnswers } from '../../support/evaluation.js';
import { startTestService, type TestService } from '../../support/service.js';

let service: TestService;
let client: ShingoClient;
let folder: string;
let project: RoadProject;
let good: string;
let drowned: string;
beforeAll(async () => {
  service = await startTestService({ worker: true });
  client = new ShingoClient({ url: service.url });
  folder = await mkdtemp(join(tmpdir(), 'shingo-model-export-'));
  project = await roads(service, 'leaving', 60);
  good = await storeHandMade(service.services, project);
  drowned = await storeHandMade(service.services, { ...project, kernel: DROWNED });
  // 0 of 60 changed shows no more than that at most 6 % are.
  await service.ok(
    'mutation ($id: ID!) { createEvaluationProtocol(input: { projectId: $id, name: "export", task: LIGHT_STATE, maxChangedShare: 0.1 }) { userErrors { code } } }',
    { id: project.projectId },
  );
});
afterAll(async () => {
  await client.close();
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  import.meta.jest.spyOn(console, 'log').mockImplementation(() => undefined);
  import.meta.jest.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => import.meta.jest.restoreAllMocks());

const FIELDS = `dataId split engine task experiment { id } evaluation { n changed changedUpper maxScoreDifference evaluation { id } }
  variants { variant weightBytes verdict drift { n changed changedShare changedUpper maxScoreDifference referenceAccuracy accuracy accuracyDifference } }`;
const leave = (experimentUuid: string, input: object = {}) =>
  runTask<any>(client, {
    ...{ projectId: project.projectId, start: 'startModelExport' },
    input: { experimentId: toGlobalId('Experiment', experimentUuid), ...input },
    report: { type: 'ModelExportReport', fields: FIELDS },
  });

async function unpacked([file]: { url: string; name: string }[]): Promise<string> {
  const target = await mkdtemp(join(folder, 'unpacked-'));
  const zip = join(target, file!.name);
  await writeFile(zip, Buffer.from(await (await fetch(service.url + file!.url)).arrayBuffer()));
  for await (const { path, open } of entries(zip)) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await writeFile(join(target, path), await buffer(open()));
  }
  return target;
}

test('every form is compared, and the zip has them with a card that says how they compare', async () => {
  const { report, files } = await leave(good);
  expect(report.variants.map(({ variant }: { variant: string }) => variant)).toEqual([
    'LAYERS',
    'UINT8',
    'FLOAT16',
  ]);
  const [layers, uint8, float16] = report.variants;
  for (const { drift, verdict } of report.variants) {
    expect(verdict).toBe('OK');
    expect(drift).toMatchObject({
      n: 60,
      changed: 0,
      referenceAccuracy: 1,
      accuracy: 1,
      accuracyDifference: 0,
    });
    // Wilson's upper end of 0 of 60: z² / (n + z²).
    expect(drift.changedUpper).toBeCloseTo(3.8414588 / (60 + 3.8414588), 6);
  }
  expect(layers.drift.maxScoreDifference).toBe(0);
  expect(float16.drift.maxScoreDifference).toBeLessThan(0.001);
  expect(uint8.drift.maxScoreDifference).toBeGreaterThan(0);
  // 3 × 2 kernel values and 2 biases.
  expect(report.variants.map(({ weightBytes }: { weightBytes: number }) => weightBytes)).toEqual([
    32, 14, 20,
  ]);
  expect(report.evaluation).toBeNull();

  const target = await unpacked(files);
  const card = JSON.parse(await readFile(join(target, 'card.json'), 'utf8'));
  expect(card).toMatchObject({ dataId: report.dataId, classes: CLASSES, variants: report.variants });
  expect(await readFile(join(target, 'README.md'), 'utf8')).toContain(report.dataId);
  const engine = await startEngine('cpu');
  try {
    const { model, classes } = await loadModel(join(target, 'uint8'));
    expect(classes).toEqual(CLASSES);
    const kernel = (await model.getLayer('logits').getWeights()[0]!.array()) as number[][];
    kernel
      .flat()
      .forEach((value, at) => expect(Math.abs(value - BY_HUE.flat()[at]!)).toBeLessThanOrEqual(4.1 / 255));
    expect(kernel[2]![0]).toBe(0);
  } finally {
    await engine.release();
  }
});

/** Somebody else's program, which knows TensorFlow.js and nothing of this service. */
const ELSEWHERE = `import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
const model = await loadLayersModel(process.argv[1]);
const red = tf.concat([tf.ones([1, 16, 16, 1]), tf.mul(tf.ones([1, 16, 16, 2]), -1)], 3);
console.log(JSON.stringify((await model.predict(red).array())[0]));`;

test('what leaves is loaded over HTTP by TensorFlow.js itself', async () => {
  const { files } = await leave(good, { variants: ['FLOAT16'] });
  const target = await unpacked(files);
  const server = createServer((request, response) => {
    void readFile(join(target, request.url!)).then((bytes) => response.end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [
      ...['--input-type=module', '-e', ELSEWHERE],
      `http://127.0.0.1:${port}/float16/model.json`,
    ]);
    const scores = JSON.parse(stdout.trim().split('\n').at(-1)!) as number[];
    expect(CLASSES[scores.indexOf(Math.max(...scores))]).toBe('RED');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

async function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing',
    (error: { code?: string; message: string }) => `${error.code} ${error.message}`,
  );
}
const lastJob = async () =>
  (
    await service.db.query(
      `SELECT j.state, j.reason_code, j.report, (SELECT count(*)::int FROM job_file f WHERE f.job_id = j.id) AS files
       FROM job j ORDER BY j.queued_at DESC LIMIT 1`,
    )
  )[0];

test('a form that decides otherwise fails the job, and nothing is published', async () => {
  expect(await failure(leave(drowned))).toMatch(/EXPORT_DRIFT.*UINT8 changes 30 of 60/);
  expect(await lastJob()).toEqual({ state: 'FAILED', reason_code: 'EXPORT_DRIFT', report: null, files: 0 });
  const { report } = await leave(drowned, { variants: ['LAYERS'] });
  expect(report.variants[0].verdict).toBe('OK');
});

test('too few lights to show that it decides alike is no pass', async () => {
  expect(await failure(leave(good, { maxChangedShare: 0.01 }))).toMatch(/EXPORT_UNPROVEN.*0 of 60/);
  expect(await lastJob()).toMatchObject({ state: 'FAILED', files: 0 });
});

test('a bound on scores counts as well', async () => {
  expect(await failure(leave(good, { maxScoreDifference: 1e-9 }))).toMatch(/EXPORT_DRIFT.*UINT8/);
});

test('the stored model is held to what its evaluation says of the same lights', async () => {
  const { db } = service;
  const lights: { sha256: string; color: string }[] = await db.query(
    "SELECT sha256, annotations->0->>'color' AS color FROM dataset_item WHERE version_id = $1",
    [project.versionUuid],
  );
  const [{ model_id: modelUuid }] = await db.query('SELECT model_id FROM experiment WHERE id = $1', [good]);
  const evaluate = (wrong: number) =>
    storeAnswers(
      db,
      { ...project, modelUuid: modelUuid as string, experimentUuid: good, classes: CLASSES },
      lights.map(({ sha256, color }, n) => {
        const label = CLASSES.indexOf(color);
        const predicted = n < wrong ? 1 - label : label;
        return {
          id: `${sha256}:0`,
          label,
          predicted,
          scores: CLASSES.map((_, at) => (at === predicted ? 0.99 : 0.01)),
        };
      }),
    );
  const alike = await evaluate(0);
  const { report } = await leave(good, { variants: ['LAYERS'] });
  expect(report.evaluation).toMatchObject({
    n: 60,
    changed: 0,
    evaluation: { id: toGlobalId('Evaluation', alike) },
  });
  expect(report.evaluation.maxScoreDifference).toBeLessThan(0.1);
  await evaluate(20);
  expect(await failure(leave(good, { variants: ['LAYERS'] }))).toMatch(/EXPORT_DRIFT.*20 of 60/);
});

test('the same seed draws the same lights, and another seed others', async () => {
  const drawn = async (seed: number, size: number) => {
    const file = join(folder, `${seed}-${size}.jsonl`);
    const question = { versionUuid: project.versionUuid, split: Split.TEST, classes: CLASSES, seed, size };
    expect(await writeLightSample(service.services, question, file)).toBe(size);
    return (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id);
  };
  expect(await drawn(7, 40)).toEqual(await drawn(7, 40));
  expect((await drawn(7, 40)).slice(0, 10)).toEqual(await drawn(7, 10));
  expect(await drawn(8, 40)).not.toEqual(await drawn(7, 40));
});

test('a retry is the same job, though the protocol has a newer and tighter version by then', async () => {
  const start = async (input: object = {}) =>
    (
      await service.ask(
        `mutation ($input: StartModelExportInput!) { startModelExport(input: $input) { job { id } userErrors { code } } }`,
        { input: { experimentId: toGlobalId('Experiment', good), idempotencyKey: 'again', ...input } },
      )
    ).data.startModelExport;
  const first = await start({ maxChangedShare: 0.05 });
  expect(first.userErrors).toEqual([]);
  const { nodes } = (
    await service.ok(
      `query ($id: ID!) { evaluationProtocols(projectId: $id, where: { task: { eq: LIGHT_STATE } }) { nodes { id } } }`,
      { id: project.projectId },
    )
  ).evaluationProtocols;
  await service.ok(
    `mutation ($id: ID!) { updateEvaluationProtocol(input: { id: $id, maxChangedShare: 0.01 }) { userErrors { code } } }`,
    { id: nodes[0].id },
  );
  expect(await start({ maxChangedShare: 0.05 })).toEqual(first);
  expect((await start()).userErrors[0].code).toBe('CONFLICT');
  // Back to what the other tests take for granted.
  await service.ok(
    `mutation ($id: ID!) { updateEvaluationProtocol(input: { id: $id, maxChangedShare: 0.1 }) { userErrors { code } } }`,
    { id: nodes[0].id },
  );
});

test('what cannot be exported is refused before there is a job', async () => {
  const start = (input: object) =>
    service.ask(
      `mutation ($input: StartModelExportInput!) { startModelExport(input: $input) { job { id } userErrors { code field } } }`,
      {
        input: {
          experimentId: toGlobalId('Experiment', good),
          idempotencyKey: String(Math.random()),
          ...input,
        },
      },
    );
  const code = async (input: object) => (await start(input)).data.startModelExport.userErrors[0]?.code;
  expect(await code({ variants: [] })).toBe('BAD_USER_INPUT');
  expect(await code({ sample: 0 })).toBe('BAD_USER_INPUT');
  expect(await code({ maxChangedShare: 2 })).toBe('BAD_USER_INPUT');
  // Looser than the protocol's 0.1.
  expect(await code({ maxChangedShare: 0.11 })).toBe('BAD_USER_INPUT');
  expect(await code({ maxScoreDifference: -1 })).toBe('BAD_USER_INPUT');
  expect(await code({ seed: -1 })).toBe('BAD_USER_INPUT');
  await service.db.query("UPDATE experiment SET state = 'RUNNING' WHERE id = $1", [drowned]);
  expect(await code({ experimentId: toGlobalId('Experiment', drowned) })).toBe('EXPERIMENT_NOT_TRAINED');
});
