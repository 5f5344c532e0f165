import { readEvents } from '../../../src/experiments/events/log.js';
import { changeJob, mayBecome, updateJob, withJob } from '../../../src/jobs/change.js';
import { JobState } from '../../../src/jobs/vocabulary.js';
import { createWorld, type World } from '../../faults/world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());

const states = Object.values(JobState);
const ALLOWED = [
  'QUEUED RUNNING',
  'QUEUED CANCELLED',
  'RUNNING QUEUED',
  'RUNNING CANCELLING',
  'RUNNING SUCCEEDED',
  'RUNNING FAILED',
  'CANCELLING CANCELLED',
  'CANCELLING SUCCEEDED',
  'FAILED QUEUED',
  'CANCELLED QUEUED',
];

it('a job goes from state to state along these ways only', () => {
  const ways = states.flatMap((from) =>
    states.filter((to) => mayBecome(from, to)).map((to) => `${from} ${to}`),
  );
  expect(ways.sort()).toEqual([...ALLOWED].sort());
});

it('a refused change leaves nothing behind', async () => {
  const { uuid, experimentUuid } = await world.train();
  const before = await world.job(uuid);
  await expect(
    withJob(world.db, uuid, (manager, job) => changeJob(manager, job, JobState.SUCCEEDED)),
  ).rejects.toThrow('QUEUED cannot become SUCCEEDED');
  expect(await world.job(uuid)).toEqual(before);
  expect(await readEvents(world.db, experimentUuid, 0, 10)).toHaveLength(1);
});

it('every change has a number of its own, and numbers become visible in order', async () => {
  const jobs = await Promise.all(Array.from({ length: 6 }, () => world.train()));
  const seen: number[] = [];
  let writing = true;
  const progress = {
    phase: 'TRAINING',
    epoch: 1,
    epochs: 1,
    done: 1,
    total: 1,
    imagesPerSecond: 1,
    secondsLeft: null,
  };
  const reader = (async () => {
    // Whatever is visible, everything below it must be visible too: the gap is always 0.
    while (writing) {
      const [row] = await world.db.query(
        `SELECT p.job_seq - max(j.seq) AS gap FROM project p JOIN job j ON j.project_id = p.id WHERE p.id = $1 GROUP BY p.id`,
        [world.project],
      );
      seen.push(Number(row.gap));
    }
  })();
  await Promise.all(
    jobs.map(async ({ uuid }) => {
      for (let i = 0; i < 20; i += 1)
        await withJob(world.db, uuid, (manager, job) => updateJob(manager, job, { progress }));
    }),
  );
  writing = false;
  await reader;
  expect(new Set(seen)).toEqual(new Set([0]));
  const [{ numbers }] = await world.db.query(
    'SELECT array_agg(seq ORDER BY seq) AS numbers FROM job WHERE project_id = $1',
    [world.project],
  );
  expect(new Set(numbers).size).toBe(numbers.length);
});
