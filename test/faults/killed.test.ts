/**
 * kill -9 in the middle of each kind of job: of the process that does it, of its worker, of the API and of PostgreSQL.
 * Each time the job comes to what it comes to undisturbed, once, and nothing is left over. A run of all tests
 * strikes six kinds and each victim; SHINGO_TEST_SEED shuffles who meets whom and when, SHINGO_TEST_ALL_FAULTS=1 is all.
 */
import { randomUUID } from 'node:crypto';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import getPort from 'get-port';
import { pino } from 'pino';
import pg from 'pg';
import { intBetween, pick, shuffle } from '../../seeds/random.js';
import { serveProcess, type ServeProcess } from '../../bench/support/serviceProcess.js';
import { ShingoClient } from '../../src/client/api.js';
import { uuidOf } from '../../src/graphql/node.js';
import { startWorker, type Worker } from '../../src/jobs/index.js';
import { JobKind, isTask } from '../../src/jobs/vocabulary.js';
import { ALL_FAULTS, SEED, randomOf } from './chance.js';
import { startCluster, type Cluster } from './cluster.js';
import { EPOCHS, createKinds, type Kind, type Kinds } from './kinds.js';
import { gone, processesIn } from './processes.js';
import { startWorkerProcess, type WorkerProcess } from './workerProcesses.js';
import { createWorld, until, type World } from './world.js';

type Victim = 'process' | 'worker' | 'API' | 'PostgreSQL';
const VICTIMS: Victim[] = ['process', 'worker', 'API', 'PostgreSQL'];
/** In a run of all tests: those that take the least time die twice. */
const SHARE: Victim[] = [...VICTIMS, 'process', 'API'];
/** A worker that is silent for 2 s is given up. */
const QUICK = { heartbeatMs: 100, staleSeconds: 2, reapMs: 200 };

const random = randomOf('killed');
const SCRIPT = { gate: intBetween(random, 2, EPOCHS) };
const ALL = Object.values(JobKind);
const order = shuffle(random, [...ALL]);
const CASES = ALL_FAULTS
  ? ALL.flatMap((kind) => VICTIMS.map((victim) => [kind, victim] as const))
  : SHARE.map((victim, n) => [order[n]!, victim] as const);
/** An evaluation is of what a training has made before. */
const NEEDED = ALL.filter((kind) => kind === JobKind.TRAINING || CASES.some(([one]) => one === kind));

let cluster: Cluster;
let world: World;
let api: ServeProcess;
let port: number;
let client: ShingoClient;
let kinds: Kinds;
let trainer: { gate: { epoch: number; file: string } };
let logs = 0;
/** Of the case that runs. */
let worker: Worker | undefined;
let other: WorkerProcess | undefined;
let held: Awaited<ReturnType<typeof hold>> | undefined;
const whole = new Map<JobKind, unknown>();

beforeAll(async () => {
  cluster = await startCluster();
  world = await createWorld(cluster);
  port = await getPort();
  api = await serve();
  client = new ShingoClient({
    url: api.url,
    requestPolicy: { attempts: 40, firstDelayMs: 50, maxDelayMs: 500 },
  });
  trainer = { gate: { epoch: SCRIPT.gate, file: join(world.dataDir, 'gate') } };
  kinds = await createKinds(world, client);
  await writeFile(trainer.gate.file, '');
  const worker = await work('undisturbed');
  for (const kind of NEEDED) {
    const { uuid } = await start(kinds[kind]);
    const job = await world.until(uuid, undefined, 60_000);
    expect(job).toMatchObject({ state: 'SUCCEEDED', attempt: 1, crashes: 0 });
    whole.set(kind, await kinds[kind].outcome(job));
  }
  await worker.stop();
}, 240_000);
afterAll(async () => {
  await client.close();
  await api.kill();
  await world.stop();
});

afterEach(async () => {
  await held?.release();
  other?.kill('SIGKILL');
  await worker?.stop();
  held = worker = other = undefined;
});

const serve = () => serveProcess(cluster.url, { port, dataDir: world.dataDir });

/** A worker of this process, whose log is kept. */
async function work(name: string, staleSeconds = QUICK.staleSeconds): Promise<Worker> {
  const log = pino({ level: 'warn' }, pino.destination({ dest: logFile(), sync: true }));
  const how = { engine: 'cpu' as const, name, trainer: await world.trainer(trainer) };
  const options = { ...QUICK, staleSeconds, ...how };
  return world.adopt(startWorker({ ...world.services, log }, options));
}
const logFile = () => join(world.dataDir, `worker-${logs}.log`);

/** As a client does it: again and again with one key, until there is an answer. */
async function start({ start: mutation, job = 'job', input }: Kind) {
  const type = `${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input`;
  const document = `mutation ($input: ${type}!) { ${mutation}(input: $input) { ${job} { id } userErrors { code message } } }`;
  const asked = { ...(await input()), idempotencyKey: randomUUID() };
  const ask = async () => {
    const made = await client.mutate<Record<string, { id: string }>>(document, asked, { idempotent: true });
    return uuidOf('Job', made[job]!.id);
  };
  return { uuid: await ask(), ask };
}

/** Holds whatever needs the table. */
async function hold(table: string) {
  const client = new pg.Client({ connectionString: cluster.url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return {
    /** The process of the job stands before it. */
    reached: () =>
      until(async () => {
        // Not by the client: within its transaction it would see the same moment for ever.
        const rows: unknown[] = await world.db.query(
          `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
           WHERE NOT l.granted AND l.relation = $1::regclass AND a.application_name = 'shingo task'`,
          [table],
        );
        return rows.length > 0;
      }, 30_000),
    release: () => client.end().catch(() => undefined),
  };
}

/** The job is in the middle, and stays there until it is let go. */
async function inTheMiddle(kind: JobKind, uuid: string, table: string | null, begin: () => Promise<void>) {
  held = table === null ? undefined : await hold(table);
  await begin();
  if (held) await held.reached();
  else
    await world.until(uuid, ({ epoch, phase, state }) =>
      kind === JobKind.TRAINING ? phase !== null && epoch === SCRIPT.gate - 1 : state === 'RUNNING',
    );
  const pids = await until(async () => {
    const found = await processesIn(join(world.dataDir, 'work', uuid));
    return found.length > 0 && found;
  });
  return { pids, letGo: () => held?.release() ?? writeFile(trainer.gate.file, '') };
}

const settledIn = async (uuid: string) => {
  const job = await until(async () => {
    const found = await world.job(uuid).catch(() => null);
    return found && ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(found.state) ? found : null;
  }, 60_000);
  return job;
};

/** What anybody can see to be wrong when all jobs are over. */
async function nothingIsLeft(): Promise<void> {
  expect(
    await world.db.query(
      "SELECT id, kind, state FROM job WHERE state NOT IN ('SUCCEEDED') OR finished_at IS NULL OR dead",
    ),
  ).toEqual([]);
  expect(
    await world.db.query(
      `SELECT e.id FROM experiment e LEFT JOIN experiment_event v ON v.experiment_id = e.id
       GROUP BY e.id HAVING count(v.seq) <> e.last_seq OR count(*) FILTER (WHERE v.kind = 'DONE') > 1`,
    ),
  ).toEqual([]);
  const work = join(world.dataDir, 'work');
  expect(await until(async () => (await processesIn(work)).length === 0)).toBe(true);
  // The worker sweeps what killed ones have left.
  await until(async () => (await readdir(work)).length === 0);
  await until(
    async () =>
      (
        await world.db.query(
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        )
      ).length === 0,
  );
}

/** What the worker's log says of the job. */
const RECORD: Record<Victim, RegExp | null> = {
  process: /(trainer|task) has crashed/,
  worker: /taken from a silent worker/,
  API: null,
  PostgreSQL: /the database is away|no heartbeat/,
};

describe(`kill -9, with the seed ${SEED}`, () => {
  test.each(CASES)('%s: of its %s', async (kind, victim) => {
    logs += 1;
    const random = randomOf(`${kind} ${victim}`);
    const chosen = kinds[kind];
    const table = isTask(kind) ? pick(random, chosen.needs) : null;
    const afterMs = intBetween(random, 0, 40);
    if (table === null) await rm(trainer.gate.file);
    const { uuid, ask } = await start(chosen);
    const { pids, letGo } = await inTheMiddle(kind, uuid, table, async () => {
      if (victim === 'worker') other = await startWorkerProcess(world, trainer, QUICK);
      // What stands before the table holds its job's row: no heartbeat comes until the API is there again.
      else worker = await work('first', victim === 'API' ? 30 : undefined);
    });
    await sleep(afterMs);
    switch (victim) {
      case 'process':
        for (const pid of pids) process.kill(pid, 'SIGKILL');
        await gone(pids);
        break;
      case 'worker':
        other!.kill('SIGKILL');
        // Nobody tells its children: they see that they have no parent any more, and go.
        await gone(pids, 10_000);
        worker = await work('second');
        break;
      case 'API':
        await api.kill();
        api = await serve();
        // Its client, which has had no answer, asks again.
        expect(await ask()).toBe(uuid);
        break;
      case 'PostgreSQL':
        await cluster.kill();
        await sleep(afterMs);
        await cluster.revive();
        break;
    }
    await letGo();
    const job = await settledIn(uuid);
    expect(job).toMatchObject({
      state: 'SUCCEEDED',
      crashes: victim === 'process' || victim === 'worker' ? 1 : 0,
    });
    expect(job.attempt).toBe(job.crashes > 0 ? 2 : victim === 'API' || !isTask(kind) ? 1 : 2);
    expect(await chosen.outcome(job)).toEqual(whole.get(kind));
    await nothingIsLeft();
    const record = RECORD[victim];
    const log = await readFile(logFile(), 'utf8');
    const lines = log.split('\n').filter((line) => line.includes(uuid));
    if (record) expect(lines.join('\n')).toMatch(record);
    else expect(lines).toEqual([]);
  });
});
