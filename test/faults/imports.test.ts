/** An import whose process is killed, stopped or cancelled in its midst: what is there in the end is what there would be. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cancelJob } from '../../src/jobs/jobService.js';
import type { Job } from '../../src/jobs/job.js';
import { startTask } from '../../src/jobs/start/startTask.js';
import { JobKind } from '../../src/jobs/vocabulary.js';
import type { WorkerOptions } from '../../src/jobs/index.js';
import { contentOf } from '../integration/datasets/importSupport.js';
import { createWorld, insertProject, until, type World } from './world.js';

const FRAMES = 12_000;
const LABELS = JSON.stringify(
  Array.from({ length: FRAMES }, (_, n) => ({
    name: `${n % 7}/${n}.jpg`,
    labels: Array.from({ length: n % 9 }, (_, k) => ({
      category: 'traffic light',
      attributes: { trafficLightColor: ['red', 'green', 'NA'][k % 3] },
      box2d: { x1: n / 7, y1: k, x2: n / 7 + 5, y2: k + 9 },
    })),
  })),
);

let world: World;
let sha256: string;
beforeEach(async () => {
  world = await createWorld();
  const file = join(world.dataDir, 'labels.json');
  await writeFile(file, LABELS);
  sha256 = createHash('sha256').update(LABELS).digest('hex');
  await world.blobs.take(file, sha256);
});
afterEach(() => world.stop());

const importJob = (
  projectUuid: string,
  idempotencyKey: string = randomUUID(),
  lenient = false,
): Promise<Job> => {
  const options = { format: 'auto' as const, lenient, timeZone: null };
  const asked = { uploadUuid: sha256, ...options };
  const task = { projectUuid, kind: JobKind.IMPORT as const, asked, idempotencyKey };
  return startTask(world.services, task, async () => ({ sha256, fileName: 'labels.json', ...options }));
};

const REAL = new URL('../../src/jobs/task/taskProcess.js', import.meta.url).href;

/** Of real processes, which say who they are. */
async function worker(options: Partial<WorkerOptions> = {}) {
  const folder = join(world.dataDir, 'processes');
  await mkdir(folder, { recursive: true });
  const taskProcess = join(folder, 'telling.mjs');
  await writeFile(
    taskProcess,
    `import { writeFileSync } from 'node:fs';
     writeFileSync(${JSON.stringify(join(folder, 'pid'))}, String(process.pid));
     process.once('message', async (command) => {
       await import(${JSON.stringify(REAL)});
       process.emit('message', command);
     });`,
  );
  return world.worker({}, { taskProcess, ...options });
}
const pid = async () => Number(await readFile(join(world.dataDir, 'processes', 'pid'), 'utf8'));

/** Some of its batches are written, and not all. */
const inTheMidst = (job: Job) =>
  until(async () => {
    const [row] = await world.db.query(
      `SELECT state, (checkpoint->'tally'->>'frames')::int AS frames FROM job WHERE id = $1`,
      [job.uuid],
    );
    if (row.state === 'SUCCEEDED') throw new Error('The import was over before anything could happen to it.');
    return row.frames > 0 && row.frames < FRAMES;
  }, 60_000);

const ended = (job: Job) => world.until(job.uuid, undefined, 120_000);

/** What an import that nothing happens to leaves; the same whenever it is made. */
const whole = (): Promise<object[]> => (undisturbed ??= importWhole());
let undisturbed: Promise<object[]> | undefined;

async function importWhole(): Promise<object[]> {
  const project = await insertProject(world.db);
  expect(await ended(await importJob(project))).toMatchObject({ state: 'SUCCEEDED', attempt: 1 });
  return contentOf(world.db, project);
}

const REPORT = { frames: FRAMES, created: FRAMES, existing: 0, different: 0 };

test('a process that is killed: the second attempt goes on, to the same rows', async () => {
  await worker();
  const job = await importJob(world.project);
  await inTheMidst(job);
  process.kill(await pid(), 'SIGKILL');
  expect(await ended(job)).toMatchObject({ state: 'SUCCEEDED', attempt: 2, crashes: 1, report: REPORT });
  expect(await contentOf(world.db, world.project)).toEqual(await whole());
}, 240_000);

test('a worker that stops: the next one goes on, to the same rows', async () => {
  const first = await worker();
  const job = await importJob(world.project);
  await inTheMidst(job);
  await first.stop();
  expect(await world.job(job.uuid)).toMatchObject({
    state: 'QUEUED',
    crashes: 0,
    reason: { code: 'DRAINED' },
  });
  await worker();
  expect(await ended(job)).toMatchObject({ state: 'SUCCEEDED', attempt: 2, crashes: 0, report: REPORT });
  expect(await contentOf(world.db, world.project)).toEqual(await whole());
}, 240_000);

test('cancelled: its key stays with it, and another import goes on without doubling anything', async () => {
  await worker();
  const job = await importJob(world.project, 'key');
  await inTheMidst(job);
  await cancelJob(world.db, job.uuid);
  expect(await ended(job)).toMatchObject({ state: 'CANCELLED', reason: { code: 'CANCELLED' } });
  const [{ n }] = await world.db.query('SELECT count(*)::int AS n FROM image WHERE project_id = $1', [
    world.project,
  ]);
  expect(n).toBeGreaterThan(0);
  expect(n).toBeLessThan(FRAMES);
  expect(await importJob(world.project, 'key')).toMatchObject({ uuid: job.uuid, state: 'CANCELLED' });
  await expect(importJob(world.project, 'key', true)).rejects.toMatchObject({ code: 'CONFLICT' });
  const again = await importJob(world.project, 'another');
  expect(await ended(again)).toMatchObject({
    state: 'SUCCEEDED',
    report: { frames: FRAMES, created: FRAMES - n, existing: n, different: 0 },
  });
  expect(await contentOf(world.db, world.project)).toEqual(await whole());
}, 240_000);

test('its project is deleted: nothing of it is left, and the worker does the next job', async () => {
  await worker();
  const job = await importJob(world.project);
  await inTheMidst(job);
  // A batch under way may hold what the deletion waits for, and wait for it in turn: then PostgreSQL ends one of them.
  await until(() =>
    world.db.query('DELETE FROM project WHERE id = $1', [world.project]).then(
      () => true,
      (error: { driverError?: { code?: string } }) => {
        if (error.driverError?.code !== '40P01') throw error;
        return false;
      },
    ),
  );
  expect((await importWhole()).length).toBe(FRAMES);
  const left = await world.db.query('SELECT id FROM image WHERE project_id = $1', [world.project]);
  expect(left).toEqual([]);
}, 240_000);
