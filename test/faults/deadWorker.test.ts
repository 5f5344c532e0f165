import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readEvents } from '../../src/experiments/events/log.js';
import { cancelJob } from '../../src/jobs/jobService.js';
import { experimentOf } from '../../src/jobs/job.js';
import { JobState } from '../../src/jobs/vocabulary.js';
import { updateJob } from '../../src/jobs/change.js';
import { claimNext } from '../../src/jobs/worker/claim.js';
import { FenceLost, fenced, heartbeat, type Lease } from '../../src/jobs/worker/fence.js';
import { findStale, reap, sweepFolders } from '../../src/jobs/worker/reaper.js';
import { settleAway } from '../../src/jobs/worker/settle.js';
import { Recorder } from '../../src/jobs/worker/record.js';
import { createWorld, type World } from './world.js';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.stop());

/** A worker that has claimed the job and was then switched off. */
async function deadWorker(): Promise<Lease> {
  await world.train();
  const lease = await claimNext(world.services, 'dead');
  if (!lease) throw new Error('nothing to claim');
  await age(lease, 20);
  return lease;
}
const age = (lease: Lease, seconds: number) =>
  world.db.query('UPDATE job SET heartbeat_at = now() - make_interval(secs => $2) WHERE id = $1', [
    lease.job.uuid,
    seconds,
  ]);
const reapNow = async () => reap(world.services, await findStale(world.db, 15));

describe('a dead worker', () => {
  it('loses its job to another', async () => {
    const { job } = await deadWorker();
    await world.worker({});
    expect(await world.until(job.uuid)).toMatchObject({
      state: 'SUCCEEDED',
      attempt: 2,
      crashes: 1,
      worker: 'worker',
    });
    const reasons = (await readEvents(world.db, experimentOf(job), 0, 100)).flatMap((event) =>
      'reason' in event && event.reason ? [event.reason.code] : [],
    );
    expect(reasons).toEqual(['WORKER_LOST']);
  });

  it('that spoke since it was looked at keeps its job', async () => {
    const lease = await deadWorker();
    const stale = await findStale(world.db, 15);
    await heartbeat(world.db, lease);
    expect(await reap(world.services, stale)).toBe(0);
    expect(await world.job(lease.job.uuid)).toMatchObject({ state: 'RUNNING', attempt: 1 });
  });

  it('is not one that spoke 10 s ago', async () => {
    await age(await deadWorker(), 10);
    expect(await findStale(world.db, 15)).toEqual([]);
  });

  it('whose job was being cancelled: it is cancelled', async () => {
    const { job } = await deadWorker();
    await cancelJob(world.db, job.uuid);
    expect(await reapNow()).toBe(1);
    expect(await world.job(job.uuid)).toMatchObject({ state: 'CANCELLED' });
  });

  it('that dies twice over the same job has it given up', async () => {
    let lease: Lease | null = await deadWorker();
    for (let crash = 1; crash <= 2 && lease; crash += 1) {
      await age(lease, 20);
      expect(await reapNow()).toBe(1);
      lease = await claimNext(world.services, 'dead');
    }
    const [job] = await world.db.query('SELECT state, crashes, dead, reason_code FROM job');
    expect(job).toEqual({ state: 'FAILED', crashes: 2, dead: true, reason_code: 'WORKER_LOST' });
  });

  it('costs a training that stores checkpoints as many attempts as it has', async () => {
    let lease: Lease | null = await deadWorker();
    for (let crash = 1; crash <= 3 && lease; crash += 1) {
      await fenced(world.db, lease, (manager, job) => updateJob(manager, job, { checkpoint: { files: {} } }));
      await age(lease, 20);
      expect(await reapNow()).toBe(1);
      lease = await claimNext(world.services, 'dead');
    }
    const [job] = await world.db.query('SELECT state, crashes, dead FROM job');
    expect(job).toEqual({ state: 'FAILED', crashes: 3, dead: true });
  });

  it('is one whose heartbeat is yet to come: a clock was set back', async () => {
    const lease = await deadWorker();
    await age(lease, -3600);
    expect(await reapNow()).toBe(1);
    expect(await world.job(lease.job.uuid)).toMatchObject({ state: 'QUEUED', reasonCode: 'WORKER_LOST' });
  });
});

describe('a worker that was declared dead and is not', () => {
  it('can write nothing', async () => {
    const old = await deadWorker();
    await reapNow();
    const current = await claimNext(world.services, 'living');
    expect(current?.attempt).toBe(2);
    const before = await world.db.query(
      'SELECT j::text FROM job j UNION ALL SELECT e::text FROM experiment e',
    );
    const zombie = new Recorder(world.services, old, world.dataDir, 3);
    const metric = {
      name: 'loss',
      split: 'TRAIN' as const,
      condition: null,
      value: 1,
      n: 1,
      lower: null,
      upper: null,
      method: null,
    };
    const progress = { epoch: 1, epochs: 2, done: 1, total: 2, imagesPerSecond: 1, secondsLeft: null };
    await mkdir(join(world.dataDir, 'checkpoint'));
    for (const write of [
      () => heartbeat(world.db, old),
      () => zombie.engine({ type: 'engine', engine: 'cpu', reason: 'zombie' }),
      () => zombie.log({ type: 'log', level: 'info', message: 'zombie' }),
      () => zombie.progress({ type: 'progress', phase: 'TRAINING', ...progress }),
      () =>
        zombie.epochs([{ type: 'epoch', epoch: 1, metrics: [metric], tensors: 1, checkpoint: 'checkpoint' }]),
      () =>
        zombie.trained({ type: 'trained', bestEpoch: 1, epochsRun: 1, stoppedEarly: false, artifacts: [] }),
      () => zombie.failed({ code: 'ZOMBIE', message: '' }),
      () => zombie.stopped({ type: 'stopped', checkpoint: null }),
      () => zombie.halted(),
    ]) {
      await expect(write()).rejects.toThrow(FenceLost);
    }
    expect(
      await world.db.query('SELECT j::text FROM job j UNION ALL SELECT e::text FROM experiment e'),
    ).toEqual(before);
    await expect(fenced(world.db, current as Lease, async () => 'mine')).resolves.toBe('mine');
  });

  it('has its trainer killed', async () => {
    await world.worker({ gate: { epoch: 2, file: join(world.dataDir, 'never') } }, { reapMs: 60_000 });
    const { uuid } = await world.train();
    const job = await world.until(uuid, ({ epoch, state }) => epoch === 1 && state === JobState.RUNNING);
    // As another host would: it takes the job for itself.
    await world.db.query("UPDATE job SET attempt = attempt + 1, worker = 'other' WHERE id = $1", [uuid]);
    // Its folder goes when its trainer has gone.
    await world.until(uuid, () => true);
    const folder = join(world.dataDir, 'work', uuid);
    await world.wait(async () => (await readdir(folder).catch(() => [])).length === 0);
    expect(await world.job(uuid)).toMatchObject({
      state: 'RUNNING',
      attempt: job.attempt + 1,
      worker: 'other',
    });
  });
});

describe('an attempt that the database left in the middle', () => {
  const away = (lease: Lease) =>
    fenced(world.db, lease, (manager, job) => settleAway(manager, world.services, job));

  it('costs its job nothing, and the next one may begin', async () => {
    const lease = await deadWorker();
    await away(lease);
    expect(await world.job(lease.job.uuid)).toMatchObject({
      ...{ state: 'QUEUED', reasonCode: 'DATABASE_AWAY', crashes: 0, worker: null },
    });
    expect(await claimNext(world.services, 'next')).toMatchObject({ attempt: 2 });
  });

  it('is held against its job after twenty: it may be what ends the database', async () => {
    const lease = await deadWorker();
    await world.db.query('UPDATE job SET attempt = 22');
    for (let attempt = 22; attempt <= 25; attempt += 1) {
      await away({ ...lease, attempt });
      await claimNext(world.services, 'next');
    }
    const [job] = await world.db.query('SELECT state, attempt, crashes, dead, reason_code FROM job');
    expect(job).toEqual({
      state: 'FAILED',
      attempt: 25,
      crashes: 3,
      dead: true,
      reason_code: 'DATABASE_AWAY',
    });
  });

  it('is over if it was to be cancelled', async () => {
    const lease = await deadWorker();
    await cancelJob(world.db, lease.job.uuid);
    await away(lease);
    expect(await world.job(lease.job.uuid)).toMatchObject({ state: 'CANCELLED', reasonCode: 'CANCELLED' });
  });
});

it('the folders of attempts of killed neighbours are swept while a worker works', async () => {
  await world.worker({}, { reapMs: 20 });
  const root = join(world.dataDir, 'work');
  // After its first sweep, at which there was nothing.
  await world.wait(async () => (await world.db.query('SELECT FROM host')).length > 0);
  await mkdir(join(root, world.project, '1'), { recursive: true });
  await world.wait(async () => (await readdir(root)).length === 0);
  expect(await readdir(root)).toEqual([]);
});

describe('a queued job', () => {
  it('is claimed by one worker of many', async () => {
    await Promise.all([1, 2, 3].map(() => world.train()));
    const leases = await Promise.all(Array.from({ length: 8 }, (_, i) => claimNext(world.services, `w${i}`)));
    const jobs = leases.flatMap((lease) => (lease ? [lease.job.uuid] : []));
    expect(new Set(jobs).size).toBe(3);
    expect(jobs).toHaveLength(3);
  });
});

it('folders of attempts that are over are removed, others stay', async () => {
  const lease = await deadWorker();
  const root = join(world.dataDir, 'work');
  await mkdir(join(root, lease.job.uuid, '1'), { recursive: true });
  await mkdir(join(root, lease.job.uuid, '0'), { recursive: true });
  await mkdir(join(root, world.project, '1'), { recursive: true });
  await sweepFolders(world.db, world.dataDir);
  expect((await readdir(root, { recursive: true })).sort()).toEqual([lease.job.uuid, `${lease.job.uuid}/1`]);
});

it('a sweep leaves an attempt alone that another loop has begun since it looked', async () => {
  const waiting = await world.train();
  const root = join(world.dataDir, 'work', waiting.uuid);
  await world.db.query('UPDATE job SET attempt = 2 WHERE id = $1', [waiting.uuid]);
  for (const attempt of ['1', '2']) await mkdir(join(root, attempt, 'output'), { recursive: true });
  // A claim that lands between the listing of the folders and the question about the jobs, and one that lands after it.
  const query = world.db.query.bind(world.db);
  const during = (before: boolean) => ({
    query: async (...given: Parameters<typeof query>) => {
      const claim = async () => {
        await query("UPDATE job SET attempt = 3, state = 'RUNNING' WHERE id = $1", [waiting.uuid]);
        await mkdir(join(root, '3', 'output'), { recursive: true });
      };
      if (before) await claim();
      const rows = await query(...given);
      if (!before) await claim();
      return rows;
    },
  });
  await sweepFolders(during(false) as never, world.dataDir);
  expect(await readdir(root)).toEqual(['3']);
  await query("UPDATE job SET attempt = 2, state = 'QUEUED' WHERE id = $1", [waiting.uuid]);
  for (const attempt of ['1', '2']) await mkdir(join(root, attempt, 'output'), { recursive: true });
  await sweepFolders(during(true) as never, world.dataDir);
  expect(await readdir(root)).toEqual(['3']);
});
