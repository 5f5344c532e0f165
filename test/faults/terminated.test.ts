/**
 * pg_terminate_backend on every connection in turn, of the API, of a worker, of the process of a task and of those that
 * listen for hints, while a training and an import run and a client asks and follows: each is made anew, and nothing is
 * lost, doubled or held against a job.
 */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { intBetween, shuffle } from '../../seeds/random.js';
import { serveProcess, type ServeProcess } from '../../bench/support/serviceProcess.js';
import { ShingoClient } from '../../src/client/api.js';
import { toGlobalId } from '../../src/graphql/node.js';
import { startTask } from '../../src/jobs/start/startTask.js';
import { JobKind, isFinal } from '../../src/jobs/vocabulary.js';
import { contentOf } from '../integration/datasets/importSupport.js';
import { randomOf } from './chance.js';
import { startWorkerProcess, type WorkerProcess } from './workerProcesses.js';
import { told } from './told.js';
import { createWorld, insertProject, type World } from './world.js';

const FRAMES = 6_000;
const LABELS = JSON.stringify(
  Array.from({ length: FRAMES }, (_, n) => ({
    name: `${n}.jpg`,
    labels: [{ category: 'traffic light', box2d: { x1: n % 900, y1: 5, x2: (n % 900) + 9, y2: 20 } }],
  })),
);
const EPOCHS = 80;
/** The hub's are one of the worker's and one of the API's. */
const NAMES = ['shingo api', 'shingo hub', 'shingo task', 'shingo worker'];
/** Of each name, at least; of a task at most. */
const CUTS = 3;
const SCRIPT = { pace: 25, keep: 3, chatty: true };

let world: World;
let api: ServeProcess;
let worker: WorkerProcess;
let knife: pg.Client;
beforeAll(async () => {
  world = await createWorld();
  api = await serveProcess(world.databaseUrl);
  worker = await startWorkerProcess(world, SCRIPT, { heartbeatMs: 100 });
  knife = new pg.Client({ connectionString: world.databaseUrl, application_name: 'knife' });
  await knife.connect();
});
afterAll(async () => {
  worker.kill('SIGKILL');
  await api.kill();
  await knife.end();
  await world.stop();
});

async function importInto(projectUuid: string) {
  const { sha256 } = await world.blobs.receive(Readable.from([Buffer.from(LABELS)]), { maxBytes: 1e9 });
  const input = { sha256, fileName: 'l.json', format: 'auto' as const, lenient: false, timeZone: null };
  const task = { projectUuid, kind: JobKind.IMPORT as const, asked: input, idempotencyKey: projectUuid };
  return startTask(world.services, task, async () => input);
}

/** Of Shingo's processes, by who they say that they are. */
const connections = async (): Promise<{ pid: number; name: string }[]> =>
  (
    await knife.query(
      `SELECT pid, application_name AS name FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'shingo %' ORDER BY backend_start`,
    )
  ).rows;

test('each connection in turn, again and again', async () => {
  const random = randomOf('terminated');
  const training = await world.train({ parameters: { epochs: EPOCHS } });
  const imports: { project: string; uuid: string }[] = [];
  const importAnew = async () => {
    const project = await insertProject(world.db);
    imports.push({ project, uuid: (await importInto(project)).uuid });
  };
  await importAnew();

  const client = new ShingoClient({ url: api.url });
  const over = new AbortController();
  const heard: number[] = [];
  const following = (async () => {
    for await (const { seq } of client.subscribeEvents(toGlobalId('Experiment', training.experimentUuid)))
      heard.push(seq);
  })();
  const answers = new Map<string, number>();
  const asking = (async () => {
    while (!over.signal.aborted) {
      const answer = await fetch(`${api.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ projects { nodes { name } } }' }),
      });
      const { errors } = (await answer.json()) as { errors?: { extensions: { code: string } }[] };
      const said = `${answer.status} ${errors?.[0]?.extensions.code ?? 'OK'}`;
      answers.set(said, (answers.get(said) ?? 0) + 1);
    }
  })();

  const cut = new Map(NAMES.map((name) => [name, 0]));
  while ([...cut.values()].some((times) => times < CUTS)) {
    // It may be over before it was cut off often enough.
    if (isFinal((await world.job(imports.at(-1)!.uuid)).state)) await importAnew();
    for (const { pid, name } of shuffle(random, await connections())) {
      // A task whose connection breaks begins again from its checkpoint, and is to come to an end.
      if (name === 'shingo task' && cut.get(name)! >= CUTS) continue;
      const { rows } = await knife.query('SELECT pg_terminate_backend($1) AS done', [pid]);
      if (rows[0].done) cut.set(name, cut.get(name)! + 1);
      await sleep(intBetween(random, 20, 60));
    }
  }
  for (const { uuid } of [training, ...imports]) await world.until(uuid, undefined, 40_000);
  over.abort();
  await Promise.all([following, asking]);
  await client.close();

  expect(await world.job(training.uuid)).toMatchObject({ state: 'SUCCEEDED', attempt: 1, crashes: 0 });
  for (const { uuid } of imports)
    expect(await world.job(uuid)).toMatchObject({ state: 'SUCCEEDED', crashes: 0 });
  expect(
    [...answers.keys()].filter((said) => said !== '200 OK' && said !== '503 DATABASE_UNAVAILABLE'),
  ).toEqual([]);
  expect(answers.get('200 OK')).toBeGreaterThan(10);

  const log = await told(world.db, training.experimentUuid);
  expect(heard).toEqual(log.map((_, index) => index + 1));
  // Left alone they come to the same.
  const alone = await world.train({ parameters: { epochs: EPOCHS } });
  const other = await insertProject(world.db);
  const calm = await importInto(other);
  for (const { uuid } of [alone, calm])
    expect(await world.until(uuid, undefined, 40_000)).toMatchObject({ state: 'SUCCEEDED', attempt: 1 });
  expect(log).toEqual(await told(world.db, alone.experimentUuid));
  const content = await contentOf(world.db, other);
  for (const { project } of imports) expect(await contentOf(world.db, project)).toEqual(content);
}, 90_000);
