/** Jobs without a trainer: their process may die, be stopped or be cancelled, and what they made can be fetched. */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cancelJob } from '../../src/jobs/jobService.js';
import type { Job } from '../../src/jobs/job.js';
import { startTask } from '../../src/jobs/start/startTask.js';
import { filesOfJobs } from '../../src/jobs/task/jobFile.js';
import { JobKind } from '../../src/jobs/vocabulary.js';
import type { WorkerOptions } from '../../src/jobs/index.js';
import { entries } from '../../src/platform/archive/index.js';
import { createWorld, type World } from './world.js';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.stop());

const exportJob = (format: 'COCO' | 'YOLO' = 'COCO', idempotencyKey: string = randomUUID()): Promise<Job> => {
  const asked = { versionUuid: world.versionUuid, format, pictures: false };
  const task = { projectUuid: world.project, kind: JobKind.EXPORT as const, asked, idempotencyKey };
  return startTask(world.services, task, async () => asked);
};

const REAL = new URL('../../src/jobs/task/taskProcess.js', import.meta.url).href;
const FIRST_TIME = 'if (command.type === "start" && command.attempt === 1) ';

/** A process that does something else than the real one before, or instead. */
async function worker(script: string | null, options: Partial<WorkerOptions> = {}) {
  const folder = join(world.dataDir, 'processes');
  await mkdir(folder, { recursive: true });
  const taskProcess = join(folder, `${randomUUID()}.mjs`);
  if (script !== null) await writeFile(taskProcess, script);
  return world.worker({}, { ...(script === null ? {} : { taskProcess }), ...options });
}
/** Passes the command on once the real process listens. */
const dying = `process.once('message', async (command) => {
  ${FIRST_TIME}process.kill(process.pid, 'SIGKILL');
  await import(${JSON.stringify(REAL)});
  process.emit('message', command);
});`;
/** Says that it lives, and ends when it is told to. */
const patient = `process.on('disconnect', () => process.exit());
  process.on('message', ({ type }) => type === 'stop' && process.send({ type: 'stopped' }, () => process.exit()));
  setInterval(() => process.send({ type: 'alive' }), 20);`;

const filesOf = async (job: Job) => (await filesOfJobs(world.db, [job.uuid]))[0]!;

test('an export ends with a report and a file that holds the version', async () => {
  await worker(null);
  const job = await exportJob();
  expect(await world.until(job.uuid)).toMatchObject({
    state: 'SUCCEEDED',
    attempt: 1,
    crashes: 0,
    report: { format: 'COCO', images: 9, boxes: 27, datasetVersionUuid: world.versionUuid },
  });
  const [file, ...more] = await filesOf(job);
  expect(more).toEqual([]);
  const paths: string[] = [];
  for await (const entry of entries(world.blobs.path(file!.sha256))) paths.push(entry.path);
  expect(paths).toContain('losses.json');
});

test('the same version gives the same bytes, whoever writes it', async () => {
  await worker(null);
  const [a, b] = [await exportJob(), await exportJob()];
  for (const job of [a, b]) expect(await world.until(job.uuid)).toMatchObject({ state: 'SUCCEEDED' });
  expect((await filesOf(a))[0]!.sha256).toBe((await filesOf(b))[0]!.sha256);
});

test('a process that is killed costs an attempt, and the job ends well', async () => {
  await worker(dying);
  const job = await exportJob();
  expect(await world.until(job.uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 2, crashes: 1 });
  expect(await filesOf(job)).toHaveLength(1);
});

test('a process that is killed each time has the job failed after three', async () => {
  await worker(`process.once('message', () => process.kill(process.pid, 'SIGKILL'));`);
  const job = await exportJob();
  expect(await world.until(job.uuid)).toMatchObject({
    state: 'FAILED',
    crashes: 3,
    reason: { code: 'TASK_CRASHED' },
  });
});

test('a process that talks nonsense is ended', async () => {
  await worker(
    `process.once('message', () => process.send({ type: 'hello' })); setInterval(() => {}, 1000);`,
  );
  const job = await exportJob();
  expect(await world.until(job.uuid)).toMatchObject({ state: 'FAILED', reason: { code: 'TASK_PROTOCOL' } });
});

test('a process that falls silent is ended', async () => {
  await worker(`process.on('disconnect', () => process.exit()); setInterval(() => {}, 1000);`, {
    silenceMs: 300,
  });
  const job = await exportJob();
  expect(await world.until(job.uuid)).toMatchObject({ state: 'FAILED', reason: { code: 'TASK_HUNG' } });
});

test('a running task that is cancelled ends, and its queue goes on', async () => {
  await worker(patient);
  const job = await exportJob();
  await world.until(job.uuid, ({ state }) => state === 'RUNNING');
  await cancelJob(world.db, job.uuid);
  expect(await world.until(job.uuid)).toMatchObject({ state: 'CANCELLED', reason: { code: 'CANCELLED' } });
  const next = await exportJob();
  expect(await world.until(next.uuid, ({ state }) => state === 'RUNNING')).toMatchObject({ attempt: 1 });
});

test('a worker that stops gives its task back, and the next one does it', async () => {
  const first = await worker(patient);
  const job = await exportJob();
  await world.until(job.uuid, ({ state }) => state === 'RUNNING');
  await first.stop();
  expect(await world.job(job.uuid)).toMatchObject({
    state: 'QUEUED',
    crashes: 0,
    reason: { code: 'DRAINED' },
  });
  await worker(null);
  expect(await world.until(job.uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 2, crashes: 0 });
});

test('what the task cannot do fails the job with its code, at the first attempt', async () => {
  const job = await exportJob();
  await world.db.query('DELETE FROM dataset_version WHERE id = $1', [world.versionUuid]);
  await worker(null);
  expect(await world.until(job.uuid)).toMatchObject({
    state: 'FAILED',
    attempt: 1,
    reason: { code: 'NOT_FOUND' },
  });
  expect(await filesOf(job)).toEqual([]);
});

test('a training does not hold up a task, nor a task a training', async () => {
  await world.worker({ hang: true }, { taskProcess: undefined });
  const training = await world.train();
  await world.until(training.uuid, ({ state }) => state === 'RUNNING');
  const job = await exportJob();
  expect(await world.until(job.uuid)).toMatchObject({ state: 'SUCCEEDED' });
  expect(await world.job(training.uuid)).toMatchObject({ state: 'RUNNING' });
});

test('the same key starts one job; with another request it is a conflict', async () => {
  const start = (format: 'COCO' | 'YOLO') => exportJob(format, 'once');
  const jobs = await Promise.all(Array.from({ length: 8 }, () => start('COCO')));
  expect(new Set(jobs.map(({ uuid }) => uuid)).size).toBe(1);
  await expect(start('YOLO')).rejects.toMatchObject({ code: 'CONFLICT' });
});
