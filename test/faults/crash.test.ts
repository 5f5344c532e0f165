import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { readEvents } from '../../src/experiments/events/log.js';
import type { Worker, WorkerOptions } from '../../src/jobs/index.js';
import type { Script } from './scriptedTrainer.js';
import { createWorld, until, type World } from './world.js';

let world: World;
let worker: Worker | undefined;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());
afterEach(() => worker?.stop());

const start = async (script: Script, options?: Partial<WorkerOptions>) => {
  worker = await world.worker(script, options);
};
const events = (experimentUuid: string) => readEvents(world.db, experimentUuid, 0, 10_000);
const curve = async (experimentUuid: string) =>
  (await events(experimentUuid)).flatMap((event) =>
    'step' in event
      ? [[event.step, event.name, event.split, (event as { condition?: string }).condition, event.value]]
      : [],
  );

describe('a trainer that is killed', () => {
  it('is followed by one that goes on from the checkpoint, to the same losses', async () => {
    await start({ dieInEpoch: 3 });
    const killed = await world.train({ parameters: { epochs: 5 } });
    const job = await world.until(killed.uuid);
    expect(job).toMatchObject({ state: 'SUCCEEDED', attempt: 2, crashes: 1 });
    await worker?.stop();
    await start({});
    const whole = await world.train({ parameters: { epochs: 5 } });
    expect((await world.until(whole.uuid)).attempt).toBe(1);
    expect(await curve(killed.experimentUuid)).toEqual(await curve(whole.experimentUuid));
    const states = (await events(killed.experimentUuid)).flatMap((event) =>
      'state' in event ? [event] : [],
    );
    expect(states.map(({ state }) => state)).toEqual(['QUEUED', 'RUNNING', 'QUEUED', 'RUNNING', 'SUCCEEDED']);
    expect(states[2]?.reason).toMatchObject({
      code: 'TRAINER_CRASHED',
      message: 'The trainer was ended by SIGKILL.',
    });
  });

  it('is given up after max_attempts, with its last words', async () => {
    await start({ dieAtOnce: true, lastWords: 'libtensorflow: out of memory' });
    const job = await world.until((await world.train()).uuid);
    expect(job).toMatchObject({ state: 'FAILED', attempt: 3, crashes: 3, reasonCode: 'TRAINER_CRASHED' });
    expect(job.reasonMessage).toContain('libtensorflow: out of memory');
    expect((await events(job.experimentUuid)).at(-1)).toMatchObject({
      state: 'FAILED',
      reason: { code: 'TRAINER_CRASHED' },
    });
  });
});

it('a trainer that is faster than the blob store loses no epoch', async () => {
  await start({ keep: 3 });
  const job = await world.until((await world.train({ parameters: { epochs: 200 } })).uuid);
  expect(job).toMatchObject({ state: 'SUCCEEDED', attempt: 1, crashes: 0 });
  const epochs = (await curve(job.experimentUuid)).filter((row) => row[1] === 'loss' && row[2] === 'TRAIN');
  expect(epochs.map(([epoch]) => epoch)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
});

it('a database that drops every connection again and again costs neither an attempt nor an event', async () => {
  await start({ keep: 3, pace: 20 });
  const { uuid, experimentUuid } = await world.train({ parameters: { epochs: 150 } });
  for (let cut = 0; cut < 5; cut += 1) {
    const seen = await calm(() => events(experimentUuid));
    await world.wait(async () => (await calm(() => events(experimentUuid))).length > seen.length + 5);
    await cutConnections(world.databaseUrl);
  }
  const job = await calm(() => world.until(uuid));
  expect(job).toMatchObject({ state: 'SUCCEEDED', attempt: 1, crashes: 0 });
  const log = await events(experimentUuid);
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  const epochs = (await curve(experimentUuid)).filter((row) => row[1] === 'loss' && row[2] === 'TRAIN');
  expect(epochs.map(([epoch]) => epoch)).toEqual(Array.from({ length: 150 }, (_, index) => index + 1));
});

/** The test's own queries are cut as well. */
const calm = <T>(work: () => Promise<T>): Promise<T> => world.wait(() => work().catch(() => null));

/** All but the one that does it. */
async function cutConnections(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  await client.end();
}

describe('a trainer that misbehaves', () => {
  it('fails its job without another attempt when it says why', async () => {
    await start({ fail: { code: 'LOSS_NOT_FINITE', message: 'The loss is NaN.' } });
    const job = await world.until((await world.train()).uuid);
    expect(job).toMatchObject({
      state: 'FAILED',
      attempt: 1,
      reasonCode: 'LOSS_NOT_FINITE',
      reasonMessage: 'The loss is NaN.',
    });
  });

  it('is killed when it does not keep to the protocol', async () => {
    await start({ nonsense: true, hang: true });
    const job = await world.until((await world.train()).uuid);
    expect(job).toMatchObject({ state: 'FAILED', crashes: 3, reasonCode: 'TRAINER_PROTOCOL' });
  });

  it('is killed when it says nothing for too long', async () => {
    await start({ hang: true }, { silenceMs: 200 });
    const job = await world.until((await world.train()).uuid);
    expect(job).toMatchObject({ state: 'FAILED', crashes: 3, reasonCode: 'TRAINER_HUNG' });
  });

  it('may be NaN: the log keeps it', async () => {
    await start({ loss: { epoch: 2, value: NaN } });
    const job = await world.until((await world.train()).uuid);
    const losses = (await curve(job.experimentUuid)).filter(
      ([, name, split]) => name === 'loss' && split === 'TRAIN',
    );
    expect(losses.map((row) => row[4])).toEqual([expect.any(Number), NaN, NaN]);
  });
});

it('the trainer sees no secret of the worker', async () => {
  const gate = join(world.dataDir, 'gate-environment');
  process.env.SHINGO_API_KEYS = 'secret-secret-secret';
  process.env.AWS_SECRET_ACCESS_KEY = 'secret';
  await start({ gate: { epoch: 2, file: gate } });
  const { uuid } = await world.train();
  const file = join(world.dataDir, 'work', uuid, '1', 'output', 'environment.json');
  const environment = await until(() =>
    readFile(file, 'utf8').then(
      (text) => JSON.parse(text) as object,
      () => null,
    ),
  );
  await writeFile(gate, '');
  expect(Object.keys(environment)).toContain('PATH');
  expect(Object.keys(environment).filter((name) => /SHINGO|SECRET|KEY|URL|PASS/.test(name))).toEqual([]);
  expect((await world.until(uuid)).state).toBe('SUCCEEDED');
});

it('a worker whose folder lacks what an experiment needs fails the job with a reason', async () => {
  await start({});
  const { uuid, experimentUuid } = await world.train();
  await world.until(uuid);
  await world.db.query("DELETE FROM artifact WHERE experiment_id = $1 AND kind = 'INITIAL_MODEL'", [
    experimentUuid,
  ]);
  const evaluation = await world.evaluate(experimentUuid, 'INITIAL');
  expect(await world.until(evaluation.uuid)).toMatchObject({
    state: 'FAILED',
    attempt: 1,
    reasonCode: 'WEIGHTS_MISSING',
  });
});

it('an evaluation whose predictions are not all there fails and stores none', async () => {
  await start({ forget: 1 });
  const { uuid, experimentUuid } = await world.train();
  await world.until(uuid);
  const evaluation = await world.evaluate(experimentUuid, 'BEST');
  expect(await world.until(evaluation.uuid)).toMatchObject({
    state: 'FAILED',
    reasonCode: 'PREDICTIONS_INVALID',
  });
  const [{ n }] = await world.db.query(
    'SELECT count(*)::int AS n FROM evaluation_prediction WHERE evaluation_id = $1',
    [evaluation.evaluationUuid],
  );
  expect(n).toBe(0);
});
