/** Cancelling, time limits, waits after a crash, and jobs that are put back. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { Artifact } from '../../src/experiments/artifact.js';
import { readEvents } from '../../src/experiments/events/log.js';
import { cancelJob, lastLines } from '../../src/jobs/jobService.js';
import { retryJob } from '../../src/jobs/retryJob.js';
import { setJobLimits } from '../../src/jobs/limits.js';
import { samplesOf, thinSamples } from '../../src/jobs/worker/system/store.js';
import { createWorld, type World } from './world.js';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.stop());

const gate = () => join(world.dataDir, 'gate');
const again = (uuid: string, key: string = randomUUID()) => retryJob(world.services, uuid, key);
const events = (experimentUuid: string) => readEvents(world.db, experimentUuid, 0, 1000);
const curve = async (experimentUuid: string) =>
  (await events(experimentUuid)).flatMap((event) => ('value' in event ? [event.value] : []));

it('a cancelled training ends within 2 s, and goes on from its checkpoint when it is put back, once a key', async () => {
  await world.worker({ gate: { epoch: 3, file: gate() } }, { heartbeatMs: 2_000 });
  const { uuid, experimentUuid } = await world.train({ parameters: { epochs: 4 } });
  await world.until(uuid, ({ epoch }) => epoch === 2);
  await world.wait(async () => (await curve(experimentUuid)).length === 16);
  const at = Date.now();
  await cancelJob(world.db, uuid);
  expect(await world.until(uuid)).toMatchObject({ state: 'CANCELLED', attempt: 1 });
  expect(Date.now() - at).toBeLessThan(2_000);
  const kept = await world.context().load.many(Artifact, 'experiment_id', experimentUuid, 'path');
  expect(kept.map(({ kind, path }) => [kind, path])).toEqual([['CHECKPOINT', 'checkpoint/state.json']]);

  await writeFile(gate(), '');
  await Promise.all(Array.from({ length: 10 }, () => again(uuid, 'same key')));
  expect(await world.until(uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 2, crashes: 0 });
  const states = (await events(experimentUuid)).flatMap((event) => ('state' in event ? [event.state] : []));
  expect(states).toEqual(['QUEUED', 'RUNNING', 'CANCELLING', 'CANCELLED', 'QUEUED', 'RUNNING', 'SUCCEEDED']);
  const whole = await world.train({ parameters: { epochs: 4 } });
  await world.until(whole.uuid);
  expect(await curve(experimentUuid)).toEqual(await curve(whole.experimentUuid));
  expect(await again(uuid, 'same key')).toMatchObject({ state: 'SUCCEEDED', attempt: 2 });
  await expect(again(uuid)).rejects.toMatchObject({ code: 'JOB_FINISHED' });
});

it('a training that runs longer than it may ends with its checkpoint, and goes on when it is put back', async () => {
  await world.worker({ gate: { epoch: 3, file: gate() } });
  const { uuid, experimentUuid } = await world.train({ parameters: { epochs: 4 }, job: { timeoutSeconds: 1 } });
  expect(await world.until(uuid)).toMatchObject({ state: 'FAILED', reasonCode: 'TIMED_OUT', dead: false, crashes: 0 });
  const kept = await world.context().load.many(Artifact, 'experiment_id', experimentUuid, 'path');
  expect(kept.map(({ kind }) => kind)).toEqual(['CHECKPOINT']);
  await writeFile(gate(), '');
  await again(uuid);
  expect(await world.until(uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 2, reasonCode: null });
  expect(await curve(experimentUuid)).toHaveLength(4 * 8);
});

it('after a crash a job waits, twice as long each time, and is given up with its last lines when it may not crash again', async () => {
  world.config.retrySeconds = 0.5;
  await world.worker({ dieAtOnce: true, lastWords: 'out of memory' });
  const { uuid } = await world.train({ job: { maxAttempts: 3 } });
  const waits: number[] = [];
  for (let crash = 1; crash <= 2; crash += 1) {
    const job = await world.until(uuid, ({ crashes, state }) => state === 'QUEUED' && crashes === crash);
    const [{ wait }] = await world.db.query(
      'SELECT extract(epoch FROM not_before - clock_timestamp())::float8 AS wait FROM job WHERE id = $1',
      [uuid],
    );
    waits.push(wait);
    expect(job.notBefore).not.toBeNull();
  }
  expect(waits[0]).toBeLessThanOrEqual(0.5);
  expect(waits[1]).toBeGreaterThan(0.5);
  expect(await world.until(uuid)).toMatchObject({ state: 'FAILED', attempt: 3, crashes: 3, dead: true });
  expect((await lastLines(world.db, [uuid]))[0]).toEqual(['out of memory']);
  expect(await again(uuid)).toMatchObject({ state: 'QUEUED', crashes: 0, dead: false });
});

it('putting back is refused where the project’s queue is full, and changes nothing', async () => {
  const { uuid } = await world.train();
  await cancelJob(world.db, uuid);
  await world.train();
  await setJobLimits(world.db, world.project, { share: 1, maxRunning: null, maxQueued: 1 });
  await expect(again(uuid, 'key')).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  expect((await world.job(uuid)).state).toBe('CANCELLED');
  await setJobLimits(world.db, world.project, { share: 1, maxRunning: null, maxQueued: 2 });
  expect(await again(uuid, 'key')).toMatchObject({ state: 'QUEUED' });
});

it('a running job is sampled, and its samples are thinned as they age, the one with the most memory kept', async () => {
  await world.worker({ gate: { epoch: 2, file: gate() } }, { sampleMs: 100 });
  const { uuid } = await world.train();
  const seen = await world.wait(async () => {
    const [points = []] = await samplesOf(world.db, [uuid], 1000);
    return points.length >= 2 ? points : null;
  });
  // Node alone takes more than 20 MB.
  for (const point of seen) {
    expect(point).toMatchObject({ attempt: 1, gpuPercent: null, cpuPercent: expect.any(Number) });
    expect(point.memoryBytes).toBeGreaterThan(20e6);
    expect(point.hostMemoryTotalBytes).toBeGreaterThan(point.memoryBytes);
    expect(point.diskFreeBytes).toBeGreaterThan(0);
  }
  await writeFile(gate(), '');
  await world.until(uuid);
  await world.db.query(
    `INSERT INTO job_system (job_id, time, attempt, cpu_percent, memory_bytes)
     SELECT $1, now() - n * interval '5 seconds', 1, 1, CASE WHEN n = 3000 THEN 9e9 ELSE n END
     FROM generate_series(1, 5000) AS n`,
    [uuid],
  );
  await thinSamples(world.db, uuid);
  const [{ n, most }] = await world.db.query(
    'SELECT count(*)::int AS n, max(memory_bytes) AS most FROM job_system WHERE job_id = $1',
    [uuid],
  );
  expect([n > 240, n <= 480, most]).toEqual([true, true, 9e9]);
  const [points = []] = await samplesOf(world.db, [uuid], 50);
  expect(points).toHaveLength(50);
  const times = points.map(({ time }) => time.getTime());
  expect(times).toEqual([...times].sort((a, b) => a - b));
  const [{ newest }] = await world.db.query('SELECT max(time) AS newest FROM job_system WHERE job_id = $1', [uuid]);
  expect(points.at(-1)?.time).toEqual(newest);
});
