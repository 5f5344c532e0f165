/** `shingo up` as a person runs it: a process of its own, stopped with Ctrl-C, started again. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { INHERITED } from '../support/inherited.js';
import { sha256 } from '../support/service.js';
import { until } from '../faults/world.js';
import { subscribe } from '../support/foreignClient.js';

interface Up {
  url: string;
  process: ChildProcess;
  exit: Promise<{ code: number | null; output: string }>;
  /** When it has said that it stops. */
  stopping: Promise<void>;
}

let dataDir: string;
const running: ChildProcess[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'shingo-up-'));
  await chmod(dataDir, 0o755);
});
afterAll(async () => {
  for (const child of running) if (child.exitCode === null) child.kill('SIGKILL');
  await rm(dataDir, { recursive: true, force: true });
});

function up(env: Record<string, string> = {}): Promise<Up> {
  const child = spawn(process.execPath, ['dist/src/main.js', 'up'], {
    env: {
      ...INHERITED,
      SHINGO_DATA_DIR: dataDir,
      SHINGO_PORT: '0',
      SHINGO_ENGINE: 'wasm',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, so that a Ctrl-C can be sent to all of it as a terminal does.
    detached: true,
  });
  running.push(child);
  let output = '';
  const stopping = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes('stopping: work in progress')) resolve();
      });
    }
  });
  const exit = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.on('exit', (code) => resolve({ code, output })),
  );
  return new Promise((resolve, reject) => {
    child.stdout.on('data', () => {
      const url = /Shingo is at (\S+)/.exec(output)?.[1];
      if (url) resolve({ url, process: child, exit, stopping });
    });
    void exit.then(({ code }) => reject(new Error(`exit ${code}: ${output}`)));
  });
}

async function ask(url: string, query: string, variables: object = {}) {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await answer.json()) as { data: any; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Lights of two colours, and a training on them that would take long. */
async function startLongTraining(url: string): Promise<string> {
  await ask(url, 'mutation { createProject(input: {name: "p"}) { userErrors { code } } }');
  const rows = [];
  for (let index = 0; index < 60; index++) {
    const background = index % 2 ? { r: 200, g: 30 + index, b: 30 } : { r: 30, g: 200, b: 30 + index };
    const bytes = await sharp({ create: { width: 24, height: 48, channels: 3, background } })
      .png()
      .toBuffer();
    const put = await fetch(`${url}/blobs/${sha256(bytes)}`, {
      method: 'PUT',
      body: new Uint8Array(bytes),
      headers: { 'content-type': 'image/png' },
    });
    expect(put.status).toBe(201);
    const box = {
      category: 'TRAFFIC_LIGHT',
      x: 0,
      y: 0,
      width: 0,
      height: 0,
      wholeImage: true,
      color: index % 2 ? 'RED' : 'GREEN',
    };
    rows.push({ sha256: sha256(bytes), fileName: `${index}.png`, boxes: [box] });
  }
  const { registerImages } = await ask(
    url,
    'mutation($rows: [RegisterImageRow!]!) { registerImages(input: {projectId: "p", rows: $rows}) { created userErrors { message } } }',
    { rows },
  );
  expect(registerImages.created).toBe(60);
  const { createDataset, createModel } = await ask(
    url,
    `mutation { createDataset(input: {projectId: "p", name: "d"}) { dataset { id } } createModel(input: {projectId: "p", name: "m"}) { model { id } } }`,
  );
  const { createDatasetVersion } = await ask(
    url,
    'mutation($id: ID!) { createDatasetVersion(input: {datasetId: $id, maxLeakShare: 1}) { datasetVersion { id } userErrors { message } } }',
    { id: createDataset.dataset.id },
  );
  const { startTraining } = await ask(
    url,
    `mutation($v: ID!, $m: ID!) { startTraining(input: {datasetVersionId: $v, modelId: $m, name: "long", idempotencyKey: "k",
      parameters: {epochs: 60, patience: null, batchSize: 8}}) { job { id } userErrors { message } } }`,
    { v: createDatasetVersion.datasetVersion.id, m: createModel.model.id },
  );
  return startTraining.job.id as string;
}

const METRICS = `subscription($after: Int!) { experimentEvents(id: "p/long", afterSeq: $after) {
  __typename ... on MetricEvent { seq step name split } ... on StatusEvent { seq state reason { code } } ... on LogEvent { seq message } ... on DoneEvent { seq state } } }`;

test('Ctrl-C saves the running job; a second start finds everything and goes on with it', async () => {
  const first = await up();
  const job = await startLongTraining(first.url);
  const live = subscribe<any>(first.url, METRICS, { after: 0 });
  await live.until((events) => events.some((e) => e.experimentEvents.step === 2));
  // As a terminal does it: to the whole group, trainer and all; and as npm passes it on, once more.
  process.kill(-(first.process.pid as number), 'SIGINT');
  await first.stopping;
  process.kill(first.process.pid as number, 'SIGINT');
  const { code, output } = await first.exit;
  expect({ code, stopped: output.includes('PostgreSQL stopped') }).toEqual({ code: 0, stopped: true });
  await live.close();

  const second = await up();
  const again = await ask(
    second.url,
    'query($id: ID!) { job(id: $id) { state attempt } projects { nodes { name } } }',
    { id: job },
  );
  expect(again.projects.nodes).toEqual([{ name: 'p' }]);
  expect(['QUEUED', 'RUNNING']).toContain(again.job.state);
  const later = subscribe<any>(second.url, METRICS, { after: 0 });
  await later.until((events) => events.some((e) => e.experimentEvents.step >= 4));
  const steps = later.received
    .map((e) => e.experimentEvents)
    .filter((e) => e.name === 'loss' && e.split === 'TRAIN');
  // The epochs of both runs are one unbroken row: none is lost and none was trained twice.
  expect(steps.map((e) => e.step)).toEqual(steps.map((_, index) => index + 1));
  await ask(second.url, 'mutation($id: ID!) { cancelJob(input: {jobId: $id}) { userErrors { code } } }', {
    id: job,
  });
  await later.completed;
  expect(later.received.at(-1).experimentEvents).toMatchObject({
    __typename: 'DoneEvent',
    state: 'CANCELLED',
  });
  await later.close();
  second.process.kill('SIGTERM');
  expect((await second.exit).code).toBe(0);
}, 180_000);

test('a second service on the same data is refused while the first runs', async () => {
  const first = await up();
  await expect(up()).rejects.toThrow(/runs on .* already \(process \d+\)/);
  first.process.kill('SIGTERM');
  expect((await first.exit).code).toBe(0);
}, 60_000);

test('after kill -9 the next start takes over the lock and the database that was left running', async () => {
  const first = await up();
  await ask(first.url, 'mutation { createProject(input: {name: "kept"}) { userErrors { code } } }');
  first.process.kill('SIGKILL');
  await first.exit;
  expect(Number(await readFile(join(dataDir, 'shingo.lock'), 'utf8'))).toBe(first.process.pid);
  const second = await up();
  expect((await ask(second.url, '{ project(id: "kept") { name } }')).project.name).toBe('kept');
  second.process.kill('SIGTERM');
  expect((await second.exit).code).toBe(0);
}, 60_000);

test('kill -9 of its PostgreSQL: it is started again at the same address, and whoever asks meanwhile is told to ask again', async () => {
  const { url, process: service, exit } = await up();
  const create = (name: string) =>
    ask(url, 'mutation ($name: String!) { createProject(input: {name: $name}) { userErrors { code } } }', {
      name,
    });
  await create('accepted');
  const { stdout } = await promisify(execFile)('pgrep', ['-f', `postgres.* -D ${join(dataDir, 'postgres')}`]);
  process.kill(Number(stdout.trim().split('\n')[0]), 'SIGKILL');
  const said = new Set<string>();
  await until(() =>
    create('afterwards').then(
      () => true,
      (error: Error) => void said.add(/"code":"([A-Z_]+)"/.exec(error.message)?.[1] ?? error.message),
    ),
  );
  expect([...said]).toEqual(['DATABASE_UNAVAILABLE']);
  const { projects } = await ask(url, '{ projects { nodes { name } } }');
  expect(projects.nodes.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining(['accepted', 'afterwards']),
  );
  service.kill('SIGTERM');
  const { code, output } = await exit;
  expect(code).toBe(0);
  // A start may come too soon for what the dead server's processes still hold; the next does not.
  expect(output).toMatch(/embedded PostgreSQL has died[^]*embedded PostgreSQL is up again/);
}, 60_000);
