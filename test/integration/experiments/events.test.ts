import {
  ConditionMetricEvent,
  DoneEvent,
  MetricEvent,
  type ExperimentEvent,
  type NewMetric,
} from '../../../src/experiments/events/event.js';
import { BLOCK_POINTS } from '../../../src/experiments/events/blocks.js';
import { followExperiment } from '../../../src/experiments/events/follow.js';
import { appendEvents, readEvents } from '../../../src/experiments/events/log.js';
import { cancelJob } from '../../../src/jobs/jobService.js';
import { createWorld, type World } from '../../faults/world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());

const gone = new AbortController().signal;
const metric = (step: number, value = 1): NewMetric => ({
  kind: 'METRIC',
  name: 'loss',
  split: 'TRAIN',
  condition: null,
  step,
  value,
  n: 3,
  lower: null,
  upper: null,
  method: null,
});
const append = (uuid: string, ...events: NewMetric[]) =>
  world.db.transaction((manager) => appendEvents(manager, uuid, events));
const experiment = async () => (await world.train()).experimentUuid;

async function read(
  uuid: string,
  afterSeq: number,
  enough: (event: ExperimentEvent) => boolean,
): Promise<ExperimentEvent[]> {
  const seen: ExperimentEvent[] = [];
  for await (const event of await followExperiment(world, uuid, afterSeq, gone)) {
    seen.push(event);
    if (enough(event)) break;
  }
  return seen;
}

it('keeps every number there is', async () => {
  const uuid = await experiment();
  const values = [NaN, Infinity, -Infinity, -0, 0.1 + 0.2, Number.MAX_VALUE, Number.MIN_VALUE, 1 / 3];
  await append(uuid, ...values.map((value, index) => metric(index + 1, value)));
  const read = (await readEvents(world.db, uuid, 1, 100)) as MetricEvent[];
  expect(read.map(({ value }) => value)).toEqual(values);
  expect(read[0]).toBeInstanceOf(MetricEvent);
  await append(uuid, { ...metric(1), condition: 'night', lower: 0.25, upper: 0.75, method: 'WILSON' });
  const [last] = await readEvents(world.db, uuid, 1 + values.length, 1);
  expect(last).toBeInstanceOf(ConditionMetricEvent);
  expect(last).toMatchObject({ condition: 'night', lower: 0.25, upper: 0.75, method: 'WILSON' });
});

it('has no gap and no disorder, however many write at once and give up', async () => {
  const uuid = await experiment();
  let writing = true;
  const seen: number[] = [];
  const reader = (async () => {
    for (let cursor = 0; writing || cursor < 401;) {
      for (const { seq } of await readEvents(world.db, uuid, cursor, 7)) {
        seen.push(seq);
        cursor = seq;
      }
    }
  })();
  await Promise.all(
    Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; i < 10; i += 1) {
        await append(uuid, ...Array.from({ length: 5 }, () => metric(writer + 1)));
        const givesUp = world.db.transaction(async (manager) => {
          await appendEvents(manager, uuid, [metric(99)]);
          throw new Error('rolled back');
        });
        await expect(givesUp).rejects.toThrow('rolled back');
      }
    }),
  );
  writing = false;
  await reader;
  expect(seen).toEqual(Array.from({ length: 401 }, (_, index) => index + 1));
});

describe('a reader', () => {
  it('that comes back with its last seq misses nothing and sees nothing twice', async () => {
    const uuid = await experiment();
    const writer = (async () => {
      for (let i = 1; i <= 60; i += 1) await append(uuid, metric(i), metric(i));
    })();
    const seen: number[] = [];
    while (seen.length < 121) {
      const goal = Math.min(121, seen.length + 1 + (seen.length % 13));
      seen.push(...(await read(uuid, seen.at(-1) ?? 0, ({ seq }) => seq >= goal)).map(({ seq }) => seq));
    }
    await writer;
    expect(seen).toEqual(Array.from({ length: 121 }, (_, index) => index + 1));
  });

  it('gets more than a page, in order', async () => {
    const uuid = await experiment();
    await append(uuid, ...Array.from({ length: 1_200 }, (_, index) => metric(index + 1)));
    const seen = await read(uuid, 0, ({ seq }) => seq === 1_201);
    expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: 1_201 }, (_, index) => index + 1));
  });

  it('is told of the end, also one that comes after it', async () => {
    const { uuid, experimentUuid } = await world.train();
    const reading = read(experimentUuid, 0, () => false);
    await cancelJob(world.db, uuid);
    const seen = await reading;
    expect(seen.at(-1)).toBeInstanceOf(DoneEvent);
    expect(await read(experimentUuid, 0, () => false)).toEqual(seen);
    expect(await read(experimentUuid, seen.length, () => false)).toEqual([]);
    await expect(append(experimentUuid, metric(1))).rejects.toThrow('closed');
  });

  it('with a cursor of another log, or of none, is told so', async () => {
    const uuid = await experiment();
    await expect(followExperiment(world, uuid, 2, gone)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(followExperiment(world, uuid, -1, gone)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(followExperiment(world, world.project, 0, gone)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('that goes away ends at once', async () => {
    const events = await followExperiment(world, await experiment(), 1, gone);
    const next = events.next();
    const started = Date.now();
    await events.return?.();
    expect((await next).done).toBe(true);
    expect(Date.now() - started).toBeLessThan(1_000);
  });
});

test('a batch reads no more than the points of its own blocks, however long the experiment is', async () => {
  const uuid = await experiment();
  const batch = (from: number) =>
    Array.from({ length: 1000 }, (_, n) => ({ ...metric(from + n, Math.sin(n)), name: `loss ${n % 4}` }));
  for (let n = 0; n < 20; n++) await append(uuid, ...batch(n * 1000));
  // With what PostgreSQL knows of a table that has been there for a while it may choose another way.
  await world.db.query('ANALYZE experiment_event, metric_block');
  const read = await world.db.transaction(async (manager) => {
    const readSoFar = async () => {
      const [row]: [{ rows: number }] = await manager.query(
        `SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_xact_user_tables WHERE relname = 'experiment_event'`,
      );
      return row.rows;
    };
    // It may still have what transactions before this one have read.
    const before = await readSoFar();
    await appendEvents(manager, uuid, batch(20_000));
    return (await readSoFar()) - before;
  });
  expect(read).toBeGreaterThanOrEqual(3 * BLOCK_POINTS);
  expect(read).toBeLessThan(1000 + 4 * BLOCK_POINTS);
});
