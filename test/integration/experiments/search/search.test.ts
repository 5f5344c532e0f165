/** Experiments by parameters, metrics and tags, in any order, against a plain evaluation of the same rows. */
import { jest } from '@jest/globals';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { Direction } from '../../../../src/graphql/list/connection.js';
import type { Where } from '../../../../src/graphql/list/where.js';
import { newId } from '../../../../src/platform/ids.js';
import { experimentList } from '../../../../src/experiments/experiment.js';
import { listExperiments } from '../../../../src/experiments/search/experiments.js';
import { Which, type ExperimentOrder } from '../../../../src/experiments/search/order.js';
import { createTestDatabase, type TestDatabase } from '../../../support/database.js';
import { codeOf, statementsOf } from '../../graphql/support/world.js';
import {
  insertRow,
  randomExperiments,
  SERIES,
  type ExperimentRow,
  type ExperimentWorld,
} from './experimentRows.js';
import { holds, inOrder } from './plain.js';

let database: TestDatabase;
let db: DataSource;
let world: ExperimentWorld;
beforeAll(async () => {
  database = await createTestDatabase();
  ({ db } = database);
  world = await randomExperiments(db, 60, 11);
  // Another project with the same names: none of it may ever be seen.
  await randomExperiments(db, 5, 12);
});
afterAll(() => database.stop());

const page = (args: object) => listExperiments(db, world.project, args);
const numbers = (uuids: string[]) => uuids.map((uuid) => world.rows.findIndex((row) => row.uuid === uuid));
const wanted = (where: Where, order: ExperimentOrder | null) =>
  inOrder(
    world.rows.filter((row) => holds(where, row)),
    order,
  ).map((row) => world.rows.indexOf(row));

async function walk(where: Where, order: ExperimentOrder | null, size: number, backwards: boolean) {
  const found: string[] = [];
  const orderBy = order ? [order] : null;
  let cursor: string | null = null;
  for (let more = true; more;) {
    const args: object = backwards ? { last: size, before: cursor } : { first: size, after: cursor };
    const { nodes, pageInfo } = await page({ where, orderBy, ...args });
    const uuids = nodes.map((node) => node.uuid);
    if (backwards) found.unshift(...uuids);
    else found.push(...uuids);
    more = backwards ? pageInfo.hasPreviousPage : pageInfo.hasNextPage;
    if (more) expect(nodes).toHaveLength(size);
    cursor = backwards ? pageInfo.startCursor : pageInfo.endCursor;
  }
  return numbers(found);
}

const direction = fc.constantFrom(Direction.ASC, Direction.DESC);
const orders: fc.Arbitrary<ExperimentOrder | null> = fc.oneof(
  fc.constant(null),
  fc.record({
    direction,
    metric: fc
      .record({
        series: fc.constantFrom(...SERIES),
        which: fc.constantFrom(Which.LAST, Which.MIN, Which.MAX),
      })
      .map(({ series, which }) => ({ ...series, which }) as never),
  }),
  fc.record({
    direction,
    parameter: fc.record({
      name: fc.constantFrom('learning_rate', 'optimizer', 'mixed', 'layers', 'absent'),
    }),
  }),
);

const compared = fc.oneof(
  fc.record({ gt: fc.constantFrom(0.1, 0.2, 0.5) }),
  fc.record({ lte: fc.constantFrom(0.2, 0.5, 0.9) }),
  fc.record({ ne: fc.constantFrom(0.2, 0.9) }),
  fc.record({ isNull: fc.boolean() }),
);
const metrics = fc
  .record(
    {
      name: fc.record({ eq: fc.constantFrom('accuracy', 'loss', 'latency', 'absent') }),
      split: fc.record({ eq: fc.constantFrom('TRAIN', 'VALIDATION') }),
      condition: fc.oneof(fc.record({ eq: fc.constant('night') }), fc.record({ isNull: fc.boolean() })),
      class: fc.record({ isNull: fc.boolean() }),
      last: compared,
      min: compared,
      max: compared,
      points: fc.record({ gte: fc.constantFrom(1, 5, 300) }),
    },
    { requiredKeys: [] },
  )
  .map((some) => ({ metrics: { some } }));
/** One series as an order names it: what is asked of it can be asked along the order. */
const keyed = fc
  .record({
    series: fc.constantFrom(...SERIES),
    values: fc.record({ last: compared, min: compared, max: compared }, { requiredKeys: [] }),
  })
  .map(({ series: { name, ...of }, values }) => {
    const key = Object.entries(of).map(([field, value]) => [
      field,
      value === null ? { isNull: true } : { eq: value },
    ]);
    return { metrics: { some: { name: { eq: name }, ...Object.fromEntries(key), ...values } } };
  });
const parameters = fc
  .record({ name: fc.constantFrom('learning_rate', 'optimizer', 'mixed', 'layers') })
  .chain(({ name }) =>
    fc
      .constantFrom<object>(
        { number: { gt: 9 } },
        { number: { lte: 0.01 } },
        { text: { eq: '10' } },
        { text: { contains: 'dam' } },
        { boolean: { eq: true } },
        { numbers: { contains: 128 } },
        { texts: { contains: '64' } },
        { texts: { isNull: false } },
        {},
      )
      .map((value) => ({ parameters: { some: { name: { eq: name }, ...value } } })),
  );
const leaf = fc.oneof(
  metrics,
  keyed,
  parameters,
  fc.constantFrom<Where>({ tags: { some: { tag: { eq: 'night' } } } }, { state: { eq: 'FAILED' } }, {}),
);
const filters: fc.Arbitrary<Where> = fc.letrec<{ where: Where }>((tie) => ({
  where: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.record({ and: fc.array(tie('where'), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('where'), { maxLength: 3 }) }),
    fc.record({ not: tie('where') }),
  ),
})).where;

/** Read anew by each level for each row this took 30 s of 60 experiments. */
const nested: Where = {
  or: [
    { state: { eq: 'FAILED' } },
    {
      or: [
        {
          or: [
            { metrics: { some: { name: { eq: 'accuracy' }, max: { isNull: true }, points: { gte: 5 } } } },
            { metrics: { some: { split: { eq: 'VALIDATION' }, max: { ne: 0.9 }, points: { gte: 300 } } } },
            { tags: { some: { tag: { eq: 'night' } } } },
          ],
        },
        { parameters: { some: { name: { eq: 'optimizer' }, boolean: { eq: true } } } },
        { metrics: { some: { name: { eq: 'absent' }, min: { lte: 0.2 } } } },
      ],
    },
  ],
};
const byAccuracy = { direction: Direction.ASC, metric: { ...SERIES[0], which: Which.MIN } as never };

test('pages put together are the list, in any order, with ties, NaN and what is missing, in both directions', async () => {
  let several = 0;
  await fc.assert(
    fc.asyncProperty(
      filters,
      orders,
      fc.integer({ min: 1, max: 25 }),
      fc.boolean(),
      // So few that a walk along the order comes to no end and all that the filter holds of are looked for, and enough.
      fc.constantFrom(1, 4, 400),
      async (where, order, size, back, steps) => {
        const expected = wanted(where, order);
        if (expected.length > size) several++;
        const restored = jest.replaceProperty(experimentList, 'walk', steps);
        try {
          expect(await walk(where, order, size, back)).toEqual(expected);
        } finally {
          restored.restore();
        }
      },
    ),
    { numRuns: 120, examples: [[nested, byAccuracy, 6, true, 4]] },
  );
  expect(several).toBeGreaterThan(30);
});

test('a text that is longer than what its index holds is compared as a whole', async () => {
  const same = 'a'.repeat(250);
  const made = [`${same}1`, `${same}2`, 'a'.repeat(200), 'a'.repeat(199)].map((text): ExperimentRow => ({
    ...{ uuid: newId(), state: 'RUNNING', parameters: { checkpoint: text }, tags: [], metrics: [] },
  }));
  for (const [number, row] of made.entries()) await insertRow(db, world, row, 2000 + number);
  try {
    const found = async (text: object) => {
      const where = { parameters: { some: { name: { eq: 'checkpoint' }, text } } };
      return (await page({ where })).nodes.map(({ uuid }) => made.findIndex((row) => row.uuid === uuid));
    };
    expect(await found({ eq: `${same}2` })).toEqual([1]);
    expect(await found({ eq: 'a'.repeat(200) })).toEqual([2]);
    expect(await found({ eq: 'a'.repeat(199) })).toEqual([3]);
    expect(await found({ in: [`${same}1`, 'a'.repeat(199)] })).toEqual([0, 3]);
    expect(await found({ notIn: [`${same}1`, 'a'.repeat(199)] })).toEqual([1, 2]);
    expect(await found({ ne: 'a'.repeat(199) })).toEqual([0, 1, 2]);
    expect(await found({ startsWith: same })).toEqual([0, 1]);
    expect(await found({ isNull: true })).toEqual([]);
  } finally {
    await db.query('DELETE FROM experiment WHERE id = ANY ($1)', [made.map((row) => row.uuid)]);
  }
});

test('a filter and its not give every experiment exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(filters, async (where) => {
      const [those, others] = [
        await page({ where, first: 500 }),
        await page({ where: { not: where }, first: 500 }),
      ];
      const all = [...those.nodes, ...others.nodes].map((node) => node.uuid);
      expect(numbers(all).sort((a, b) => a - b)).toEqual(world.rows.map((_, number) => number));
      expect(await those.count()).toBe(those.nodes.length);
    }),
    { numRuns: 40 },
  );
});

test('an experiment that comes between two pages moves none of the others', async () => {
  const orderBy = [{ direction: Direction.DESC, metric: { ...SERIES[0], which: Which.MAX } as never }];
  const before = await page({ orderBy, first: 500 });
  const first = await page({ orderBy, first: 10 });
  const made: ExperimentRow[] = [Infinity, 0.9, 0.5, null].map((max) => ({
    ...{ uuid: newId(), state: 'RUNNING', parameters: {}, tags: [] },
    metrics: [{ series: 0, last: max ?? NaN, min: max, max, points: 1, lastStep: 0 }],
  }));
  for (const [number, row] of made.entries()) await insertRow(db, world, row, 1000 + number);
  try {
    const rest = await page({ orderBy, first: 500, after: first.pageInfo.endCursor });
    const mine = new Set(made.map((row) => row.uuid));
    const seen = [...first.nodes, ...rest.nodes].map((node) => node.uuid);
    expect(seen.filter((uuid) => !mine.has(uuid))).toEqual(before.nodes.map((node) => node.uuid));
    expect(new Set(seen).size).toBe(seen.length);
  } finally {
    await db.query('DELETE FROM experiment WHERE id = ANY ($1)', [made.map((row) => row.uuid)]);
  }
});

test('a page is one statement, one more where metrics are named, one more where it reaches those without', async () => {
  const metric = { ...SERIES[0], which: Which.MAX } as never;
  const orderBy = [{ direction: Direction.DESC, metric }];
  const where = { metrics: { some: { name: { eq: 'loss' }, max: { gt: 0.1 } } } };
  const both = { and: [where, { not: where }] };
  const sent = (args: object) => statementsOf(db, () => page(args));
  expect(await sent({ first: 3 })).toEqual(['experiment.list']);
  expect(await sent({ first: 3, where: { or: [where, both, where] } })).toEqual([
    'experiment.series',
    'experiment.list',
  ]);
  expect(await sent({ first: 3, orderBy })).toEqual(['experiment.series', 'experiment.list']);
  expect(await sent({ first: 500, orderBy, where })).toEqual([
    'experiment.series',
    'experiment.list',
    'experiment.list',
  ]);
});

test('a cursor of one metric is none of another', async () => {
  const of = (place: number) => [
    { direction: Direction.ASC, metric: { ...SERIES[place], which: Which.MIN } as never },
  ];
  const { pageInfo } = await page({ orderBy: of(3), first: 2 });
  expect(await codeOf(page({ orderBy: of(4), first: 2, after: pageInfo.endCursor }))).toBe('INVALID_CURSOR');
  expect(
    await codeOf(
      page({ orderBy: [{ direction: Direction.ASC, parameter: { name: 'a' } }], after: pageInfo.endCursor }),
    ),
  ).toBe('INVALID_CURSOR');
});

test('an order that cannot be is refused with what to do', async () => {
  const orderBy = (...orders: object[]) =>
    codeOf(page({ orderBy: orders.map((order) => ({ direction: Direction.ASC, ...order })) }));
  expect(await orderBy({})).toBe('BAD_USER_INPUT');
  expect(await orderBy({ field: 'name', parameter: { name: 'epochs' } })).toBe('BAD_USER_INPUT');
  expect(await orderBy({ parameter: { name: 'epochs' } }, { field: 'name' })).toBe('BAD_USER_INPUT');
  // loss has two splits.
  expect(await orderBy({ metric: { name: 'loss', which: Which.LAST } })).toBe('BAD_USER_INPUT');
  expect(await orderBy({ metric: { name: 'accuracy', which: Which.LAST } })).toBe('no error');
});
