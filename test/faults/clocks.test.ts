/** Hosts whose clocks are wrong by hours or days, or are set while they work: the clock that counts is PostgreSQL's. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { serveProcess, type ServeProcess } from '../../bench/support/serviceProcess.js';
import { Split } from '../../src/catalog/vocabulary.js';
import { ShingoClient } from '../../src/client/api.js';
import { toGlobalId } from '../../src/graphql/node.js';
import { templateSchema } from '../../src/jobs/graph/pipeline.js';
import { createSchedule } from '../../src/jobs/schedule/scheduleService.js';
import { chance, intBetween } from '../../seeds/random.js';
import { randomOf } from './chance.js';
import { gone } from './processes.js';
import { otherClock } from './otherClock.js';
import { curveOf, eventsOf } from './whatIsThere.js';
import { startWorkerProcess } from './workerProcesses.js';
import { createWorld, type World } from './world.js';

const random = randomOf('clocks');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const EPOCHS = 6;
const QUICK = { heartbeatMs: 100, staleSeconds: 3, reapMs: 200 };

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());

const now = async (): Promise<number> =>
  (await world.db.query('SELECT clock_timestamp() AS now'))[0].now.getTime();
it.each([
  ['an hour slow, and set an hour ahead in the middle', -HOUR_MS, HOUR_MS],
  ['an hour fast, and set back two hours in the middle', HOUR_MS, -HOUR_MS],
])(
  'a worker whose clock is %s keeps its job, and says what happens as it happens',
  async (_, before, after) => {
    const rival = await world.worker({}, { ...QUICK, name: 'rival', seats: [] });
    const began = await now();
    const process_ = await startWorkerProcess(world, { pace: 250, chatty: true }, QUICK, {
      execArgv: ['--import', otherClock(before, after)],
    });
    const job = await world.train({ parameters: { epochs: EPOCHS } });
    const epoch = intBetween(random, 2, EPOCHS - 2);
    await world.until(job.uuid, (one) => one.epoch !== null && one.epoch >= epoch);
    process.kill(process_.pid, 'SIGUSR2');
    // Neither the trainer's silence nor the wait between two writes of its progress is counted by that clock.
    await world.until(job.uuid, (one) => one.epoch !== null && one.epoch >= epoch + 2, 10_000);
    expect(await world.until(job.uuid)).toMatchObject({
      ...{ state: 'SUCCEEDED', attempt: 1, crashes: 0, worker: 'process' },
    });
    const ended = await now();
    for (const { time } of await eventsOf(world, job.experimentUuid)) {
      expect(time.getTime()).toBeGreaterThanOrEqual(began);
      expect(time.getTime()).toBeLessThanOrEqual(ended);
    }
    process.kill(process_.pid, 'SIGKILL');
    await gone([process_.pid]);
    // Whoever looks after dead workers has the right clock: what the other says of its host is as fresh as it is.
    const [{ fresh }] = await world.db.query(
      "SELECT bool_and(seen_at BETWEEN to_timestamp($1 / 1000.0) AND clock_timestamp()) AS fresh FROM host WHERE name = 'host'",
      [began],
    );
    expect(fresh).toBe(true);
    await world.db.query('DELETE FROM host');
    await rival.stop();

    const whole = await world.worker({ chatty: true }, QUICK);
    const undisturbed = await world.train({ parameters: { epochs: EPOCHS } });
    await world.until(undisturbed.uuid);
    await whole.stop();
    expect(await curveOf(world, job.experimentUuid)).toEqual(
      await curveOf(world, undisturbed.experimentUuid),
    );
  },
  60_000,
);

describe('an API whose clock is', () => {
  const overdue = async (): Promise<{ due: string; early: string }> => {
    const [{ id: datasetUuid }] = await world.db.query(
      'SELECT dataset_id AS id FROM dataset_version WHERE id = $1',
      [world.versionUuid],
    );
    const one = (cron: string) =>
      createSchedule(world.db, 'tests', {
        ...{ projectUuid: world.project, name: randomUUID(), cron, timeZone: 'UTC' },
        ...{ datasetUuid, newVersion: false, skipUnchanged: false },
        template: templateSchema.parse({
          training: { modelUuid: world.modelUuid, parameters: { epochs: 1 } },
          evaluation: { split: Split.TEST, weights: 'BEST' },
          gate: null,
        }),
      });
    const [due, early] = [await one('0 3 * * *'), await one('0 3 * * *')];
    await world.db.query("UPDATE schedule SET next_due = now() - interval '1 minute' WHERE id = $1", [
      due.uuid,
    ]);
    await world.db.query("UPDATE schedule SET next_due = now() + interval '20 hours' WHERE id = $1", [
      early.uuid,
    ]);
    return { due: due.uuid, early: early.uuid };
  };
  const runsOf = async (uuid: string): Promise<number> =>
    (await world.db.query('SELECT count(*)::int AS n FROM schedule_run WHERE schedule_id = $1', [uuid]))[0].n;

  it.each([
    ['days ahead', chance(random, 0.5) ? 2 * DAY_MS : 40 * DAY_MS],
    ['days behind', chance(random, 0.5) ? -2 * DAY_MS : -40 * DAY_MS],
  ])(
    '%s starts what is due once, and nothing early; an upload is good until its time is over, and not after',
    async (_, ms) => {
      await world.db.query('DELETE FROM schedule');
      const { due, early } = await overdue();
      const apis: ServeProcess[] = [];
      try {
        const start = async () =>
          apis.push(
            await serveProcess(world.databaseUrl, {
              dataDir: world.dataDir,
              flags: ['--import', otherClock(ms)],
            }),
          );
        await Promise.all([start(), start()]);
        await world.wait(async () => (await runsOf(due)) > 0);
        const client = new ShingoClient({ url: apis[0]!.url });
        const bytes = randomBytes(50_000);
        const upload = async () => {
          const { createUpload } = await client.request<any>(
            `mutation($input: CreateUploadInput!) { createUpload(input: $input) { upload { id url expiresAt } userErrors { code message } } }`,
            {
              input: {
                ...{ projectId: toGlobalId('Project', world.project), fileName: 'a.bin' },
                ...{
                  mediaType: 'application/octet-stream',
                  bytes: bytes.length,
                  idempotencyKey: randomUUID(),
                },
                sha256: createHash('sha256').update(bytes).digest('hex'),
              },
            },
          );
          expect(createUpload.userErrors).toEqual([]);
          return createUpload.upload as { id: string; url: string; expiresAt: string };
        };
        const send = (path: string) =>
          fetch(new URL(path, apis[1]!.url), {
            method: 'PATCH',
            headers: { 'upload-offset': '0' },
            body: new Uint8Array(bytes),
          });
        const good = await upload();
        // 24 hours by the clock that counts.
        expect(Math.abs(Date.parse(good.expiresAt) - (await now()) - DAY_MS)).toBeLessThan(60_000);
        expect((await send(good.url)).status).toBe(204);
        const late = await upload();
        await world.db.query("UPDATE upload SET expires_at = now() - interval '1 second'");
        const refused = await send(late.url);
        expect([refused.status, (await refused.json()).code]).toEqual([410, 'UPLOAD_EXPIRED']);
        await client.close();
        expect([await runsOf(due), await runsOf(early)]).toEqual([1, 0]);
      } finally {
        for (const api of apis) await api.kill();
      }
    },
    60_000,
  );
});
