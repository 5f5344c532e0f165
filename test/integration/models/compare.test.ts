import { LearningTask } from '../../../src/catalog/vocabulary.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { generator } from '../../../src/training/random.js';
import {
  createRegistryWorld,
  NIGHT,
  newEvaluation,
  newExperiment,
  newVersionOf,
  right,
  wrong,
  type Answer,
  type RegistryWorld,
} from '../../support/registry.js';
import { startTestService, type TestService } from '../../support/service.js';
import { statementsOf } from '../graphql/support/world.js';

let service: TestService;
let world: RegistryWorld;
beforeAll(async () => {
  service = await startTestService();
  world = await createRegistryWorld(service.db, 60);
});
afterAll(() => service.stop());

const SLICES = `tested alpha slices { metric class condition conditionVersion sizeBin n a b difference lower upper method
  counts { both onlyA onlyB neither } p adjustedP verdict }`;
const ARGUMENTS = `$a: ID!, $b: ID!, $metrics: [String!], $conditions: [String], $classes: [String], $sizeBins: [Int],
  $split: Split, $datasetVersionId: ID`;
const PASSED = `a: $a, b: $b, metrics: $metrics, conditions: $conditions, classes: $classes, sizeBins: $sizeBins,
  split: $split, datasetVersionId: $datasetVersionId`;
const QUERY = `query (${ARGUMENTS}) { compareModels(${PASSED}) { a { id } b { id } protocol { name } ${SLICES} } }`;
const ask = (a: string, b: string, rest: object = {}) => service.ask(QUERY, { a, b, ...rest });
const compare = async (a: string, b: string, rest: object = {}) =>
  (await service.ok(QUERY, { a, b, ...rest })).compareModels;
const verdictsOf = ({ slices }: { slices: { condition: string | null; verdict: string }[] }) =>
  slices.map(({ condition, verdict }) => [condition, verdict]);

/** An evaluation of a model of its own. */
const evaluation = async (answer: Answer, of: { task?: LearningTask; in?: RegistryWorld } = {}) =>
  toGlobalId(
    'Evaluation',
    await newEvaluation(of.in ?? world, { ...(of.task && { task: of.task }) }, answer),
  );

const atNight =
  (answer: Answer): Answer =>
  (light, index) =>
    (light.conditions?.includes(NIGHT) ? answer : right)(light, index);

/** Errs on a share of the lights, by chance. */
function erring(share: number, seed: number): Answer {
  const random = generator(seed);
  return (light, index) => (random() < share ? wrong : right)(light, index);
}

test('a model is not better than its twin, whoever is a', async () => {
  const [one, twin] = [await evaluation(erring(0.1, 1)), await evaluation(erring(0.1, 1))];
  const { slices, tested, alpha, ...sides } = await compare(one, twin);
  expect(sides).toEqual({ a: { id: one }, b: { id: twin }, protocol: { name: 'light-state' } });
  expect([tested, alpha]).toEqual([3, 0.05]);
  for (const slice of slices)
    expect(slice).toMatchObject({
      difference: 0,
      p: 1,
      adjustedP: 1,
      verdict: 'NO_EVIDENCE',
      method: 'NEWCOMBE_PAIRED',
    });
});

test('two models that err equally often are told apart in 1 of 20 comparisons at most', async () => {
  let told = 0;
  for (let seed = 0; seed < 20; seed++) {
    const [a, b] = [
      await evaluation(erring(0.15, 2 * seed + 10)),
      await evaluation(erring(0.15, 2 * seed + 11)),
    ];
    const { slices } = await compare(a, b);
    if (slices.some(({ verdict }: { verdict: string }) => verdict !== 'NO_EVIDENCE')) told += 1;
  }
  expect(told).toBeLessThanOrEqual(1);
}, 60_000);

test('labels swapped at night are WORSE at night, and nowhere else', async () => {
  const [good, bad] = [await evaluation(right), await evaluation(atNight(wrong))];
  const found = await compare(good, bad, { conditions: ['night', 'rain'] });
  expect(verdictsOf(found)).toEqual([
    ['night', 'WORSE'],
    ['rain', 'NO_EVIDENCE'],
  ]);
  // Exact McNemar of 60 to 0 is 2 / 2^60, and Holm doubles the smaller of two.
  expect(found.slices[0]).toMatchObject({
    ...{ n: 60, a: 1, b: 0, difference: -1, conditionVersion: 1 },
    counts: { both: 0, onlyA: 60, onlyB: 0, neither: 0 },
  });
  expect(found.slices[0].p).toBeCloseTo(2 ** -59, 25);
  expect(found.slices[0].adjustedP).toBeCloseTo(2 ** -58, 25);
  expect(verdictsOf(await compare(bad, good, { conditions: ['night'] }))).toEqual([['night', 'BETTER']]);
});

test('of an error fewer is BETTER', async () => {
  const careless: Answer = (light, index) =>
    light.color === 'RED' && index % 3 === 0 ? 'GREEN' : light.color;
  const [a, b] = [await evaluation(careless), await evaluation(right)];
  const [slice] = (await compare(a, b, { metrics: ['red_as_green'], conditions: [null] })).slices;
  expect(slice).toMatchObject({ n: 90, b: 0, verdict: 'BETTER' });
  expect(slice.difference).toBeCloseTo(-slice.a, 12);
  expect(slice.upper).toBeLessThan(0);
});

test('figures that are no share of lights are drawn together: twins differ by nothing, others as their cells do', async () => {
  const [a, twin, b] = [
    await evaluation(erring(0.1, 5)),
    await evaluation(erring(0.1, 5)),
    await evaluation(erring(0.6, 6)),
  ];
  const metrics = ['precision', 'recall', 'f1', 'ece'];
  for (const slice of (await compare(a, twin, { metrics })).slices)
    expect(slice).toMatchObject({
      difference: 0,
      lower: 0,
      upper: 0,
      method: 'BOOTSTRAP',
      counts: null,
      verdict: 'NO_EVIDENCE',
    });
  const { slices } = await compare(a, b, { metrics, conditions: [null, 'rain'] });
  const { evaluation: cells } = await service.ok(
    `query ($b: ID!) { evaluation(id: $b) { cells(metrics: ["precision", "recall", "f1", "ece"], classes: [null],
       conditions: [null, "rain"], sizeBins: [null]) { metric condition value n } } }`,
    { b },
  );
  const byName = (list: { metric: string; condition: string | null }[]) =>
    Object.fromEntries(list.map((one: any) => [`${one.metric} ${one.condition}`, one.value ?? one.b]));
  const [ours, theirs] = [byName(slices), byName(cells.cells)];
  expect(Object.keys(ours)).toHaveLength(8);
  for (const [name, value] of Object.entries(ours))
    expect([name, value]).toEqual([name, expect.closeTo(theirs[name], 10)]);
  const f1 = slices.find((one: any) => one.metric === 'f1' && one.condition === null);
  expect(f1).toMatchObject({ verdict: 'WORSE' });
  expect(f1.lower).toBeLessThan(f1.difference);
  expect(f1.upper).toBeGreaterThan(f1.difference);
});

test('by class and size; too few lights are not tested and do not cost the others', async () => {
  const small = await createRegistryWorld(service.db, 16);
  const [a, b] = [await evaluation(right, { in: small }), await evaluation(wrong, { in: small })];
  const { slices, tested } = await compare(a, b, {
    ...{ metrics: ['recall'], classes: ['RED'], conditions: [null, 'night'], sizeBins: [null, 0, 1] },
  });
  expect(tested).toBe(2);
  expect(slices.map(({ condition, sizeBin, n, verdict }: any) => [condition, sizeBin, n, verdict])).toEqual([
    // The boxes are 8 px wide: in bin 1 of <8, 8–16.
    [null, null, 24, 'WORSE'],
    [null, 0, 0, 'INSUFFICIENT_DATA'],
    [null, 1, 24, 'WORSE'],
    ['night', null, 8, 'INSUFFICIENT_DATA'],
    ['night', 0, 0, 'INSUFFICIENT_DATA'],
    ['night', 1, 8, 'INSUFFICIENT_DATA'],
  ]);
});

const CHANGED = `query ($a: ID!, $b: ID!, $condition: String, $right: ComparisonSide, $first: Int!, $after: String) {
  compareModels(a: $a, b: $b) { changed(condition: $condition, right: $right, first: $first, after: $after) {
    nodes { sha256 light label a b right conditions url image { fileName } } pageInfo { hasNextPage endCursor } } } }`;

async function changed(a: string, b: string, rest: { condition?: string; right?: string; first: number }) {
  const nodes: any[] = [];
  let pages = 0;
  for (let after: string | null = null; ; pages++) {
    const { compareModels }: any = await service.ok(CHANGED, { a, b, after, ...rest });
    nodes.push(...compareModels.changed.nodes);
    after = compareModels.changed.pageInfo.endCursor;
    if (!compareModels.changed.pageInfo.hasNextPage) return { nodes, pages: pages + 1 };
  }
}

describe.each([LearningTask.LIGHT_STATE, LearningTask.LIGHT_DETECTION])(
  'lights that changed sides, of %s',
  (task) => {
    test('come page by page, each once, with what each said', async () => {
      const [a, b] = [await evaluation(right, { task }), await evaluation(atNight(wrong), { task })];
      const { nodes, pages } = await changed(a, b, { first: 25 });
      expect(pages).toBe(3);
      expect(new Set(nodes.map(({ sha256 }) => sha256)).size).toBe(60);
      expect(nodes).toHaveLength(60);
      for (const node of nodes) {
        expect(node).toMatchObject({
          right: 'A',
          a: node.label,
          conditions: ['night'],
          url: `/blobs/${node.sha256}`,
          light: 2,
        });
        expect(node.b).not.toBe(node.label);
      }
      expect((await changed(a, b, { first: 500 })).nodes).toEqual(nodes);
      expect((await changed(b, a, { first: 500, right: 'B' })).nodes).toHaveLength(60);
      expect((await changed(a, b, { first: 500, right: 'B' })).nodes).toEqual([]);
      expect((await changed(a, b, { first: 500, condition: 'rain' })).nodes).toEqual([]);
    });
  },
);

describe('of detections', () => {
  const task = LearningTask.LIGHT_DETECTION;
  const nothing: Answer = () => null;

  test('lights that are not found at night cost recall and AP there, and nowhere else', async () => {
    const [a, b] = [await evaluation(right, { task }), await evaluation(atNight(nothing), { task })];
    const { slices, tested } = await compare(a, b, { conditions: ['night', 'rain'] });
    expect(tested).toBe(4);
    expect(
      slices.map(({ metric, condition, verdict, a: ofA, b: ofB }: any) => [
        metric,
        condition,
        ofA,
        ofB,
        verdict,
      ]),
    ).toEqual([
      ['ap', 'night', 1, 0, 'WORSE'],
      ['ap', 'rain', 1, 1, 'NO_EVIDENCE'],
      ['recall', 'night', 1, 0, 'WORSE'],
      ['recall', 'rain', 1, 1, 'NO_EVIDENCE'],
    ]);
    expect(slices[0]).toMatchObject({ method: 'BOOTSTRAP', counts: null, n: 60 });
    expect(slices[2]).toMatchObject({
      method: 'NEWCOMBE_PAIRED',
      counts: { both: 0, onlyA: 60, onlyB: 0, neither: 0 },
    });
  });

  test('a wrong colour costs color_accuracy and not recall', async () => {
    const [a, b] = [await evaluation(right, { task }), await evaluation(atNight(wrong), { task })];
    const { slices } = await compare(a, b, {
      ...{ metrics: ['recall', 'color_accuracy', 'red_as_green'], conditions: ['night'] },
    });
    expect(slices.map(({ metric, b: value, verdict }: any) => [metric, value, verdict])).toEqual([
      ['recall', 1, 'NO_EVIDENCE'],
      ['color_accuracy', 0, 'WORSE'],
      ['red_as_green', 1, 'WORSE'],
    ]);
  });
});

test('model versions and experiments are compared by the newest evaluations that pair', async () => {
  const there = await createRegistryWorld(service.db, 30);
  const [first, second] = [await newExperiment(there), await newExperiment(there)];
  await newEvaluation(there, { experiment: first }, wrong);
  const newest = await newEvaluation(there, { experiment: first }, right);
  const other = await newEvaluation(there, { experiment: second }, right);
  const [a, b] = [await newVersionOf(there, first), toGlobalId('Experiment', second)];
  const found = await compare(a, b);
  expect([found.a.id, found.b.id]).toEqual([
    toGlobalId('Evaluation', newest),
    toGlobalId('Evaluation', other),
  ]);
  const unevaluated = await newVersionOf(there, await newExperiment(there));
  const refused = async (one: string, two: string, rest: object = {}) =>
    (await ask(one, two, rest)).errors?.[0]?.extensions.code;
  expect(await refused(a, unevaluated)).toBe('NOT_COMPARABLE');
  expect(await refused(a, b, { split: 'TRAIN' })).toBe('NOT_COMPARABLE');
  expect(await refused(a, b, { datasetVersionId: toGlobalId('DatasetVersion', world.version) })).toBe(
    'NOT_COMPARABLE',
  );
  expect(await refused(a, await evaluation(right))).toBe('NOT_COMPARABLE');
  expect(await refused(a, toGlobalId('Experiment', there.project))).toBe('NOT_FOUND');
  expect(await refused(a, b, { conditions: ['fog'] })).toBe('CONDITION_UNKNOWN');
  expect(await refused(a, b, { metrics: ['ap'] })).toBe('BAD_USER_INPUT');
  expect(await refused(a, b, { metrics: ['red_as_green'], classes: ['RED'] })).toBe('BAD_USER_INPUT');
  expect(await refused(a, b, { sizeBins: [4] })).toBe('BAD_USER_INPUT');
});

test('a comparison costs the same statements for one slice as for many', async () => {
  const [a, b] = [await evaluation(right), await evaluation(erring(0.2, 3))];
  const cost = (rest: object) => statementsOf(service.db, () => compare(a, b, rest));
  const few = await cost({ conditions: [null] });
  expect(
    await cost({
      conditions: [null, 'night', 'rain'],
      classes: [null, 'RED', 'GREEN'],
      sizeBins: [null, 0, 1, 2, 3],
    }),
  ).toEqual(few);
});
