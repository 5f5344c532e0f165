/**
 * Many hosts, as docs/operating.md says: two API processes that migrate an empty database at once, three workers, one
 * PostgreSQL, one blob store (a bucket of a real S3 server where there is one, else a folder that all have). Each
 * process has a data folder of its own, as on hosts of their own.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import sharp from 'sharp';
import { admin, serverUrl } from '../support/database.js';
import { INHERITED } from '../support/inherited.js';
import { NO_S3, openObjectStore, type ObjectStore } from '../support/objectStore.js';
import { until } from '../faults/world.js';

interface Member {
  /** Of an API. */
  url: string;
  process: ChildProcess;
  exit: Promise<number | null>;
  output(): string;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const database = `fleet_${randomBytes(6).toString('hex')}`;
const running: ChildProcess[] = [];
let folder: string;
let store: ObjectStore | null;
let shared: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shingo-fleet-'));
  await admin(`CREATE DATABASE ${database}`);
  store = NO_S3 === null ? await openObjectStore() : null;
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  shared = {
    SHINGO_DATABASE_URL: url.href,
    SHINGO_BLOB_URL: store?.url ?? join(folder, 'shared'),
    SHINGO_UPLOAD_KEY: randomBytes(32).toString('hex'),
    SHINGO_API_KEYS: 'a-key-of-the-tests',
    AWS_ACCESS_KEY_ID: process.env.AWS_ACCESS_KEY_ID ?? '',
    AWS_SECRET_ACCESS_KEY: process.env.AWS_SECRET_ACCESS_KEY ?? '',
  };
}, 60_000);
afterAll(async () => {
  const alive = running.filter((child) => child.exitCode === null && child.signalCode === null);
  await Promise.all(
    alive.map((child) => new Promise((gone) => (child.once('exit', gone), child.kill('SIGKILL')))),
  );
  await store?.stop();
  await admin(`DROP DATABASE ${database} WITH (FORCE)`);
  await rm(folder, { recursive: true, force: true });
}, 60_000);

function start(command: 'serve' | 'work', host: string): Promise<Member> {
  const child = spawn(process.execPath, ['dist/src/main.js', command], {
    env: {
      ...{ ...INHERITED, ...shared },
      ...{ SHINGO_DATA_DIR: join(folder, host), SHINGO_WORKER_NAME: host },
      ...{ SHINGO_PORT: '0', SHINGO_ENGINE: 'wasm' },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let output = '';
  const exit = new Promise<number | null>((ended) => child.on('exit', ended));
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const said = /Shingo's API is at (\S+)|Shingo works/.exec(output);
        if (said) resolve({ url: said[1] ?? '', process: child, exit, output: () => output });
      });
    void exit.then((code) => reject(new Error(`${host}: exit ${code}: ${output}`)));
  });
}

const KEY = { authorization: 'Bearer a-key-of-the-tests' };

async function ask(api: Member, query: string, variables: object = {}): Promise<any> {
  const answer = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...KEY },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await answer.json()) as { data: any; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  for (const payload of Object.values<any>(data))
    if (payload?.userErrors?.length > 0) throw new Error(JSON.stringify(payload.userErrors));
  return data;
}

async function picture(index: number): Promise<Buffer> {
  const background = index % 2 ? { r: 200, g: 30 + index, b: 30 } : { r: 30, g: 200, b: 30 + index };
  return sharp({ create: { width: 24, height: 48, channels: 3, background } })
    .png()
    .toBuffer();
}

const put = (api: Member, bytes: Buffer) =>
  fetch(`${api.url}/blobs/${sha256(bytes)}`, {
    method: 'PUT',
    body: new Uint8Array(bytes),
    headers: { 'content-type': 'image/png', ...KEY },
  });

/** Lights of two colours, sent to both APIs by turns, and a version of them. */
async function prepare(apis: [Member, Member]): Promise<{ version: string; model: string }> {
  await ask(apis[0], 'mutation { createProject(input: {name: "p"}) { userErrors { code } } }');
  const rows = [];
  for (let index = 0; index < 40; index++) {
    const bytes = await picture(index);
    expect((await put(apis[index % 2] as Member, bytes)).status).toBe(201);
    const box = { category: 'TRAFFIC_LIGHT', x: 0, y: 0, width: 0, height: 0, wholeImage: true };
    const boxes = [{ ...box, color: index % 2 ? 'RED' : 'GREEN' }];
    rows.push({ sha256: sha256(bytes), fileName: `${index}.png`, boxes });
  }
  await ask(
    apis[1],
    'mutation($rows: [RegisterImageRow!]!) { registerImages(input: {projectId: "p", rows: $rows}) { created userErrors { code message } } }',
    { rows },
  );
  const { createDataset, createModel } = await ask(
    apis[0],
    `mutation { createDataset(input: {projectId: "p", name: "d"}) { dataset { id } userErrors { code } }
      createModel(input: {projectId: "p", name: "m"}) { model { id } userErrors { code } } }`,
  );
  const { createDatasetVersion } = await ask(
    apis[1],
    'mutation($id: ID!) { createDatasetVersion(input: {datasetId: $id, maxLeakShare: 1}) { datasetVersion { id } userErrors { code message } } }',
    { id: createDataset.dataset.id },
  );
  return { version: createDatasetVersion.datasetVersion.id, model: createModel.model.id };
}

const epochs = async (api: Member): Promise<number[]> => {
  const { experiment } = await ask(
    api,
    '{ experiment(id: "p/run") { metrics(names: ["loss"]) { step split } } }',
  );
  return experiment.metrics.filter((m: any) => m.split === 'TRAIN').map((m: any) => m.step);
};
const jobOf = async (api: Member, id: string) =>
  (
    await ask(api, 'query($id: ID!) { job(id: $id) { state attempt worker reason { code message } } }', {
      id,
    })
  ).job;

/** A file in two pieces, each to another API. */
async function uploadInPieces([one, two]: [Member, Member]): Promise<void> {
  const bytes = randomBytes(300_000);
  const { createUpload } = await ask(
    one,
    `mutation($input: CreateUploadInput!) { createUpload(input: $input) { upload { id url } userErrors { code message } } }`,
    {
      input: {
        ...{ projectId: 'p', fileName: 'a.bin', mediaType: 'application/octet-stream' },
        ...{ bytes: bytes.length, sha256: sha256(bytes) },
      },
    },
  );
  const send = (api: Member, from: number, end: number) =>
    fetch(new URL(createUpload.upload.url, api.url), {
      method: 'PATCH',
      headers: { 'upload-offset': String(from) },
      body: new Uint8Array(bytes.subarray(from, end)),
    });
  expect((await send(one, 0, 100_000)).status).toBe(204);
  expect((await send(two, 100_000, bytes.length)).status).toBe(204);
  const { completeUpload } = await ask(
    one,
    'mutation($id: ID!) { completeUpload(input: {uploadId: $id}) { upload { completedAt } userErrors { code message } } }',
    { id: createUpload.upload.id },
  );
  expect(completeUpload.upload.completedAt).not.toBeNull();
}

test('docs/operating.md names every setting that this fleet is started with', async () => {
  const page = await readFile('docs/operating.md', 'utf8');
  const settings = parseEnv(/```sh\n# \/etc\/shingo\.env\n(.*?)```/s.exec(page)?.[1] ?? '');
  expect(Object.keys(settings).sort()).toEqual(Object.keys(shared).sort());
});

test(`two APIs and three workers on one PostgreSQL and ${NO_S3 === null ? 'one S3 bucket' : `one folder (${NO_S3})`}: a worker and an API killed, the store away for a while, and nothing is lost`, async () => {
  const apis: [Member, Member] = await Promise.all([start('serve', 'api-1'), start('serve', 'api-2')]);
  const workers: Record<string, Member> = {};
  for (const host of ['worker-1', 'worker-2', 'worker-3']) workers[host] = await start('work', host);
  const { version, model } = await prepare(apis);
  await uploadInPieces(apis);
  const { startTraining } = await ask(
    apis[0],
    `mutation($v: ID!, $m: ID!) { startTraining(input: {datasetVersionId: $v, modelId: $m, name: "run", idempotencyKey: "k",
      parameters: {epochs: 8, patience: null, batchSize: 4, inputSize: 32}}) { job { id } userErrors { code message } } }`,
    { v: version, m: model },
  );
  const job = startTraining.job.id as string;
  await until(async () => (await epochs(apis[1])).length >= 2, 60_000);
  if (store?.server) {
    await store.server.kill();
    const refused = await put(apis[0], await picture(41));
    expect([refused.status, (await refused.json()).code]).toEqual([503, 'BLOB_STORE_UNAVAILABLE']);
    await store.server.start();
    expect((await put(apis[0], await picture(41))).status).toBe(201);
  }
  await until(async () => (await epochs(apis[1])).length >= 4, 60_000);
  const before = await jobOf(apis[1], job);
  expect(before.attempt).toBe(1);
  workers[before.worker]!.process.kill('SIGKILL');
  apis[0].process.kill('SIGKILL');
  const ended = await until(async () => {
    const now = await jobOf(apis[1], job);
    return ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(now.state) ? now : null;
  }, 120_000);
  expect(ended).toMatchObject({ state: 'SUCCEEDED', attempt: 2 });
  expect(ended.worker).not.toBe(before.worker);
  // Every epoch once, whoever trained it.
  expect(await epochs(apis[1])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);

  const { startEvaluation } = await ask(
    apis[1],
    `mutation($v: ID!) { startEvaluation(input: {experimentId: "p/run", datasetVersionId: $v, split: TEST, weights: BEST,
      idempotencyKey: "e"}) { job { id } userErrors { code message } } }`,
    { v: version },
  );
  const again = await start('serve', 'api-1');
  await until(async () => (await jobOf(again, startEvaluation.job.id)).state === 'SUCCEEDED', 60_000);
  const { experiment } = await ask(
    again,
    '{ experiment(id: "p/run") { evaluations { conditions { n } } artifacts { sha256 url } } }',
  );
  expect(experiment.evaluations[0].conditions[0].n).toBeGreaterThan(0);
  expect(experiment.artifacts.length).toBeGreaterThan(4);
  for (const artifact of experiment.artifacts) {
    const bytes = Buffer.from(
      await (await fetch(new URL(artifact.url, again.url), { headers: KEY })).arrayBuffer(),
    );
    expect(sha256(bytes)).toBe(artifact.sha256);
  }
  const { url } = experiment.artifacts[0];
  const part = await fetch(new URL(url, again.url), { headers: { ...KEY, range: 'bytes=1-3' } });
  expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 3]);

  const left = [
    apis[1],
    again,
    ...Object.values(workers).filter(({ process }) => process.signalCode === null),
  ];
  for (const { process } of left) process.kill('SIGTERM');
  expect(await Promise.all(left.map(({ exit }) => exit))).toEqual([0, 0, 0, 0]);
  for (const { output } of [...apis, ...left])
    expect(output()).not.toContain(shared.AWS_SECRET_ACCESS_KEY || 'no secret here');
}, 300_000);
