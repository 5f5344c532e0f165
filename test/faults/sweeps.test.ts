/** Sweeps: which trials there are, which go on and which is best; what is refused, and what survives. */
import { randomUUID } from 'node:crypto';
import { Split } from '../../src/catalog/vocabulary.js';
import { readEvents } from '../../src/experiments/events/log.js';
import { selectOne } from '../../src/graphql/select.js';
import { mendGraphs } from '../../src/jobs/graph/mend.js';
import { cancelJob } from '../../src/jobs/jobService.js';
import type { SpaceParameter } from '../../src/jobs/sweep/space.js';
import { startSweep, type StartSweep } from '../../src/jobs/sweep/startSweep.js';
import { Sweep, SweepStrategy } from '../../src/jobs/sweep/sweep.js';
import { bestOf, cancelSweep, trialsOf } from '../../src/jobs/sweep/sweepService.js';
import type { Worker } from '../../src/jobs/index.js';
import { claimNext } from '../../src/jobs/worker/claim.js';
import { createWorld, until, type World } from './world.js';

let world: World;
let workers: Worker[] = [];
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());
beforeEach(() => world.db.query('DELETE FROM job; DELETE FROM sweep; DELETE FROM experiment'));
afterEach(async () => {
  await Promise.all(workers.map((one) => one.stop()));
  workers = [];
});

const slots = (count: number) => ({ seats: [{ engine: 'cpu' as const, device: null, count }] });
const work = async (...given: Parameters<World['worker']>) => {
  workers.push(await world.worker(...given));
};

const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
const rates: SpaceParameter = { name: 'learningRate', kind: 'choice', values: RATES };

const sweep = (given: Partial<StartSweep> = {}): Promise<Sweep> =>
  startSweep(world.services, {
    ...{ name: 'rates', datasetVersionUuid: world.versionUuid, modelUuid: world.modelUuid },
    ...{ parameters: { epochs: 4, patience: null }, space: [rates], strategy: SweepStrategy.GRID },
    ...{ seed: 1, maxConcurrent: 4, minEpochs: 1, reduction: 2 },
    ...{ metric: { name: 'loss', split: Split.VALIDATION }, idempotencyKey: randomUUID() },
    ...given,
  });
const again = async ({ uuid }: Sweep) => (await selectOne(world.db, Sweep, uuid))!;
const trials = (of: Sweep) => trialsOf(world.context().load, world.db, of);
const over = (of: Sweep, ms?: number) =>
  until(async () => {
    const found = await again(of);
    return found.finishedAt ? found : null;
  }, ms);
const epochsOf = async (experimentUuid: string) =>
  (await readEvents(world.db, experimentUuid, 0, 10_000)).flatMap((event) =>
    'step' in event && event.name === 'loss' && event.split === 'TRAIN' ? [event.step] : [],
  );
const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: { code?: string; errors?: { code: string }[] }) => error.code ?? error.errors?.[0]?.code,
  );

describe('a sweep over a grid', () => {
  it('trains every combination, so many at a time, and knows the best', async () => {
    const started = await sweep({ maxConcurrent: 3 });
    const queued = await trials(started);
    expect(queued.map(({ waiting }) => waiting)).toEqual([...Array(3).fill(false), ...Array(5).fill(true)]);
    await work({ bestRate: 0.01 }, slots(3));
    expect(await over(started)).toMatchObject({ state: 'SUCCEEDED', rungs: [] });
    const done = await trials(started);
    expect(done.map(({ parameters }) => parameters[0]?.number)).toEqual(RATES);
    expect(done.map(({ state }) => state)).toEqual(Array(8).fill('SUCCEEDED'));
    const best = bestOf(started, done);
    expect(best).toMatchObject({ number: 5, best: { step: 4, value: 0.25, n: 4, lower: null } });
    expect(await epochsOf(best!.experimentUuid)).toEqual([1, 2, 3, 4]);
  });

  it('compares by a metric of a condition, with its interval', async () => {
    const metric = { name: 'accuracy', split: Split.VALIDATION, condition: 'night' };
    const started = await sweep({ metric, space: [{ ...rates, values: [0.1, 0.01] }] });
    await work({ bestRate: 0.01 }, slots(2));
    await over(started);
    const best = bestOf(started, await trials(started));
    expect(best).toMatchObject({
      number: 2,
      best: { step: 4, value: 0.8, lower: 0.15, upper: 0.85, method: 'WILSON' },
    });
    const [{ text }] = await world.db.query(
      "SELECT text FROM experiment_parameter WHERE experiment_id = $1 AND name = 'monitor.condition'",
      [best!.experimentUuid],
    );
    expect(text).toBe('night');
  });

  it('goes on when trials fail, and has failed when all have', async () => {
    const started = await sweep({ maxConcurrent: 2 });
    const [first] = await trials(started);
    await cancelJob(world.db, first!.jobUuid);
    expect((await trials(started)).filter(({ waiting }) => !waiting)).toHaveLength(3);
    await work({ fail: { code: 'LOSS_NOT_FINITE', message: 'The loss is NaN.' } }, slots(2));
    expect(await over(started)).toMatchObject({ state: 'FAILED' });
    expect(bestOf(started, await trials(started))).toBeNull();
  });
});

describe('successive halving', () => {
  const halving = (given: Partial<StartSweep> = {}) =>
    sweep({ strategy: SweepStrategy.SUCCESSIVE_HALVING, ...given });

  it('kills the worse half at each rung, and the rest go on where they were', async () => {
    const started = await halving();
    expect(started.rungs).toEqual([1, 2, 4]);
    await work({ bestRate: 0.01 }, slots(4));
    expect(await over(started)).toMatchObject({ state: 'SUCCEEDED', rung: 2 });
    const done = await trials(started);
    // Powers of ten away from 0.01: 2, 1.5, 1, 0.52, 0, 0.48, 1, 1.5; of equals the first.
    expect(done.map(({ rung }) => rung)).toEqual([0, 0, 1, 1, 2, 2, 0, 0]);
    expect(done[4]).toMatchObject({ state: 'SUCCEEDED', rung: 2 });
    for (const one of done) {
      const epochs = await epochsOf(one.experimentUuid);
      expect(epochs).toEqual([1, 2, 3, 4].slice(0, started.rungs[one.rung]));
      if (one.rung < 2) expect(one).toMatchObject({ state: 'CANCELLED', reason: { code: 'SWEEP_PRUNED' } });
      else expect(one.state).toBe('SUCCEEDED');
    }
    expect(bestOf(started, done)?.number).toBe(5);
  });

  it('comes to the same losses as a training that never stopped', async () => {
    await work({}, slots(2));
    const started = await halving({
      space: [{ name: 'seed', kind: 'choice', values: [3, 4] }],
      trials: null,
    });
    await over(started);
    const survivor = (await trials(started)).find(({ state }) => state === 'SUCCEEDED')!;
    const { seed } = Object.fromEntries(survivor.parameters.map(({ name, number }) => [name, number]));
    const monitor = { metric: 'loss', split: 'VALIDATION', mode: 'min' };
    const plain = await world.train({ parameters: { epochs: 4, patience: null, seed, monitor } });
    await world.until(plain.uuid);
    const losses = async (uuid: string) =>
      (await readEvents(world.db, uuid, 0, 1000)).flatMap((event) => ('value' in event ? [event.value] : []));
    expect(await losses(survivor.experimentUuid)).toEqual(await losses(plain.experimentUuid));
  });

  it('has what is not a number lose, and a trial that failed is none to wait for', async () => {
    const started = await halving({ space: [{ ...rates, values: [0.01, 0.1, 0.2, 0.3] }], reduction: 2 });
    const [, , third] = await trials(started);
    await cancelJob(world.db, third!.jobUuid);
    await work({ bestRate: 0.3, nanRate: 0.3 }, slots(2));
    await over(started);
    const done = await trials(started);
    expect(done.map(({ state, reason }) => reason?.code ?? state)).toEqual([
      ...['SWEEP_PRUNED', 'SUCCEEDED', 'CANCELLED', 'SWEEP_PRUNED'],
    ]);
    expect(done[3]).toMatchObject({ best: { value: NaN } });
  });

  it('survives a worker that is killed, and a look at every moment changes nothing', async () => {
    const started = await halving({ maxConcurrent: 2 });
    let looking = true;
    const looks = (async () => {
      while (looking) await mendGraphs(world.db);
    })();
    try {
      await work({ bestRate: 0.01, dieInEpoch: 2 }, slots(2));
      // As after a crash: claimed by someone who is no more.
      const lease = await claimNext(world.services, 'dead');
      if (lease)
        await world.db.query("UPDATE job SET heartbeat_at = now() - interval '20 s' WHERE id = $1", [
          lease.job.uuid,
        ]);
      expect(await over(started, 90_000)).toMatchObject({ state: 'SUCCEEDED' });
    } finally {
      looking = false;
      await looks;
    }
    const done = await trials(started);
    expect(done.filter(({ state }) => state === 'SUCCEEDED')).toHaveLength(2);
    expect(bestOf(started, done)?.number).toBe(5);
    for (const one of done)
      expect(await epochsOf(one.experimentUuid)).toEqual([1, 2, 3, 4].slice(0, started.rungs[one.rung]));
  });
});

describe('a sweep that is cancelled', () => {
  it('ends all of its trials, those that run within moments', async () => {
    const started = await sweep({ maxConcurrent: 2 });
    await work({ pace: 200 }, slots(1));
    await until(async () => (await trials(started)).some(({ state }) => state === 'RUNNING'));
    await cancelSweep(world.db, started.uuid);
    expect(await over(started)).toMatchObject({ state: 'CANCELLED' });
    expect((await trials(started)).map(({ state }) => state)).toEqual(Array(8).fill('CANCELLED'));
    expect((await cancelSweep(world.db, started.uuid)).state).toBe('CANCELLED');
  });

  it('half-way, by a process that died, is ended by the next look', async () => {
    const started = await sweep();
    await world.db.query("UPDATE sweep SET state = 'CANCELLING'");
    await mendGraphs(world.db);
    expect(await again(started)).toMatchObject({ state: 'CANCELLED' });
  });

  it('when it is over is refused', async () => {
    await work({ fail: { code: 'X', message: 'no' } }, slots(4));
    const started = await sweep();
    await over(started);
    expect(await codeOf(cancelSweep(world.db, started.uuid))).toBe('SWEEP_FINISHED');
    expect(await codeOf(cancelSweep(world.db, randomUUID()))).toBe('NOT_FOUND');
  });
});

describe('a sweep that is asked for', () => {
  it('twice is one, and otherwise under the same key a CONFLICT', async () => {
    const idempotencyKey = 'key';
    const all = await Promise.all([1, 2, 3, 4].map(() => sweep({ idempotencyKey })));
    expect(new Set(all.map(({ uuid }) => uuid)).size).toBe(1);
    const [{ n }] = await world.db.query('SELECT count(*)::int AS n FROM job');
    expect(n).toBe(8);
    expect(await codeOf(sweep({ idempotencyKey, seed: 2 }))).toBe('CONFLICT');
    expect(await codeOf(world.train({ idempotencyKey }))).toBe('CONFLICT');
  });

  it.each<[string, SpaceParameter | SpaceParameter[], string]>([
    ['a parameter that no network has', { ...rates, name: 'learningrate' }, 'SWEEP_SPACE'],
    ['one of another network', { name: 'channels', kind: 'choice', values: [4] }, 'SWEEP_SPACE'],
    ['a value beyond the range', { ...rates, values: [0.1, 11] }, 'SWEEP_SPACE'],
    ['a value on a bound that is not in', { ...rates, values: [0] }, 'SWEEP_SPACE'],
    ['a text for a number', { ...rates, values: ['fast'] }, 'SWEEP_SPACE'],
    ['a text that is none of its', { name: 'optimizer', kind: 'choice', values: ['adam'] }, 'SWEEP_SPACE'],
    ['a fraction for a whole number', { name: 'batchSize', kind: 'choice', values: [1.5] }, 'SWEEP_SPACE'],
    ['values for each name', { name: 'classWeights', kind: 'choice', values: [1] }, 'SWEEP_SPACE'],
    ['nothing', [], 'SWEEP_SPACE'],
    ['one twice', [rates, rates], 'SWEEP_SPACE'],
    ['no number', { ...rates, values: [NaN] }, 'SWEEP_SPACE'],
    ['what cannot be together', { name: 'warmupEpochs', kind: 'choice', values: [0, 4] }, 'BAD_PARAMETER'],
    [
      'too many',
      ['seed', 'batchSize', 'stepEpochs'].map((name) => ({
        ...{ name, kind: 'range', int: true, min: 1, max: 100, log: false, count: 10 },
      })),
      'SWEEP_TOO_LARGE',
    ],
  ])('over %s is refused before anything is made', async (_, space, code) => {
    expect(await codeOf(sweep({ space: [space].flat() }))).toBe(code);
    expect(await world.db.query('SELECT 1 FROM job UNION ALL SELECT 1 FROM sweep')).toEqual([]);
  });

  it('by a metric, a condition or a split that is not measured is refused', async () => {
    const VALIDATION = Split.VALIDATION;
    expect(await codeOf(sweep({ metric: { name: 'mAP', split: VALIDATION } }))).toBe('BAD_PARAMETER');
    expect(await codeOf(sweep({ metric: { name: 'accuracy', split: Split.TEST } }))).toBe('BAD_PARAMETER');
    const snow = { name: 'accuracy', split: VALIDATION, condition: 'snow' };
    expect(await codeOf(sweep({ metric: snow }))).toBe('BAD_PARAMETER');
  });
});
