/** Hosts that freeze, come back and die, as processes and with real signals. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastLines } from '../../src/jobs/jobService.js';
import { list } from '../../src/graphql/list/list.js';
import { jobList } from '../../src/jobs/job.js';
import { createWorld, type World } from './world.js';
import { gone, isAlive } from './processes.js';
import { curveOf, everythingIn, reasonsOf } from './whatIsThere.js';
import { startWorkerProcess, type WorkerProcess } from './workerProcesses.js';

let world: World;
let processes: WorkerProcess[];
beforeEach(async () => {
  world = await createWorld();
  processes = [];
});
afterEach(async () => {
  for (const { pid } of processes) if (await isAlive(pid)) process.kill(pid, 'SIGKILL');
  await world.stop();
});

const start = async (
  ...given: Parameters<typeof startWorkerProcess> extends [World, ...infer R] ? R : never
) => {
  const one = await startWorkerProcess(world, ...given);
  processes.push(one);
  return one;
};
const QUICK = { heartbeatMs: 100, staleSeconds: 3, reapMs: 500 };
const gate = () => join(world.dataDir, 'gate');
/** A worker process whose trainer waits in the middle of its training. */
async function inTheMiddle(options: Parameters<typeof start>[1]) {
  const worker = await start({ gate: { epoch: 3, file: gate() } }, options);
  const job = await world.train({ parameters: { epochs: 4 } });
  await world.until(job.uuid, ({ epoch, phase }) => phase !== null && epoch === 2);
  await world.wait(async () =>
    (await curveOf(world, job.experimentUuid)).some((line) => line.startsWith('2 ')),
  );
  const trainers = await worker.trainers();
  expect(trainers.length).toBeGreaterThan(0);
  return { worker, job, trainers };
}
const whole = async () => {
  const { uuid, experimentUuid } = await world.train({ parameters: { epochs: 4 } });
  await world.until(uuid);
  return curveOf(world, experimentUuid);
};

it('a worker and its trainer that freeze and come back after they were replaced write nothing', async () => {
  const { worker, job, trainers } = await inTheMiddle(QUICK);
  for (const pid of [worker.pid, ...trainers]) process.kill(pid, 'SIGSTOP');
  const other = await world.worker({}, { ...QUICK, name: 'other' });
  expect(await world.until(job.uuid)).toMatchObject({
    state: 'SUCCEEDED',
    attempt: 2,
    crashes: 1,
    worker: 'other',
  });
  expect(await curveOf(world, job.experimentUuid)).toEqual(await whole());
  await other.stop();
  const before = await everythingIn(world);
  await writeFile(gate(), '');
  // The trainer first: it has said all that it has to say before its worker hears of it.
  for (const pid of [...trainers, worker.pid]) process.kill(pid, 'SIGCONT');
  await gone(trainers);
  const [{ now }] = await world.db.query('SELECT clock_timestamp() AS now');
  await world.wait(
    async () => (await world.db.query('SELECT FROM host WHERE seen_at > $1', [now])).length > 0,
  );
  expect(await everythingIn(world)).toEqual(before);
  // It has learnt its lesson, and takes the next job.
  const next = await world.train({ parameters: { epochs: 1 } });
  expect(await world.until(next.uuid)).toMatchObject({ state: 'SUCCEEDED', worker: 'process', host: 'host' });
}, 60_000);

it('a trainer that freezes is replaced, and is not there any more to be continued', async () => {
  const { job, trainers } = await inTheMiddle({ ...QUICK, silenceMs: 8_000 });
  for (const pid of trainers) process.kill(pid, 'SIGSTOP');
  await writeFile(gate(), '');
  expect(await world.until(job.uuid, undefined, 40_000)).toMatchObject({ state: 'SUCCEEDED', crashes: 1 });
  await gone(trainers);
  expect(await reasonsOf(world, job.experimentUuid)).toEqual(['TRAINER_HUNG']);
  expect(await curveOf(world, job.experimentUuid)).toEqual(await whole());
}, 90_000);

it('a job whose worker is killed is another’s within 30 s, with the times that a worker has by default', async () => {
  const { worker, job, trainers } = await inTheMiddle({});
  await writeFile(gate(), '');
  const at = Date.now();
  worker.kill('SIGKILL');
  // They end with it.
  await gone(trainers);
  await start({}, { name: 'other' });
  await world.until(job.uuid, ({ attempt, state }) => attempt === 2 && state !== 'QUEUED', 40_000);
  expect(Date.now() - at).toBeLessThan(30_000);
  expect(await world.until(job.uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 2, worker: 'other' });
  expect(await curveOf(world, job.experimentUuid)).toEqual(await whole());
}, 60_000);

it('a job that kills its host twice goes to the dead letters with what it said last', async () => {
  const words = 'driver: the GPU has fallen off the bus';
  const script = { killWorker: true, lastWords: words };
  const hosts = [await start(script, QUICK), await start(script, QUICK)];
  // Looks after dead workers, and takes no training itself.
  await world.worker({}, { ...QUICK, name: 'undertaker', seats: [] });
  const { uuid } = await world.train();
  expect(await world.until(uuid)).toMatchObject({
    ...{ state: 'FAILED', attempt: 2, crashes: 2, dead: true, reasonCode: 'WORKER_LOST' },
  });
  await gone(hosts.map(({ pid }) => pid));
  expect((await lastLines(world.db, [uuid]))[0]).toEqual([words]);
  const page = Object.assign(new jobList.Arguments(), { where: { dead: { eq: true } } });
  const letters = await list(world.db, jobList, page, { projectUuid: world.project });
  expect(letters.edges.map(({ node }: { node: { uuid: string } }) => node.uuid)).toEqual([uuid]);
}, 40_000);
