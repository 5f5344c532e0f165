/** An import whose process is killed half-way goes on where it was, and ends with the same rows. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { startTask } from '../../src/jobs/start/startTask.js';
import type { Job } from '../../src/jobs/job.js';
import { JobKind } from '../../src/jobs/vocabulary.js';
import { createWorld, insertProject, type World } from './world.js';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.stop());

const FRAMES = 12_000;
const labels = JSON.stringify(
  Array.from({ length: FRAMES }, (_, n) => ({
    name: `${n}.jpg`,
    attributes: { weather: n % 3 ? 'rainy' : 'clear', timeofday: 'night' },
    labels: Array.from({ length: 4 }, (__, k) => ({
      category: 'traffic light',
      attributes: { trafficLightColor: k % 2 ? 'red' : 'green' },
      box2d: { x1: n % 900, y1: k, x2: (n % 900) + 9 + k, y2: 20 },
    })),
  })),
);

async function start(projectUuid: string) {
  const { sha256 } = await world.blobs.receive(Readable.from([Buffer.from(labels)]), { maxBytes: 1e9 });
  const input = { sha256, fileName: 'l.json', format: 'auto' as const, lenient: false, timeZone: null };
  const task = { projectUuid, kind: JobKind.IMPORT as const, asked: input, idempotencyKey: randomUUID() };
  return startTask(world.services, task, async () => input);
}

const written = async (project: string): Promise<number> =>
  Number((await world.db.query('SELECT count(*) AS n FROM image WHERE project_id = $1', [project]))[0].n);
const content = (project: string): Promise<object[]> =>
  world.db.query(
    `SELECT i.file_name, i.weather, i.time_of_day, i.traffic_lights, count(a.id)::int AS boxes, sum(a.width) AS width
     FROM image i LEFT JOIN annotation a ON a.image_id = i.id WHERE i.project_id = $1
     GROUP BY i.id ORDER BY i.file_name`,
    [project],
  );

/** An import whose process was killed in the middle of it; one that was over before is followed by another. */
async function killedInTheMiddle(): Promise<{ project: string; job: Job; before: number }> {
  for (let n = 0; n < 5; n++) {
    const project = await insertProject(world.db);
    const job = await start(project);
    const before = await world.wait(async () => (await written(project)) || null, 60_000);
    const { stdout } = await promisify(execFile)('pgrep', [
      '-P',
      String(process.pid),
      '-f',
      'taskProcess',
    ]).catch(() => ({ stdout: '' }));
    for (const pid of stdout.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
    const { attempt } = await world.until(job.uuid, undefined, 60_000);
    if (attempt === 2) return { project, job, before };
  }
  throw new Error('Each import was over before it could be killed.');
}

test('kill -9 in the middle: the second attempt goes on, and nothing is there twice', async () => {
  await world.worker({});
  const whole = await insertProject(world.db);
  const { project: killed, job, before } = await killedInTheMiddle();
  expect(await world.until(job.uuid, undefined, 60_000)).toMatchObject({
    state: 'SUCCEEDED',
    attempt: 2,
    crashes: 1,
    report: { frames: FRAMES, created: FRAMES, existing: 0, annotations: 4 * FRAMES },
  });
  expect(before).toBeLessThan(FRAMES);
  const other = await start(whole);
  expect(await world.until(other.uuid, undefined, 60_000)).toMatchObject({ state: 'SUCCEEDED', attempt: 1 });
  expect(await content(killed)).toEqual(await content(whole));
}, 150_000);

test('a worker that stops in the middle gives the import back at no cost, and the next one ends it', async () => {
  const first = await world.worker({});
  const job = await start(world.project);
  await world.wait(async () => (await written(world.project)) > 0);
  await first.stop();
  expect(await world.job(job.uuid)).toMatchObject({
    state: 'QUEUED',
    crashes: 0,
    reason: { code: 'DRAINED' },
  });
  await world.worker({});
  expect(await world.until(job.uuid, undefined, 60_000)).toMatchObject({
    ...{ state: 'SUCCEEDED', attempt: 2, crashes: 0 },
    report: { created: FRAMES, existing: 0 },
  });
  expect(await written(world.project)).toBe(FRAMES);
}, 120_000);
