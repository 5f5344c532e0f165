import { followJobs } from '../../../src/jobs/follow.js';
import type { Job } from '../../../src/jobs/job.js';
import { cancelJob } from '../../../src/jobs/jobService.js';
import { JobState } from '../../../src/jobs/vocabulary.js';
import { createWorld, insertProject, type World } from '../../faults/world.js';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.stop());

/** Reads until `enough`, as a client that then goes away. */
async function read(changes: AsyncIterable<Job>, enough: (seen: Job[]) => boolean): Promise<Job[]> {
  const seen: Job[] = [];
  for await (const job of changes) {
    seen.push(job);
    if (enough(seen)) break;
  }
  return seen;
}
const gone = new AbortController().signal;

it('says first what is unfinished, then what changes, to the end', async () => {
  const over = await world.train();
  await cancelJob(world.db, over.uuid);
  const [first, second] = [await world.train(), await world.train()];
  const reading = read(
    await followJobs(world, world.project, null, gone),
    (seen) => seen.filter(({ state }) => state === JobState.SUCCEEDED).length === 2,
  );
  await world.worker({});
  const seen = await reading;
  expect(seen.slice(0, 2).map(({ uuid, state }) => [uuid, state])).toEqual([
    [first.uuid, 'QUEUED'],
    [second.uuid, 'QUEUED'],
  ]);
  expect(seen.some(({ uuid }) => uuid === over.uuid)).toBe(false);
  const numbers = seen.map(({ seq }) => Number(seq));
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  for (const { uuid } of [first, second]) {
    const states = seen.filter((job) => job.uuid === uuid).map(({ state }) => state);
    expect(states.at(-1)).toBe('SUCCEEDED');
    expect(states.indexOf(JobState.RUNNING)).toBeGreaterThan(0);
  }
});

it('knows nothing of other projects', async () => {
  await world.train();
  const other = await followJobs(world, await insertProject(world.db), null, gone);
  const next = other.next();
  const mine = await read(await followJobs(world, world.project, null, gone), () => true);
  expect(mine).toHaveLength(1);
  const race = await Promise.race([next.then(() => 'a job'), world.wait(async () => 'nothing')]);
  expect(race).toBe('nothing');
  await other.return?.();
  expect((await next).done).toBe(true);
});

it('ends at once when the client goes, and when the project goes', async () => {
  const client = new AbortController();
  const changes = await followJobs(world, world.project, null, client.signal);
  const next = changes.next();
  const started = Date.now();
  client.abort();
  expect((await next).done).toBe(true);
  expect(Date.now() - started).toBeLessThan(1_000);
  const orphan = await followJobs(world, world.project, null, gone);
  await world.db.query('DELETE FROM project WHERE id = $1', [world.project]);
  expect((await orphan.next()).done).toBe(true);
});

it('misses nothing without hints', async () => {
  await world.hub.close();
  const silent = {
    db: world.db,
    log: world.log,
    hub: {
      together: <T>(_: string, ask: () => Promise<T>) => ask(),
      close: () => Promise.resolve(),
      listen: () => ({
        closed: false,
        wait: () => new Promise<void>((resolve) => setTimeout(resolve, 20)),
        close: () => undefined,
      }),
    },
  };
  const reading = read(
    await followJobs(silent, world.project, null, gone),
    (seen) => seen.at(-1)?.state === JobState.CANCELLED,
  );
  const { uuid } = await world.train();
  await cancelJob(world.db, uuid);
  expect((await reading).at(-1)?.uuid).toBe(uuid);
});
