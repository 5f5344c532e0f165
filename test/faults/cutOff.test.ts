/**
 * A network that takes what is sent and passes nothing on, without a word to either end (half-open): no FIN, no RST. What is
 * cut off notices by itself, what it held is free, another goes on, and nothing is there twice when the network is back.
 */
import { intBetween, pick } from '../../seeds/random.js';
import { connectionOf } from '../../src/platform/database/connection.js';
import { isDatabaseAway } from '../../src/platform/database/errors.js';
import { createHub, hint } from '../../src/platform/hub.js';
import { connectDatabase } from '../../src/service.js';
import { randomOf } from './chance.js';
import { gone, isAlive } from './processes.js';
import { startWire, type Wire } from './wire.js';
import { curveOf, everythingIn, reasonsOf } from './whatIsThere.js';
import { startWorkerProcess } from './workerProcesses.js';
import { createWorld, type World } from './world.js';

const random = randomOf('cut off');
const QUICK = { heartbeatMs: 100, staleSeconds: 3, reapMs: 300 };
const EPOCHS = 8;

let world: World;
let wire: Wire;
/** What the wire freezes at; null: nothing. */
let trap: ((text: string) => boolean) | null = null;
beforeAll(async () => {
  world = await createWorld();
  wire = await startWire(world.databaseUrl, undefined, (text) => {
    if (!trap?.(text)) return;
    trap = null;
    // With this statement on the way: it arrives, and its answer does not.
    setImmediate(() => wire.freeze());
  });
});
afterAll(async () => {
  await wire.stop();
  await world.stop();
});

it('a worker that is cut off in the middle of a transaction ends its trainer; within 30 s the job is another’s, and each metric there once', async () => {
  const whole = await world.worker({}, QUICK);
  const undisturbed = await world.train({ parameters: { epochs: EPOCHS } });
  await world.until(undisturbed.uuid);
  await whole.stop();

  // Holding the job's row, its project's, or neither.
  const [mark, nth] = [
    pick(random, ['/* job.lock */', '/* experiment.append */', 'COMMIT\0', '/* job.heartbeat */']),
    intBetween(random, 1, 3),
  ];
  const worker = await startWorkerProcess(world, { pace: 1000 }, QUICK, { databaseUrl: wire.url });
  const job = await world.train({ parameters: { epochs: EPOCHS } });
  await world.until(job.uuid, ({ epoch }) => epoch !== null && epoch >= 1);
  const trainers = await worker.trainers();
  expect(trainers).toHaveLength(1);
  let seen = 0;
  trap = (text) => text.includes(mark) && ++seen === nth;
  await world.wait(async () => trap === null);
  const cutAt = performance.now();
  const other = await world.worker({}, { ...QUICK, name: 'other' });
  // It knows by its own clock that its lease is over, while nobody tells it anything.
  await gone(trainers, 8_000);
  await world.until(job.uuid, ({ worker: name }) => name === 'other', 30_000);
  expect(performance.now() - cutAt).toBeLessThan(30_000);
  expect(await world.until(job.uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 2, worker: 'other' });
  expect(await curveOf(world, job.experimentUuid)).toEqual(await curveOf(world, undisturbed.experimentUuid));
  expect(await reasonsOf(world, job.experimentUuid)).toEqual(['WORKER_LOST']);

  await other.stop();
  const before = await everythingIn(world);
  wire.thaw();
  // What was on its way arrives, and the worker asks for more.
  const [{ now }] = await world.db.query('SELECT clock_timestamp() AS now');
  await world.wait(
    async () => (await world.db.query('SELECT FROM host WHERE seen_at > $1', [now])).length > 0,
  );
  expect(await everythingIn(world)).toEqual(before);
  const next = await world.train({ parameters: { epochs: 1 } });
  expect(await world.until(next.uuid, undefined, 40_000)).toMatchObject({
    ...{ state: 'SUCCEEDED', attempt: 1, worker: 'process' },
  });
  process.kill(worker.pid, 'SIGKILL');
  await gone([worker.pid]);
  expect(await Promise.all(trainers.map(isAlive))).toEqual([false]);
}, 90_000);

it('what waits for an answer that cannot come is told so, what takes its time is left alone, and hints are heard again', async () => {
  const db = await connectDatabase(world.config, wire.url, 'cut off', 500);
  const direct = await connectDatabase(world.config, world.databaseUrl, 'not cut off', 500);
  const hub = createHub(wire.url, world.log);
  /** Whether hints arrive, or the time runs out. */
  const heard = async (ms: number) => {
    const hints = hub.listen('test', 'key');
    const waiting = hints.wait(ms).then(() => performance.now());
    const sent = performance.now();
    await hint(world.db, 'test', 'key');
    const after = (await waiting) - sent;
    hints.close();
    return after < ms / 2;
  };
  /** Longer than it waits for a statement as such. */
  const slow = () =>
    direct.transaction(async (manager) => {
      await (await connectionOf(manager)).allow(20_000);
      return manager.query('SELECT true AS slept FROM pg_sleep(6.5)');
    });
  try {
    await world.wait(() => heard(1_000));
    await db.query('SELECT 1');
    wire.freeze(true);
    const cutAt = performance.now();
    const [error, slept] = await Promise.all([
      db.query('SELECT 1').catch((problem: unknown) => problem),
      slow(),
      world.wait(() => heard(1_000), 25_000),
    ]);
    expect(performance.now() - cutAt).toBeLessThan(18_000);
    expect(isDatabaseAway(error)).toBe(true);
    expect(slept).toEqual([{ slept: true }]);
    // What was allowed was allowed for that transaction.
    await expect(direct.query('SELECT pg_sleep(2)')).rejects.toMatchObject({ code: '57014' });
    // The connection is gone with it; the next one is another.
    expect(await db.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  } finally {
    wire.cut();
    await hub.close();
    await direct.destroy();
    await db.destroy();
  }
}, 60_000);
