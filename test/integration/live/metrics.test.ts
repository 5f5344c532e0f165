/** experimentMetrics: several runs at once, each after its own cursor, exactly or thinned; resumed by what it said last. */
import type { Subscription } from '../../support/foreignClient.js';
import { subscribe } from '../../support/foreignClient.js';
import { askSocket, stableCode } from '../graphql/support/answers.js';
import { points, startLogging, type LoggingWorld } from '../experiments/logging/support.js';

interface Update {
  experimentId: string;
  seq: number;
  cursor: string;
  dropped: number;
  done: boolean;
  state: string | null;
  points: { seq: number; name: string; condition: string | null; value: number | string }[];
}
interface Got {
  experimentMetrics: Update;
}

let world: LoggingWorld;
let batch = 0;
beforeAll(async () => {
  world = await startLogging();
});
afterAll(() => world.stop());

const log = async (experimentId: string, rows: object[]) =>
  expect(
    (await world.log('logMetrics', { experimentId, batchId: `b${++batch}`, points: rows })).userErrors,
  ).toEqual([]);
const finish = (experimentId: string) =>
  world.log('finishExperiment', { experimentId, batchId: `b${++batch}`, state: 'SUCCEEDED' });
const follow = (args: string, variables: object): Subscription<Got> =>
  subscribe(
    world.url,
    `subscription ($ids: [ID!]!, $after: String) { experimentMetrics(ids: $ids, after: $after ${args}) {
       experimentId seq cursor dropped done state points { seq name condition value } } }`,
    { ...variables },
  );
const updates = (got: Got[]) => got.map(({ experimentMetrics }) => experimentMetrics);
const seqs = (got: Got[], id: string) =>
  updates(got)
    .filter(({ experimentId }) => experimentId === id)
    .flatMap((update) => update.points.map(({ seq }) => seq));

test('rows of several runs come in order, go on after a cut where they stopped, and end with the last run', async () => {
  const runs = [(await world.create()).id, (await world.create()).id] as const;
  await log(runs[0], points(700));
  await log(runs[1], points(3));
  const first = follow('', { ids: runs });
  await first.until((got) => seqs(got, runs[0]).length >= 700 && seqs(got, runs[1]).length >= 3);
  first.cut();
  const { cursor } = updates(first.received).at(-1)!;
  await log(runs[1], points(2));
  await finish(runs[0]);
  const second = follow('', { ids: runs, after: cursor });
  await second.until((got) => seqs(got, runs[1]).length >= 2);
  await log(runs[1], points(4));
  await finish(runs[1]);
  await second.completed;
  for (const [run, count] of [
    [runs[0], 700],
    [runs[1], 9],
  ] as const) {
    const seen = [...seqs(first.received, run), ...seqs(second.received, run)];
    const rows: { seq: string }[] = await world.db.query(
      "SELECT v.seq FROM experiment_event v JOIN experiment e ON e.id = v.experiment_id WHERE v.kind = 'METRIC' AND e.name = $1 ORDER BY seq",
      [(await world.ok('query ($id: ID!) { experiment(id: $id) { name } }', { id: run })).experiment.name],
    );
    expect(rows).toHaveLength(count);
    expect(seen).toEqual(rows.map(({ seq }) => Number(seq)));
  }
  const over = updates(second.received).filter(({ done }) => done);
  expect(over.map(({ experimentId }) => experimentId).sort()).toEqual([...runs].sort());
  expect(over.every(({ state }) => state === 'SUCCEEDED')).toBe(true);
  await second.close();
});

test('only the names and conditions that were asked for, and the cursor goes on past the others', async () => {
  const { id } = await world.create();
  await log(id, [...points(20, 'noise'), ...points(1), { ...points(1)[0], condition: 'night' }]);
  await log(id, points(300, 'noise'));
  await finish(id);
  const stream = follow(', names: ["loss"], conditions: ["night"]', { ids: [id] });
  await stream.completed;
  const seen = updates(stream.received).flatMap((update) => update.points);
  expect(seen.map(({ name, condition }) => [name, condition])).toEqual([['loss', 'night']]);
  const { lastSeq } = (
    await world.db.query('SELECT last_seq::int AS "lastSeq" FROM experiment WHERE name = $1', [
      (await world.ok('query ($id: ID!) { experiment(id: $id) { name } }', { id })).experiment.name,
    ])
  )[0];
  expect(updates(stream.received).at(-1)!.seq).toBe(lastSeq);
  await stream.close();
});

test('a thinned stream keeps the extremes and says what it left out', async () => {
  const { id } = await world.create();
  const values = Array.from({ length: 3000 }, (_, step) => ({ name: 'loss', step, value: Math.sin(step) }));
  values[1234]!.value = 99;
  values[2345]!.value = -99;
  await log(id, values);
  await finish(id);
  const stream = follow(', maxPointsPerSecond: 100', { ids: [id] });
  await stream.completed;
  const all = updates(stream.received);
  const seen = all.flatMap((update) => update.points);
  expect(seen.length).toBeLessThanOrEqual(100);
  expect(seen.map(({ value }) => Number(value))).toEqual(expect.arrayContaining([99, -99]));
  expect(seen.length + all.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(3000);
  expect(all.at(-1)!.done).toBe(true);
  await stream.close();
});

test.each([
  ['no run', { ids: [] }, 'BAD_USER_INPUT'],
  ['51 runs', { ids: Array.from({ length: 51 }, (_, index) => `logs/e${index}`) }, 'BAD_USER_INPUT'],
  ['a run that is not there', { ids: ['logs/nowhere'] }, 'NOT_FOUND'],
  ['a cursor of other runs', { ids: ['logs/e1'], after: '1.2' }, 'INVALID_CURSOR'],
  ['a cursor past the end', { ids: ['logs/e1'], after: '99999999' }, 'BAD_USER_INPUT'],
])('%s is refused with a code', async (_, variables, code) => {
  const query =
    'subscription ($ids: [ID!]!, $after: String) { experimentMetrics(ids: $ids, after: $after) { seq } }';
  expect(stableCode(await askSocket(world, { query, variables }))).toBe(code);
});
