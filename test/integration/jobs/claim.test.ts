/** Who gets a free slot: by priority, by shares of projects, by what a host has, within limits; and what it costs. */
import { setJobLimits } from '../../../src/jobs/limits.js';
import { whyWaiting } from '../../../src/jobs/waiting.js';
import { JobKind, type Engine } from '../../../src/jobs/vocabulary.js';
import { insertJob, once, request } from '../../../src/jobs/start/request.js';
import { PICK, claimNext, type Taker } from '../../../src/jobs/worker/claim.js';
import { keepPresent } from '../../../src/jobs/worker/presence.js';
import type { JobOptionsInput } from '../../../src/jobs/options.js';
import { connectDatabase } from '../../../src/service.js';
import { createWorld, insertProject, until, type World } from '../../faults/world.js';

const LANE = 'tasks';
let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.stop());

let made = 0;
const add = async (projectUuid: string, options: JobOptionsInput = {}) => {
  made += 1;
  const wanted = request(projectUuid, `job ${made}`, { made });
  const job = { kind: JobKind.EXPORT as const, engine: 'auto' as Engine, input: {}, options };
  const { uuid } = await once(world.db, wanted, (manager) => insertJob(manager, world.queue, wanted, job));
  return uuid;
};
const taker = (given: Partial<Taker> = {}): Taker => ({
  ...{ worker: 'w', host: 'h', device: null, labels: [], engines: ['wasm', 'cpu'] },
  ...given,
});
const claim = async (given: Partial<Taker> = {}) =>
  (await claimNext(world.services, taker(given), LANE))?.job ?? null;
const claims = async (n: number, given: Partial<Taker> = {}) => {
  const jobs = [];
  for (let i = 0; i < n; i += 1) jobs.push(await claim(given));
  return jobs;
};

it('the higher priority goes first, and among equals whoever has waited longest', async () => {
  const [low, first, second, high] = [
    await add(world.project, { priority: -5 }),
    await add(world.project),
    await add(world.project),
    await add(world.project, { priority: 7 }),
  ];
  expect((await claims(5)).map((job) => job?.uuid)).toEqual([high, first, second, low, undefined]);
});

it('slots are shared between projects, whoever came first, by their shares', async () => {
  const other = await insertProject(world.db);
  for (let i = 0; i < 8; i += 1) await add(world.project);
  for (let i = 0; i < 8; i += 1) await add(other);
  await setJobLimits(world.db, other, { share: 3, maxRunning: null, maxQueued: null });
  const jobs = await claims(8);
  expect(jobs.filter((job) => job?.projectUuid === other)).toHaveLength(6);
  // A higher priority is stronger than any share.
  const urgent = await add(other, { priority: 1 });
  expect((await claim())?.uuid).toBe(urgent);
});

it('a project runs no more than it may, however many take at a time, and the next goes on', async () => {
  const other = await insertProject(world.db);
  await setJobLimits(world.db, world.project, { share: 1000, maxRunning: 2, maxQueued: null });
  for (let i = 0; i < 6; i += 1) await add(world.project, { priority: 1 });
  await add(other);
  const jobs = await Promise.all(Array.from({ length: 8 }, () => claim()));
  const of = (project: string) => jobs.filter((job) => job?.projectUuid === project).length;
  expect(of(world.project)).toBeLessThanOrEqual(2);
  for (const rest of await claims(3)) if (rest) jobs.push(rest);
  expect([of(world.project), of(other)]).toEqual([2, 1]);
  const [waiting] = await world.db.query("SELECT id FROM job WHERE state = 'QUEUED' LIMIT 1");
  const now = new AbortController();
  const present = host(now.signal, ['cpu'], []);
  await until(async () => (await world.db.query('SELECT FROM host')).length === 1);
  expect((await whyWaiting(world.db, [waiting.id]))[0]).toMatchObject({ code: 'PROJECT_LIMIT' });
  now.abort();
  await present;
});

it('a project queues no more than it may, however many ask at a time', async () => {
  await setJobLimits(world.db, world.project, { share: 1, maxRunning: null, maxQueued: 3 });
  const asked = await Promise.allSettled(Array.from({ length: 10 }, () => add(world.project)));
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  for (const one of asked)
    if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'QUEUE_FULL', httpStatus: 429 });
  await claim();
  await expect(add(world.project)).resolves.toEqual(expect.any(String));
});

const host = (signal: AbortSignal, engines: string[], labels: string[]) =>
  keepPresent(
    world.services,
    { host: 'h', worker: 'w', labels, engines: () => engines, seats: [], taskSlots: 1 },
    signal,
  );

it('a job waits for a host that has its engine and its labels, and says for what', async () => {
  const uuid = await add(world.project, {
    requires: { engine: 'cuda' as Engine, labels: ['tokyo', 'a100'] },
  });
  const plain = await add(world.project, { priority: -1 });
  const why = async () => (await whyWaiting(world.db, [uuid]))[0];
  expect(await why()).toMatchObject({
    code: 'NO_HOST',
    message: 'No host with labels a100, tokyo is there.',
  });
  expect((await whyWaiting(world.db, [plain]))[0]?.message).toBe('No host is there: no worker runs.');
  expect((await claim({ labels: ['a100'] }))?.uuid).toBe(plain);
  const gone = new AbortController();
  const present = [host(gone.signal, ['cpu'], ['a100', 'tokyo']), host(gone.signal, ['cuda'], ['a100'])];
  await until(async () => (await world.db.query('SELECT FROM host')).length === 2);
  expect((await why())?.message).toBe('No host with engine cuda and labels a100, tokyo is there.');
  expect(await claim({ labels: ['a100', 'tokyo'] })).toBeNull();
  expect(await claim({ labels: ['a100'], engines: ['cuda'] })).toBeNull();
  const able = {
    labels: ['a100', 'kyoto', 'tokyo'],
    engines: ['cuda'],
    device: '1',
    worker: 'w2',
    host: 'h2',
  };
  present.push(host(gone.signal, ['cuda'], ['a100', 'tokyo']));
  await until(async () => (await why())?.code === 'NO_SLOT');
  expect(await claim(able)).toMatchObject({ uuid, host: 'h2', worker: 'w2', device: '1', attempt: 1 });
  expect(await why()).toBeNull();
  gone.abort();
  await Promise.all(present);
  expect(await world.db.query('SELECT FROM host')).toEqual([]);
});

it('a job that is held, or that waits after a crash, is nobody’s, and one that a set-back clock would hold is not', async () => {
  const [held, later, strange] = [
    await add(world.project),
    await add(world.project),
    await add(world.project),
  ];
  await world.db.query('UPDATE job SET held = true WHERE id = $1', [held]);
  await world.db.query("UPDATE job SET not_before = now() + interval '5 seconds' WHERE id = $1", [later]);
  await world.db.query("UPDATE job SET not_before = now() + interval '1 hour' WHERE id = $1", [strange]);
  expect((await claims(2)).map((job) => job?.uuid)).toEqual([strange, undefined]);
  await world.db.query('UPDATE job SET not_before = now() WHERE id = $1', [later]);
  expect((await claim())?.uuid).toBe(later);
});

it('twenty takers get twenty jobs, none twice', async () => {
  for (let i = 0; i < 20; i += 1) await add(world.project);
  const jobs = await Promise.all(Array.from({ length: 20 }, () => claim()));
  // One that met another at the same row looks again, as a worker does.
  const got = [...jobs, ...(await claims(20 - jobs.filter(Boolean).length))].flatMap(
    (job) => job?.uuid ?? [],
  );
  expect(new Set(got).size).toBe(20);
  expect(await claim()).toBeNull();
});

it('a claim among 20,000 jobs that wait, most of them for other hosts, reads a few pages', async () => {
  await world.db.query(
    `INSERT INTO project (id, name) SELECT gen_random_uuid(), 'crowd ' || n FROM generate_series(1, 40) AS n`,
  );
  await world.db.query(
    `INSERT INTO job (id, project_id, kind, input, seq, idempotency_key, request_hash, priority, required_labels)
     SELECT gen_random_uuid(), p.id, 'EXPORT', '{}', n, 'crowd ' || n, 'hash', n % 3,
       CASE WHEN n % 10 > 0 THEN '{a100}'::text[] ELSE '{}' END
     FROM generate_series(1, 500) AS n, project p WHERE p.name LIKE 'crowd %'`,
  );
  await world.db.query('ANALYZE job');
  const [plan] = await world.db.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${PICK}`, [
    ...[LANE, ['auto', 'wasm'], ['tokyo'], []],
  ]);
  const top = plan['QUERY PLAN'][0].Plan;
  const pages = top['Shared Hit Blocks'] + top['Shared Read Blocks'];
  // 240 groups: a leap to each of some 4 pages, and two looks at the first of those 120 that it can serve.
  expect(pages).toBeLessThan(2_500);
  expect(await claim()).toMatchObject({ priority: 2, requiredLabels: [] });
});

it('a project that somebody holds for long holds up its own jobs, and nobody else’s', async () => {
  const [held, free] = [await add(world.project, { priority: 5 }), await add(await insertProject(world.db))];
  const holder = world.db.createQueryRunner();
  await holder.startTransaction();
  try {
    await holder.query('SELECT FROM project WHERE id = $1 FOR UPDATE', [world.project]);
    expect((await claim())?.uuid).toBe(free);
    expect(await claim()).toBeNull();
  } finally {
    await holder.rollbackTransaction();
    await holder.release();
  }
  expect((await claim())?.uuid).toBe(held);
}, 20_000);

it('of 20 who race for one job, each on a connection of its own, one gets it', async () => {
  const takers = await Promise.all(
    Array.from({ length: 20 }, () =>
      connectDatabase({ ...world.config, databasePool: 1 }, world.databaseUrl, 'taker'),
    ),
  );
  try {
    for (let round = 0; round < 5; round += 1) {
      const uuid = await add(world.project);
      const leases = await Promise.all(
        takers.map((db, n) => claimNext({ db }, taker({ worker: `w${n}` }), LANE)),
      );
      expect(leases.flatMap((lease) => (lease ? [[lease.job.uuid, lease.attempt]] : []))).toEqual([
        [uuid, 1],
      ]);
      expect(await world.job(uuid)).toMatchObject({ state: 'RUNNING', attempt: 1 });
    }
  } finally {
    await Promise.all(takers.map((db) => db.destroy()));
  }
}, 20_000);
