/** Whatever a network does to batches — loses answers, repeats, reorders, races — each value is there once. */
import fc from 'fast-check';
import { startLogging, type LoggingWorld } from './support.js';

let world: LoggingWorld;
beforeAll(async () => {
  world = await startLogging();
});
afterAll(() => world.stop());

interface Stored {
  seq: string;
  name: string;
  split: string | null;
  condition: string | null;
  class: string | null;
  step: number;
  value: number;
}

const uuidSql = `(SELECT e.id FROM experiment e WHERE e.name = $1)`;
const stored = (name: string): Promise<Stored[]> =>
  world.db.query(
    `SELECT seq, name, split, condition, class, step, value FROM experiment_event
     WHERE experiment_id = ${uuidSql} AND kind = 'METRIC' ORDER BY seq`,
    [name],
  );

const real = fc.oneof(
  fc.double(),
  fc.constantFrom(NaN, Infinity, -Infinity, 0, Number.MIN_VALUE, Number.MAX_VALUE),
);
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null });
const point = fc.record({
  name: fc.constantFrom('loss', 'ap50', 'Verlust/字'),
  split: maybe(fc.constantFrom('TRAIN', 'VALIDATION', 'TEST')),
  condition: maybe(fc.constantFrom('night', 'rain')),
  class: maybe(fc.constantFrom('RED', 'GREEN')),
  step: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  value: real,
});
const wire = (value: number) => (Number.isFinite(value) ? value : String(value));
/** JSON has one zero. */
const plain = (value: number) => (Object.is(value, -0) ? 0 : value);
const text = ({ name, split, condition, class: of, step, value }: Omit<Stored, 'seq'>) =>
  JSON.stringify([name, split, condition, of, step, String(plain(value))]);

it('every batch is there once, whole and in its order, however often, in whatever order and at once it is sent', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(point, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 6 }),
      fc.infiniteStream(fc.nat({ max: 1000 })),
      async (batches, random) => {
        const { id, name } = await world.create({ name: `retried-${++run}` });
        const next = () => random.next().value as number;
        // Each one to three times, in an order that has nothing to do with theirs.
        const sends = batches
          .flatMap((points, index) => Array.from({ length: 1 + (next() % 3) }, () => ({ index, points })))
          .map((send) => ({ send, at: next() }))
          .sort((a, b) => a.at - b.at)
          .map(({ send }) => send);
        const answers = await Promise.all(
          sends.map(async ({ index, points }) => {
            const given = points.map((one) => ({ ...one, value: wire(one.value) }));
            const answer = await world.log('logMetrics', {
              experimentId: id,
              batchId: `${index}`,
              points: given,
            });
            return { index, answer };
          }),
        );
        const rows = await stored(name);
        expect(rows.map(({ seq }) => Number(seq))).toEqual(rows.map((_, index) => index + 2));
        for (const [index, points] of batches.entries()) {
          const [first, ...others] = answers.filter((one) => one.index === index).map(({ answer }) => answer);
          for (const other of others) expect(other).toEqual(first);
          expect(first!.userErrors).toEqual([]);
          const mine = rows.slice(first!.firstSeq! - 2, first!.lastSeq! - 1);
          expect(mine.map(text)).toEqual(points.map(text));
        }
        expect(rows).toHaveLength(batches.flat().length);
        await expectSummaries(name, rows);
      },
    ),
    { numRuns: 25 },
  );
});

interface Kept {
  name: string;
  split: string | null;
  condition: string | null;
  class: string | null;
  points: number;
  first_seq: string;
  last_seq: string;
  last_step: number;
  last_value: number;
  min_value: number | null;
  min_step: number | null;
  max_value: number | null;
  max_step: number | null;
}

/** What is kept of each series is what its rows say. */
async function expectSummaries(name: string, rows: Stored[]): Promise<void> {
  const kept: Kept[] = await world.db.query(
    `SELECT s.name, s.split, s.condition, s.class, m.points, m.first_seq, m.last_seq, m.last_step, m.last_value,
       m.min_value, m.min_step, m.max_value, m.max_step
     FROM experiment_metric m JOIN metric_series s ON s.id = m.series_id WHERE m.experiment_id = ${uuidSql}`,
    [name],
  );
  const key = (row: Pick<Stored, 'name' | 'split' | 'condition' | 'class'>) =>
    JSON.stringify([row.name, row.split, row.condition, row.class]);
  const bySeries = Map.groupBy(rows, key);
  expect(kept.map(key).sort()).toEqual([...bySeries.keys()].sort());
  for (const one of kept) {
    const points = bySeries.get(key(one))!;
    const last = points.reduce((best, row) => (row.step >= best.step ? row : best));
    const real = points.filter(({ value }) => !Number.isNaN(value));
    const least = real.reduce<Stored | null>(
      (best, row) => (best && best.value <= row.value ? best : row),
      null,
    );
    const most = real.reduce<Stored | null>(
      (best, row) => (best && best.value >= row.value ? best : row),
      null,
    );
    expect(one).toMatchObject({
      ...{ points: points.length, first_seq: points[0]!.seq, last_seq: points.at(-1)!.seq },
      ...{ last_step: last.step, last_value: plain(last.value) },
      ...{ min_value: least && plain(least.value), min_step: least?.step ?? null },
      ...{ max_value: most && plain(most.value), max_step: most?.step ?? null },
    });
  }
}

it('20 clients that log to one experiment at once leave numbers without a gap', async () => {
  const { id, name } = await world.create({ name: 'shared' });
  const send = (client: number, n: number) =>
    world.log('logMetrics', {
      ...{ experimentId: id, batchId: `${client}/${n}` },
      points: Array.from({ length: 7 }, (_, i) => ({ name: `m${client}`, step: n * 7 + i, value: client })),
    });
  await Promise.all(
    Array.from({ length: 20 }, async (_, client) => {
      for (let n = 0; n < 3; n++) expect((await send(client, n)).userErrors).toEqual([]);
    }),
  );
  const rows = await stored(name);
  expect(rows.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: 420 }, (_, index) => index + 2));
  await expectSummaries(name, rows);
});

it('every 256 points of a series become a block that keeps first, last, least, greatest and the first NaN', async () => {
  const { id, name } = await world.create({ name: 'long' });
  const value = (step: number) => (step === 300 || step === 400 ? NaN : (step * 7919) % 1009);
  // Batches that end within blocks, that fill one exactly, and that fill several.
  let from = 0;
  for (const [batch, size] of [1, 200, 55, 256, 900, 10].entries()) {
    const steps = Array.from({ length: size }, (_, index) => from + index);
    const both = ['a', 'b'].map((series) => ({
      ...{ name: series, steps, values: steps.map(value).map(wire) },
    }));
    const answer = await world.log('logMetrics', { experimentId: id, batchId: `${batch}`, series: both });
    expect(answer.userErrors).toEqual([]);
    from += size;
  }
  const blocks = await world.db.query(
    `SELECT s.name, b.block, b.first_step, b.first_value, b.last_step, b.low_step, b.high_step, b.min_value, b.min_step,
       b.max_value, b.max_step, b.nan_step FROM metric_block b JOIN metric_series s ON s.id = b.series_id
     WHERE b.experiment_id = ${uuidSql} ORDER BY s.name, b.block`,
    [name],
  );
  const expected = ['a', 'b'].flatMap((series) =>
    Array.from({ length: Math.floor(from / 256) }, (_, block) => {
      const steps = Array.from({ length: 256 }, (__, index) => block * 256 + index);
      const real = steps.filter((step) => !Number.isNaN(value(step)));
      const by = (better: (a: number, b: number) => boolean) =>
        real.reduce((best, step) => (better(value(step), value(best)) ? step : best));
      const [low, high] = [by((a, b) => a < b), by((a, b) => a > b)];
      return {
        ...{
          name: series,
          block,
          first_step: steps[0],
          first_value: value(steps[0]!),
          last_step: steps[255],
        },
        ...{ low_step: steps[0], high_step: steps[255], min_value: value(low), min_step: low },
        ...{ max_value: value(high), max_step: high },
        nan_step: steps.find((step) => Number.isNaN(value(step))) ?? null,
      };
    }),
  );
  expect(expected).toHaveLength(10);
  expect(blocks).toEqual(expected);
});

it('takes as many statements for 2,000 points of 40 series as for two', async () => {
  const { id } = await world.create();
  const counted = async (batchId: string, count: number) => {
    const points = Array.from({ length: count }, (_, step) => ({ name: `s${step % 40}`, step, value: 1 }));
    const before = statements;
    expect((await world.log('logMetrics', { experimentId: id, batchId, points })).userErrors).toEqual([]);
    return statements - before;
  };
  let statements = 0;
  const { createQueryRunner } = world.db;
  world.db.createQueryRunner = (...args) => {
    const runner = createQueryRunner.apply(world.db, args);
    const { query } = runner;
    runner.query = ((...sql: Parameters<typeof query>) => {
      statements++;
      return query.apply(runner, sql);
    }) as typeof query;
    return runner;
  };
  try {
    await counted('names', 40);
    const few = await counted('few', 2);
    expect(few).toBeGreaterThan(3);
    expect(await counted('many', 2000)).toBe(few);
  } finally {
    world.db.createQueryRunner = createQueryRunner;
  }
});
