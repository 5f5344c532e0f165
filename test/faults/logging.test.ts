/** Trainers elsewhere that log while the API is killed again and again lose nothing and double nothing. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ShingoClient } from '../../src/client/api.js';
import { ExperimentLog } from '../../src/client/experimentLog.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { INHERITED } from '../support/inherited.js';
import { freePort } from '../support/freePort.js';

let database: TestDatabase;
let dataDir: string;
let url: string;
let api: ChildProcess;
let client: ShingoClient;

beforeAll(async () => {
  database = await createTestDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'shingo-logging-'));
  url = `http://127.0.0.1:${await freePort()}`;
  await serve();
  client = new ShingoClient({
    url,
    requestPolicy: { attempts: 60, firstDelayMs: 50, maxDelayMs: 500 },
    timeoutMs: 20_000,
  });
  await client.mutate(
    'mutation ($input: CreateProjectInput!) { createProject(input: $input) { userErrors { code } } }',
    {
      name: 'p',
    },
  );
  await client.mutate(
    'mutation ($input: CreateModelInput!) { createModel(input: $input) { userErrors { code } } }',
    {
      projectId: 'p',
      name: 'm',
    },
  );
}, 60_000);
afterAll(async () => {
  await kill('SIGTERM');
  await database.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** A process of its own, at the same address each time; back when it answers. */
async function serve(): Promise<void> {
  api = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'dist/src/main.js', 'serve'], {
    env: {
      ...{ ...INHERITED, SHINGO_DATA_DIR: dataDir },
      ...{ SHINGO_DATABASE_URL: database.url, SHINGO_PORT: new URL(url).port, SHINGO_LOG_LEVEL: 'error' },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    api.stdout!.on('data', (chunk: Buffer) => chunk.includes("Shingo's API is at") && resolve());
    api.once('exit', (code) => reject(new Error(`The API ended with ${code}.`)));
  });
}

async function kill(signal: NodeJS.Signals): Promise<void> {
  const exit = new Promise((resolve) => api.once('exit', resolve));
  api.kill(signal);
  await exit;
}

interface Row {
  name: string;
  rows: number;
  distinct: number;
  least: number;
  most: number;
  sum: number;
}

const input = (name: string) => ({ modelId: 'p/m', name, task: 'LIGHT_DETECTION', algorithm: 'yolo' });
const events = async (): Promise<number> =>
  (await database.db.query('SELECT count(*)::int AS n FROM experiment_event'))[0].n;

it('kill -9 of the API in the middle of batches', async () => {
  const [trainers, steps] = [4, 6000];
  const logs = await Promise.all(
    Array.from({ length: trainers }, (_, n) => ExperimentLog.create(client, input(`killed-${n}`))),
  );
  let running = trainers;
  const done = Promise.all(
    logs.map(async (log) => {
      for (let step = 0; step < steps; step++)
        await log.metric('loss', step, step / 1024, { split: 'TRAIN' });
      await log.finish();
      running--;
    }),
  );
  let kills = 0;
  const killing = (async () => {
    for (let seen = await events(); running > 0 && kills < 3; kills++) {
      // In the middle: some of it has arrived since, and there is more to come.
      while (running > 0 && (await events()) <= seen) await new Promise((resolve) => setTimeout(resolve, 2));
      await kill('SIGKILL');
      seen = await events();
      await serve();
    }
  })();
  await Promise.all([done, killing]);
  expect(kills).toBeGreaterThanOrEqual(2);
  const rows: Row[] = await database.db.query(
    `SELECT e.name, count(*)::int AS rows, count(DISTINCT v.step)::int AS distinct, min(v.step) AS least,
       max(v.step) AS most, sum(v.value) AS sum
     FROM experiment_event v JOIN experiment e ON e.id = v.experiment_id WHERE v.kind = 'METRIC' GROUP BY e.name ORDER BY 1`,
  );
  const whole = {
    rows: steps,
    distinct: steps,
    least: 0,
    most: steps - 1,
    sum: (steps * (steps - 1)) / 2048,
  };
  expect(rows).toEqual(logs.map((_, n) => ({ name: `killed-${n}`, ...whole })));
  const heads = await database.db.query(
    `SELECT e.state, e.last_seq::int AS seq, (SELECT count(*)::int FROM experiment_event v WHERE v.experiment_id = e.id) AS events,
       (SELECT sum(points)::int FROM experiment_metric m WHERE m.experiment_id = e.id) AS points FROM experiment e`,
  );
  // A state at each end.
  for (const head of heads)
    expect(head).toEqual({ state: 'SUCCEEDED', seq: steps + 2, events: steps + 2, points: steps });
}, 180_000);

const python = await promisify(execFile)('python3', ['--version']).then(
  () => true,
  () => false,
);
(python ? it : it.skip)(
  'the example in Python logs a whole experiment',
  async () => {
    const { stdout } = await promisify(execFile)('python3', ['examples/log_metrics.py', url, 'p/m']);
    const { experiment } = await client.request<{ experiment: Record<string, unknown> }>(
      `query ($id: ID!) { experiment(id: $id) { state engine source
         metrics(first: 300) { name step split condition class value n lower upper method }
         parameters { name number text boolean numbers texts } } }`,
      { id: stdout.trim() },
    );
    expect(experiment).toMatchObject({ state: 'SUCCEEDED', engine: 'cuda', source: 'LOGGED' });
    const metrics = experiment.metrics as object[];
    expect(metrics).toHaveLength(202);
    expect(metrics[0]).toMatchObject({ name: 'loss', step: 1, split: 'TRAIN', value: Math.exp(-1 / 20) });
    expect(metrics.slice(200)).toMatchObject([
      {
        name: 'recall',
        condition: 'night',
        class: 'RED',
        n: 20,
        lower: 0.699,
        upper: 0.972,
        method: 'WILSON',
      },
      { name: 'diverged', split: null, value: 'NaN' },
    ]);
    const none = { number: null, text: null, boolean: null, numbers: null, texts: null };
    expect(experiment.parameters).toEqual([
      { ...none, name: 'augment', boolean: true },
      { ...none, name: 'layers', numbers: [64, 128] },
      { ...none, name: 'learning_rate', number: 0.01 },
      { ...none, name: 'optimizer', text: 'Adam' },
    ]);
  },
  60_000,
);

it('the page of the protocol does what it says, by curl', async () => {
  const create = (name: string, input: object) =>
    client.mutate(
      `mutation ($input: ${name}Input!) { ${name[0]!.toLowerCase()}${name.slice(1)}(input: $input) { userErrors { code } } }`,
      { ...input },
    );
  await create('CreateProject', { name: 'roads' });
  await create('CreateModel', { projectId: 'roads', name: 'lights' });
  const page = await readFile('docs/logging.md', 'utf8');
  const script = /^```sh\n(.*?)^```/ms.exec(page)![1]!.replace('http://localhost:4000', url);
  const { stdout } = await promisify(execFile)('sh', ['-ec', script]);
  expect(stdout).not.toMatch(/"errors"|"code"/);
  const { experiment } = await client.request<{ experiment: object }>(
    `{ experiment(id: "roads/yolo-7") { state codeVersion parameters { name } metrics { name step value condition class n } } }`,
  );
  expect(experiment).toEqual({
    ...{ state: 'SUCCEEDED', codeVersion: '4f2a91c', parameters: [{ name: 'lr' }, { name: 'sizes' }] },
    metrics: [
      { name: 'loss', step: 1, value: 0.82, condition: null, class: null, n: null },
      { name: 'loss', step: 2, value: 'NaN', condition: null, class: null, n: null },
      { name: 'recall', step: 2, value: 0.9, condition: 'night', class: 'RED', n: 20 },
    ],
  });
});
