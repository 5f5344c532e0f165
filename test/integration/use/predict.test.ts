/** A model is asked about a picture: what it says, and what can go wrong without anything else going wrong. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toGlobalId } from '../../../src/graphql/node.js';
import { startEngine } from '../../../src/training/engines/index.js';
import { tf } from '../../../src/training/tensorflow.js';
import { Models, MOST_MODELS } from '../../../src/use/predict/models.js';
import { predictors } from '../../../src/use/predict/predictors.js';
import {
  road,
  roads,
  send,
  storeHandMade,
  writeHandMade,
  type RoadProject,
} from '../../support/lightModel.js';
import { sha256, startTestService, type TestService } from '../../support/service.js';
import { stableCode } from '../graphql/support/answers.js';

let service: TestService;
let project: RoadProject;
let experimentId: string;
beforeAll(async () => {
  service = await startTestService();
  project = await roads(service, 'asked', 4);
  experimentId = toGlobalId('Experiment', await storeHandMade(service.services, project));
});
afterAll(async () => {
  predictors.stop();
  await service.stop();
});

const ASK = `query ($experimentId: ID!, $imageId: ID, $uploadId: ID, $sha256: String, $boxes: [PredictBoxInput!]) {
  predict(experimentId: $experimentId, imageId: $imageId, uploadId: $uploadId, sha256: $sha256, boxes: $boxes) {
    task engine sha256 milliseconds computeMilliseconds experiment { id } image { fileName }
    lights { color score scores { color score } box { x y width height } annotation { id color } } } }`;
const ask = (variables: object) => service.ask(ASK, { experimentId, ...variables });

async function imageOf(fileName: string): Promise<string> {
  const rows = await service.db.query('SELECT id FROM image WHERE project_id = $1 AND file_name = $2', [
    project.projectUuid,
    fileName,
  ]);
  return toGlobalId('Image', rows[0].id as string);
}

test.each([
  ['0.png', 'GREEN'],
  ['1.png', 'RED'],
])('the light of %s is %s', async (fileName, color) => {
  const { predict } = (await ask({ imageId: await imageOf(fileName) })).data;
  expect(predict).toMatchObject({ task: 'LIGHT_STATE', engine: 'wasm', experiment: { id: experimentId } });
  expect(predict.image.fileName).toBe(fileName);
  const [light] = predict.lights;
  expect(predict.lights).toHaveLength(1);
  expect(light).toMatchObject({ color, annotation: { color }, box: { x: 10, y: 10, width: 20, height: 20 } });
  expect(light.scores.map((one: { color: string }) => one.color)).toEqual(['GREEN', 'RED']);
  expect(light.scores.reduce((sum: number, one: { score: number }) => sum + one.score, 0)).toBeCloseTo(1, 5);
  expect(light.score).toBe(Math.max(...light.scores.map((one: { score: number }) => one.score)));
  expect(predict.milliseconds).toBeGreaterThan(predict.computeMilliseconds);
});

test('a picture that is no image of a project: the whole of it, or the boxes of the question', async () => {
  const lights = [
    { color: 'RED' as const, x: 2, y: 2 },
    { color: 'GREEN' as const, x: 60, y: 30 },
  ];
  const digest = await send(service, await road(lights, 17));
  const box = (x: number, y: number) => ({ x, y, width: 20, height: 20 });
  const { predict } = (await ask({ sha256: digest, boxes: [box(60, 30), box(2, 2)] })).data;
  expect(predict.lights.map(({ color }: { color: string }) => color)).toEqual(['GREEN', 'RED']);
  expect(predict.lights[0].annotation).toBeNull();
  const { predict: whole } = (await ask({ sha256: digest })).data;
  expect(whole.lights.map(({ box: none }: { box: null }) => none)).toEqual([null]);
});

/** @param complete false: its bytes have arrived, and nobody has said so */
async function uploaded(bytes: Buffer, projectId = project.projectId, complete = true): Promise<string> {
  const input = {
    ...{ projectId, fileName: 'a.png', mediaType: 'image/png' },
    ...{ bytes: bytes.length, sha256: sha256(bytes) },
  };
  const { createUpload } = await service.ok(
    `mutation ($input: CreateUploadInput!) { createUpload(input: $input) { upload { id url } userErrors { code } } }`,
    { input },
  );
  const { id, url } = createUpload.upload;
  await fetch(service.url + url, { method: 'PUT', body: new Uint8Array(bytes) });
  if (complete)
    await service.ok(
      `mutation ($id: ID!) { completeUpload(input: { uploadId: $id }) { userErrors { code } } }`,
      { id },
    );
  return id;
}

test('a picture that was uploaded; what is none is refused for what it is', async () => {
  const picture = await road([{ color: 'GREEN', x: 4, y: 4 }], 41);
  const boxes = [{ x: 4, y: 4, width: 20, height: 20 }];
  const { predict } = (await ask({ uploadId: await uploaded(picture), boxes })).data;
  expect(predict).toMatchObject({ sha256: sha256(picture), image: null, lights: [{ color: 'GREEN' }] });
  const code = async (uploadId: string) => stableCode(await ask({ uploadId, boxes }));
  expect(await code(await uploaded(picture.subarray(0, 200)))).toBe('PICTURE_TRUNCATED');
  expect(await code(await uploaded(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')))).toBe(
    'PICTURE_UNSUPPORTED',
  );
  const unfinished = await road([{ color: 'RED', x: 4, y: 4 }], 42);
  expect(await code(await uploaded(unfinished, project.projectId, false))).toBe('UPLOAD_INCOMPLETE');
  const elsewhere = await roads(service, 'elsewhere', 2);
  expect(await code(await uploaded(picture, elsewhere.projectId))).toBe('OTHER_PROJECT');
  expect(await code(experimentId)).toBe('INVALID_ID');
  expect(stableCode(await ask({ uploadId: await uploaded(picture), sha256: sha256(picture) }))).toBe(
    'BAD_USER_INPUT',
  );
});

test('what cannot be asked is refused with what to do', async () => {
  const imageId = await imageOf('0.png');
  const box = { x: 0, y: 0, width: 5, height: 5 };
  expect(stableCode(await ask({}))).toBe('BAD_USER_INPUT');
  expect(stableCode(await ask({ imageId, sha256: 'a'.repeat(64) }))).toBe('BAD_USER_INPUT');
  expect(stableCode(await ask({ imageId, boxes: [] }))).toBe('BAD_USER_INPUT');
  expect(stableCode(await ask({ imageId, boxes: [{ ...box, width: 0 }] }))).toBe('BAD_USER_INPUT');
  expect(stableCode(await ask({ sha256: 'a'.repeat(64) }))).toBe('BLOB_MISSING');
  expect(stableCode(await ask({ sha256: '../../etc/passwd' }))).toBe('BLOB_MISSING');
  expect(stableCode(await ask({ imageId, boxes: [{ ...box, x: 5000 }] }))).toBe('BOX_OUTSIDE_PICTURE');
  const other = await roads(service, 'other', 2);
  const [{ id }] = await service.db.query('SELECT id FROM image WHERE project_id = $1 LIMIT 1', [
    other.projectUuid,
  ]);
  expect(stableCode(await ask({ imageId: toGlobalId('Image', id) }))).toBe('OTHER_PROJECT');
  await service.db.query(
    "DELETE FROM annotation WHERE image_id = (SELECT id FROM image WHERE project_id = $1 AND file_name = '3.png')",
    [project.projectUuid],
  );
  expect(stableCode(await ask({ imageId: await imageOf('3.png') }))).toBe('LIGHTS_MISSING');
});

/** Into the store behind its back: PUT /blobs would refuse it. */
async function smuggle(bytes: Buffer): Promise<string> {
  const digest = sha256(bytes);
  const good = await send(service, await road([{ color: 'RED', x: 1, y: 1 }], 99));
  await service.db.query(
    `INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness)
     SELECT $2, media_type, bytes, width, height, darkness, brightness FROM picture WHERE sha256 = $1`,
    [good, digest],
  );
  const path = service.services.blobs.path(digest);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return digest;
}

test('a broken picture is refused, and the next question is answered', async () => {
  expect(stableCode(await ask({ sha256: await smuggle(Buffer.from('no picture at all')) }))).toBe(
    'PICTURE_UNREADABLE',
  );
  expect((await ask({ imageId: await imageOf('0.png') })).data.predict.lights[0].color).toBe('GREEN');
});

test('a process that dies takes its question with it and nothing else', async () => {
  await ask({ imageId: await imageOf('0.png') });
  const imageId = await imageOf('1.png');
  const before = predictors.pids;
  expect(before.length).toBeGreaterThan(0);
  for (const pid of before) process.kill(pid, 'SIGSTOP');
  const questions = [ask({ imageId }), ask({ imageId })];
  for (const pid of before) process.kill(pid, 'SIGKILL');
  const codes = (await Promise.all(questions)).map(
    (answer) => answer.errors?.[0]?.extensions.code ?? 'answered',
  );
  for (const code of codes) expect(['PREDICTION_FAILED', 'answered']).toContain(code);
  expect((await ask({ imageId })).data.predict.lights[0].color).toBe('RED');
});

test('more questions than may wait are refused at once, and those that wait are answered', async () => {
  const imageId = await imageOf('1.png');
  await Promise.all([ask({ imageId }), ask({ imageId })]);
  const held = predictors.pids;
  for (const pid of held) process.kill(pid, 'SIGSTOP');
  let answered = 0;
  const questions = Array.from({ length: 90 }, () => ask({ imageId }).finally(() => (answered += 1)));
  // 64 wait, and at most two are with a process.
  while (answered < 90 - 64 - 2) await new Promise((resolve) => setTimeout(resolve, 10));
  for (const pid of held) process.kill(pid, 'SIGCONT');
  const answers = await Promise.all(questions);
  const codes = answers.map((answer) => answer.errors?.[0]?.extensions.code ?? 'answered');
  expect(new Set(codes)).toEqual(new Set(['answered', 'MODEL_BUSY']));
  expect(codes.filter((code) => code === 'answered').length).toBeGreaterThanOrEqual(64);
});

test('models in memory are few, and the one unused for longest goes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-models-'));
  const names = ['model.json', 'weights.bin', 'classes.json', 'preprocessing.json'];
  const filesOf = async (n: number) => {
    await writeHandMade(join(folder, String(n)), [
      [n, -n],
      [-n, n],
      [0, 0],
    ]);
    return Object.fromEntries(names.map((name) => [name, join(folder, String(n), name)]));
  };
  const files = [];
  for (let n = 1; n <= MOST_MODELS + 2; n++) files.push(await filesOf(n));
  const engine = await startEngine('cpu');
  try {
    const models = new Models();
    const first = await models.get('LIGHT_STATE', files[0]!);
    const tensors = tf.memory().numTensors;
    for (const one of files.slice(1)) {
      expect(await models.get('LIGHT_STATE', files[0]!)).toBe(first);
      await models.get('LIGHT_STATE', one);
    }
    expect(models.size).toBe(MOST_MODELS);
    expect(await models.get('LIGHT_STATE', files[0]!)).toBe(first);
    expect(tf.memory().numTensors).toBeLessThanOrEqual(tensors * MOST_MODELS);
  } finally {
    await engine.release();
    await rm(folder, { recursive: true, force: true });
  }
});
