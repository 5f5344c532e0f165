/** Jobs that need jobs: woken, cancelled and mended, by any number of workers, whatever dies in between. */
import { randomUUID } from 'node:crypto';
import { fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Split } from '../../src/catalog/vocabulary.js';
import { JOB_QUEUE, TASK_QUEUE } from '../../src/jobs/index.js';
import { toGlobalId } from '../../src/graphql/node.js';
import { changeJob, lockJob, withJob } from '../../src/jobs/change.js';
import { mendGraphs } from '../../src/jobs/graph/mend.js';
import { startPipeline, templateSchema, type Pipeline } from '../../src/jobs/graph/pipeline.js';
import { cancelJob } from '../../src/jobs/jobService.js';
import { insertJob, withoutKey } from '../../src/jobs/start/request.js';
import { claimNext } from '../../src/jobs/worker/claim.js';
import { retryJob } from '../../src/jobs/retryJob.js';
import { Engine, JobKind, JobState } from '../../src/jobs/vocabulary.js';
import type { Script } from './scriptedTrainer.js';
import { createWorld, scripted, until, type World } from './world.js';

let world: World;
beforeEach(async () => {
  world = await createWorld();
  await world.db.query('UPDATE evaluation_protocol SET minimum_n = 1, resamples = 100');
});
afterEach(() => world.stop());

const pipeline = (
  parts: { training?: object; gate?: object | null; evaluation?: object | null } = {},
  key: string = randomUUID(),
): Promise<Pipeline> =>
  startPipeline(
    world.services,
    'tests',
    world.versionUuid,
    templateSchema.parse({
      training: { modelUuid: world.modelUuid, parameters: { epochs: 2 }, ...parts.training },
      evaluation:
        parts.evaluation === null ? null : { split: Split.TEST, weights: 'BEST', ...parts.evaluation },
      gate: parts.gate === null ? null : { ...parts.gate },
    }),
    key,
  );
const rule = (threshold: number) =>
  world.db.query(
    `INSERT INTO gate_rule (id, project_id, name, dataset_id, split, protocol, task, metric, bound, threshold)
     SELECT $1, $2, 'accurate', dataset_id, 'TEST', 'light-state', 'LIGHT_STATE', 'accuracy', 'LOWER', $3
     FROM dataset_version WHERE id = $4`,
    [randomUUID(), world.project, threshold, world.versionUuid],
  );
const aliases = async () =>
  (await world.db.query('SELECT name FROM model_alias ORDER BY name')).map(
    ({ name }: { name: string }) => name,
  );
const uuids = ({ training, evaluation, gate }: Pipeline) =>
  [training, evaluation, gate].flatMap((job) => (job ? [job.uuid] : []));
const statesOf = async (made: Pipeline) =>
  Promise.all(uuids(made).map(async (uuid) => (await world.job(uuid)).state as string));

/** Waits for nothing; it ends when it is told to. */
const task = (needs: string[]) =>
  world.db.transaction((manager) =>
    insertJob(manager, world.queue, withoutKey({ projectUuid: world.project }), {
      kind: JobKind.EXPORT,
      engine: Engine.AUTO,
      input: { versionUuid: world.versionUuid, format: 'COCO', pictures: false },
      hold: needs.length > 0 ? { needs } : null,
    }),
  );
const become = (uuid: string, ...states: JobState[]) =>
  withJob(world.db, uuid, async (manager) => {
    for (const state of states)
      await changeJob(manager, (await lockJob(manager, uuid))!, state, {
        taker: { worker: 'test', host: 'test', device: null },
        reason: state === JobState.FAILED ? { code: 'BROKEN', message: 'It broke.' } : null,
      });
  });
const { RUNNING, SUCCEEDED, FAILED } = JobState;

describe('a pipeline', () => {
  it('trains, evaluates, makes the version and moves the alias when the gates are passed', async () => {
    await rule(0.01);
    await world.worker({});
    const made = await pipeline({ gate: { alias: 'candidate', reason: 'nightly' } });
    expect(made.evaluation).toMatchObject({ state: 'QUEUED', held: true });
    const gate = await world.until(made.gate!.uuid);
    expect(await statesOf(made)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
    expect(gate.report).toMatchObject({ verdict: 'PASS', alias: 'candidate', promoted: true });
    const [version] = await world.db.query('SELECT id, number, experiment_id, created_by FROM model_version');
    expect(version).toMatchObject({
      ...{ number: 1, created_by: 'tests', experiment_id: made.training.experimentUuid },
      id: (gate.report as { versionUuid: string }).versionUuid,
    });
    expect(await aliases()).toEqual(['candidate']);
    const [change] = await world.db.query('SELECT actor, reason, gate_report FROM model_alias_change');
    expect(change).toMatchObject({ actor: 'tests', reason: 'nightly', gate_report: { verdict: 'PASS' } });
  });

  it('whose gate is not passed leaves the alias alone, and says so or fails', async () => {
    await rule(0.99);
    await world.worker({});
    const told = await pipeline({ gate: { alias: 'champion' } });
    const report = (await world.until(told.gate!.uuid)).report;
    expect(report).toMatchObject({ verdict: 'FAIL', promoted: false });
    expect(await aliases()).toEqual([]);
    const failing = await pipeline({ gate: { alias: 'champion', failUnlessPassed: true } });
    const failed = await world.until(failing.gate!.uuid);
    expect(failed).toMatchObject({ state: 'FAILED', reasonCode: 'GATE_FAILED', attempt: 1 });
    expect(failed.reasonMessage).toMatch(/accurate: FAIL\. accuracy is 33\.33 %/);
    expect(await aliases()).toEqual([]);
  });

  it('whose training fails: the others are cancelled, and say because of which', async () => {
    await world.worker({ fail: { code: 'LOSS_NOT_FINITE', message: 'The loss is NaN.' } });
    const made = await pipeline({ gate: {} });
    const gate = await world.until(made.gate!.uuid);
    expect(await statesOf(made)).toEqual(['FAILED', 'CANCELLED', 'CANCELLED']);
    const evaluation = await world.job(made.evaluation!.uuid);
    expect(evaluation).toMatchObject({ reasonCode: 'DEPENDENCY_FAILED', held: false });
    expect(evaluation.reasonMessage).toBe(
      `It needs the TRAINING job ${toGlobalId('Job', made.training.uuid)}, which is FAILED: LOSS_NOT_FINITE.`,
    );
    expect(gate.reasonCode).toBe('DEPENDENCY_FAILED');
    const [row] = await world.db.query('SELECT state FROM evaluation');
    expect(row).toEqual({ state: 'CANCELLED' });
  });

  it('of which one job is cancelled: what waits for it is, what it waits for is not', async () => {
    const made = await pipeline({ gate: {} });
    await cancelJob(world.db, made.evaluation!.uuid);
    expect(await statesOf(made)).toEqual(['QUEUED', 'CANCELLED', 'CANCELLED']);
    expect(await world.job(made.evaluation!.uuid)).toMatchObject({ reasonCode: 'CANCELLED' });
    await cancelJob(world.db, made.training.uuid);
    expect((await world.job(made.training.uuid)).state).toBe('CANCELLED');
  });

  it('asked for twice is one; asked otherwise under the same key it is a CONFLICT', async () => {
    const twice = await Promise.all([1, 2, 3, 4].map(() => pipeline({ gate: {} }, 'key')));
    expect(new Set(twice.map((made) => uuids(made).join())).size).toBe(1);
    expect(uuids(twice[0]!)).toHaveLength(3);
    const [{ n }] = await world.db.query('SELECT count(*)::int AS n FROM job');
    expect(n).toBe(3);
    await expect(pipeline({ gate: { alias: 'candidate' } }, 'key')).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });

  it('that cannot be is refused as a whole', async () => {
    await expect(pipeline({ evaluation: null, gate: {} })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(pipeline({ evaluation: { weights: 'LAST' }, gate: {} })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
    });
    await expect(pipeline({ gate: { alias: 'NOT ONE' } })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    // The images that it is trained on.
    await expect(pipeline({ evaluation: { split: Split.TRAIN } })).rejects.toMatchObject({
      code: 'TEST_IMAGES_TRAINED_ON',
    });
    expect(await world.db.query('SELECT 1 FROM job UNION ALL SELECT 1 FROM experiment')).toEqual([]);
  });
});

describe('a retry', () => {
  it('of a training that failed brings the jobs back that were cancelled because of it', async () => {
    const failing = await world.worker({ fail: { code: 'LOSS_NOT_FINITE', message: 'The loss is NaN.' } });
    const made = await pipeline({ gate: {} });
    await world.until(made.gate!.uuid);
    await failing.stop();
    // Not by themselves: what they need has failed.
    await expect(retryJob(world.services, made.evaluation!.uuid, 'key')).rejects.toMatchObject({
      code: 'DEPENDENCY_FAILED',
    });
    await retryJob(world.services, made.training.uuid, 'key');
    expect(await statesOf(made)).toEqual(['QUEUED', 'QUEUED', 'QUEUED']);
    expect((await Promise.all(uuids(made).map(world.job))).map(({ held }) => held)).toEqual([
      false,
      true,
      true,
    ]);
    await world.worker({});
    await world.until(made.gate!.uuid);
    expect(await statesOf(made)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
  });

  it('of one that was cancelled while it waited waits again', async () => {
    const made = await pipeline({ gate: {} });
    await cancelJob(world.db, made.evaluation!.uuid);
    await retryJob(world.services, made.evaluation!.uuid, 'key');
    expect((await Promise.all(uuids(made).map(world.job))).map(({ held }) => held)).toEqual([
      false,
      true,
      true,
    ]);
    expect(await statesOf(made)).toEqual(['QUEUED', 'QUEUED', 'QUEUED']);
  });
});

describe('a diamond of jobs', () => {
  const diamond = async () => {
    const top = await task([]);
    const [left, right] = [await task([top.uuid]), await task([top.uuid])];
    return { top, left, right, bottom: await task([left.uuid, right.uuid]) };
  };

  it('goes down both sides, and on when both have ended, whichever is last and however close', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { top, left, right, bottom } = await diamond();
      await become(top.uuid, RUNNING, SUCCEEDED);
      for (const side of [left, right])
        expect(await world.job(side.uuid)).toMatchObject({ held: false, state: 'QUEUED' });
      expect(await world.job(bottom.uuid)).toMatchObject({ held: true });
      await Promise.all([left, right].map(({ uuid }) => become(uuid, RUNNING, SUCCEEDED)));
      expect(await world.job(bottom.uuid)).toMatchObject({ held: false, state: 'QUEUED' });
    }
  });

  it('of which one side fails ends there, and the other side ends as it would', async () => {
    const { top, left, right, bottom } = await diamond();
    await become(top.uuid, RUNNING, SUCCEEDED);
    await Promise.all([become(left.uuid, RUNNING, FAILED), become(right.uuid, RUNNING, SUCCEEDED)]);
    expect(await world.job(bottom.uuid)).toMatchObject({
      state: 'CANCELLED',
      reasonCode: 'DEPENDENCY_FAILED',
    });
    expect((await world.job(right.uuid)).state).toBe('SUCCEEDED');
  });
});

describe('a job that waits', () => {
  it('is not woken by the look of a worker, nor claimed', async () => {
    const first = await task([]);
    const second = await task([first.uuid]);
    expect(await mendGraphs(world.db)).toBe(0);
    expect((await claimNext(world.services, 'w', TASK_QUEUE))?.job.uuid).toBe(first.uuid);
    expect(await claimNext(world.services, 'w', TASK_QUEUE)).toBeNull();
    expect(await world.job(second.uuid)).toMatchObject({ held: true, state: 'QUEUED' });
  });

  it('whose row another had when it was to be woken is woken by the next look', async () => {
    const first = await task([]);
    const second = await task([first.uuid]);
    await withJob(world.db, second.uuid, async () => become(first.uuid, RUNNING, SUCCEEDED));
    expect(await world.job(second.uuid)).toMatchObject({ held: true });
    const settled = await Promise.all([1, 2, 3].map(() => mendGraphs(world.db)));
    expect(settled.reduce((a, b) => a + b)).toBe(1);
    expect((await claimNext(world.services, 'w', TASK_QUEUE))?.job.uuid).toBe(second.uuid);
  });

  it('for one that was deleted is cancelled by the next look', async () => {
    const first = await task([]);
    const second = await task([first.uuid]);
    await world.db.query('DELETE FROM job WHERE id = $1', [first.uuid]);
    expect(await mendGraphs(world.db)).toBe(1);
    expect(await world.job(second.uuid)).toMatchObject({
      state: 'CANCELLED',
      reasonCode: 'DEPENDENCY_FAILED',
    });
  });

  it('is woken by the process of a task, which has no queue of its own', async () => {
    const first = await task([]);
    const second = await task([first.uuid]);
    await world.worker({}, { reapMs: 60_000 });
    expect(await world.until(second.uuid)).toMatchObject({ state: 'SUCCEEDED' });
  });
});

it('of 20 workers that race, each job of ten graphs is claimed by one, and none before what it needs', async () => {
  const graphs = await Promise.all(Array.from({ length: 10 }, () => pipeline({ gate: {} })));
  const claimed: string[] = [];
  const ended = new Set<string>();
  const worker = async (name: string) => {
    while (ended.size < 30) {
      for (const queue of [JOB_QUEUE, TASK_QUEUE]) {
        const lease = await claimNext(world.services, name, queue);
        if (!lease) continue;
        claimed.push(lease.job.uuid);
        const graph = graphs.find((one) => uuids(one).includes(lease.job.uuid))!;
        const before = uuids(graph).slice(0, uuids(graph).indexOf(lease.job.uuid));
        const rows = await world.db.query('SELECT state FROM job WHERE id = ANY ($1)', [before]);
        if (rows.some(({ state }: { state: string }) => state !== 'SUCCEEDED')) throw new Error('too early');
        await become(lease.job.uuid, SUCCEEDED);
        ended.add(lease.job.uuid);
      }
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, n) => worker(`w${n}`)));
  expect(claimed.sort()).toEqual(graphs.flatMap(uuids).sort());
});

/** A worker that is a process of its own, so that it can be killed. */
async function workerProcess(script: Script) {
  const file = join(world.dataDir, 'trainers', 'worker.mjs');
  const trainer = await scripted(world.dataDir, script);
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const config = JSON.stringify({ SHINGO_DATA_DIR: world.dataDir });
  await writeFile(
    file,
    `import { createLog } from ${at('../../src/platform/log.js')};
     import { parseConfig } from ${at('../../src/platform/config.js')};
     import { openServices, startWorker } from ${at('../../src/service.js')};
     const services = await openServices(parseConfig(${config}), ${JSON.stringify(world.databaseUrl)}, createLog('silent'), 'worker');
     startWorker(services, { engine: 'cpu', name: 'process', trainer: ${JSON.stringify(trainer)}, heartbeatMs: 100 });`,
  );
  return fork(file, { stdio: 'inherit' });
}

it('a worker that is killed between the jobs of a graph costs nothing but time', async () => {
  const made = await pipeline({ gate: {} });
  const process = await workerProcess({ pace: 50 });
  try {
    await until(async () => (await world.job(made.training.uuid)).state === SUCCEEDED);
  } finally {
    process.kill('SIGKILL');
  }
  await world.worker({}, { staleSeconds: 1 });
  await world.until(made.gate!.uuid, undefined, 60_000);
  expect(await statesOf(made)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
  expect((await world.job(made.training.uuid)).attempt).toBe(1);
  expect(await world.db.query('SELECT number FROM model_version')).toEqual([{ number: 1 }]);
});
