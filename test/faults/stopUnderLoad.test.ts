/** SIGTERM while there is a lot to do: what was accepted is there, what runs is given back, and the process goes in its time. */
import { randomUUID } from 'node:crypto';
import { createConnection } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { intBetween } from '../../seeds/random.js';
import { serveProcess, shingoProcess, type ServeProcess } from '../../bench/support/serviceProcess.js';
import { startTask } from '../../src/jobs/start/startTask.js';
import { JobKind } from '../../src/jobs/vocabulary.js';
import { subscribe } from '../support/foreignClient.js';
import { randomOf } from './chance.js';
import { processesIn } from './processes.js';
import { startWire, type Wire } from './wire.js';
import { createWorld, type World } from './world.js';

/** By default it is 10 s, and the process has gone within 15. */
const DRAIN = { SHINGO_DRAIN_SECONDS: '3' };
const EXIT_MS = 8_000;
const CLIENTS = 16;

let world: World;
let wire: Wire;
beforeAll(async () => {
  world = await createWorld();
  wire = await startWire(world.databaseUrl);
});
afterAll(async () => {
  await wire.stop();
  await world.stop();
});

async function terminate(service: ServeProcess): Promise<{ code: number | null; ms: number }> {
  const at = Date.now();
  process.kill(service.pid, 'SIGTERM');
  const code = await service.exit;
  return { code, ms: Date.now() - at };
}

const CREATE = `mutation ($name: String!) { createProject(input: { name: $name }) { project { id } userErrors { code } } }`;

test('an API that 16 clients write to, with a stream and an idle connection open', async () => {
  const random = randomOf('stop under load');
  const api = await serveProcess(world.databaseUrl, { env: DRAIN });
  const accepted: string[] = [];
  const wrong: string[] = [];
  const writing = Array.from({ length: CLIENTS }, async () => {
    for (;;) {
      const name = randomUUID();
      const answer = await fetch(`${api.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: CREATE, variables: { name } }),
      }).catch(() => null);
      // Cut off, or refused: its client knows that it has no answer.
      if (answer === null) return;
      const text = await answer.text().catch(() => null);
      if (text === null) return;
      const { data, errors } = JSON.parse(text);
      if (data?.createProject?.project) accepted.push(name);
      else wrong.push(JSON.stringify(errors ?? data));
    }
  });
  const { experimentUuid } = await world.train();
  const [{ name }] = await world.db.query(
    "SELECT p.name || '/' || e.name AS name FROM experiment e JOIN project p ON p.id = e.project_id WHERE e.id = $1",
    [experimentUuid],
  );
  const stream = subscribe<{ experimentEvents: object }>(
    api.url,
    'subscription ($id: ID!) { experimentEvents(id: $id, afterSeq: 0) { __typename } }',
    { id: name },
  );
  await stream.until((events) => events.length > 0);
  const idle = createConnection({ port: Number(new URL(api.url).port), host: '127.0.0.1' });
  idle.on('error', () => undefined);
  await world.wait(async () => accepted.length > 2 * CLIENTS);
  await sleep(intBetween(random, 0, 300));
  const { code, ms } = await terminate(api);
  await Promise.all(writing);
  await stream.close();
  idle.destroy();
  expect(code).toBe(0);
  expect(ms).toBeLessThan(EXIT_MS);
  expect(wrong).toEqual([]);
  const there: { name: string }[] = await world.db.query('SELECT name FROM project WHERE name = ANY ($1)', [
    accepted,
  ]);
  expect(there.map((row) => row.name).sort()).toEqual([...accepted].sort());
}, 60_000);

const FRAMES = 6_000;
const LABELS = JSON.stringify(
  Array.from({ length: FRAMES }, (_, n) => ({
    name: `${n}.jpg`,
    labels: [{ category: 'traffic light', box2d: { x1: n % 900, y1: 5, x2: (n % 900) + 9, y2: 20 } }],
  })),
);

async function importJob() {
  const { sha256 } = await world.blobs.receive(Readable.from([Buffer.from(LABELS)]), { maxBytes: 1e9 });
  const input = { sha256, fileName: 'l.json', format: 'auto' as const, lenient: false, timeZone: null };
  const wanted = { projectUuid: world.project, kind: JobKind.IMPORT as const, asked: input };
  return startTask(world.services, { ...wanted, idempotencyKey: randomUUID() }, async () => input);
}
const inTheMiddle = (uuid: string) =>
  world.wait(async () => {
    const [row] = await world.db.query('SELECT state, checkpoint FROM job WHERE id = $1', [uuid]);
    return row.state === 'RUNNING' && row.checkpoint !== null;
  });

test.each([
  ['a worker in the middle of an import, with more in the queue', false],
  ['a worker whose PostgreSQL has just gone', true],
])(
  '%s',
  async (_, gone) => {
    const jobs = [await importJob(), await importJob()];
    const worker = await shingoProcess('work', wire.url, { dataDir: world.dataDir, env: DRAIN });
    await inTheMiddle(jobs[0]!.uuid);
    if (gone) await wire.stop();
    const { code, ms } = await terminate(worker);
    expect(code).toBe(0);
    expect(ms).toBeLessThan(EXIT_MS);
    expect(await processesIn(world.dataDir)).toEqual([]);
    const states = await Promise.all(jobs.map(({ uuid }) => world.job(uuid)));
    // Nobody could be told: another worker takes it from one that is silent.
    expect(states[0]).toMatchObject(
      gone ? { state: 'RUNNING', crashes: 0 } : { state: 'QUEUED', reasonCode: 'DRAINED', crashes: 0 },
    );
    expect(states[1]).toMatchObject({ state: 'QUEUED', attempt: 0 });
    const next = await world.worker({}, { staleSeconds: 1, reapMs: 100 });
    for (const { uuid } of jobs)
      expect(await world.until(uuid, undefined, 40_000)).toMatchObject({
        state: 'SUCCEEDED',
        crashes: gone && uuid === jobs[0]!.uuid ? 1 : 0,
      });
    await next.stop();
    const [{ n }] = await world.db.query('SELECT count(*)::int AS n FROM image WHERE project_id = $1', [
      world.project,
    ]);
    expect(n).toBe(FRAMES);
  },
  90_000,
);
