/** Curves keep their extremes, the best step says what else was at it, and experiments stand side by side. */
import type { DataSource } from 'typeorm';
import { appendEvents } from '../../../../src/experiments/events/log.js';
import type { NewMetric } from '../../../../src/experiments/events/event.js';
import { selectSummaries } from '../../../../src/experiments/curves/summary.js';
import { thin } from '../../../../src/experiments/curves/thin.js';
import type { Metric } from '../../../../src/experiments/metric.js';
import { toGlobalId } from '../../../../src/graphql/node.js';
import { newId } from '../../../../src/platform/ids.js';
import { generator } from '../../../../src/training/random.js';
import { startTestService, type TestService } from '../../../support/service.js';
import { statementsOf } from '../../graphql/support/world.js';
import { insertModel, insertProject, insertVersion } from '../../../faults/world.js';
import { insertRow } from './experimentRows.js';

let service: TestService;
let db: DataSource;
let ids: { project: string; model: string; version: string; series: number[] };
beforeAll(async () => {
  service = await startTestService();
  ({ db } = service);
  const project = await insertProject(db);
  const model = await insertModel(db, project);
  ids = { project, model, version: await insertVersion(db, project, []), series: [] };
});
afterAll(() => service.stop());

let made = 0;
async function newExperiment(parameters: Record<string, number | string | boolean> = {}) {
  const uuid = newId();
  await insertRow(db, ids, { uuid, state: 'RUNNING', parameters, tags: [], metrics: [] }, ++made);
  return uuid;
}

type Given = Partial<NewMetric> & { value: number; step: number };
const metric = (given: Given): NewMetric => ({
  ...{ kind: 'METRIC', name: 'loss', split: 'TRAIN', condition: null, class: null, time: null },
  ...{ n: null, lower: null, upper: null, method: null },
  ...given,
});
const log = (uuid: string, given: Given[]) =>
  db.transaction((manager) => appendEvents(manager, uuid, given.map(metric)));

/** A walk with spikes, infinities and stretches of NaN. */
function* values(count: number, seed: number): Generator<number> {
  const random = generator(seed);
  for (let n = 0, level = 1; n < count; n++) {
    level += (random() - 0.5) / 10;
    const dice = random();
    yield dice < 0.002 ? Infinity : dice < 0.01 ? level * 50 : n % 700 > 660 || dice > 0.995 ? NaN : level;
  }
}

/** Places of what a stretch keeps: smallest, greatest, first NaN; of equal ones the first. */
function kept(all: number[], stretchOf: (place: number) => number): number[] {
  const places = [...all.keys()];
  const keep = new Set([0, all.length - 1]);
  for (const own of Map.groupBy(places, stretchOf).values()) {
    const known = own.filter((place) => !Number.isNaN(all[place]));
    const first = (better: (a: number, b: number) => boolean) =>
      known.reduce(
        (best, place) => (better(all[place] as number, all[best] as number) ? place : best),
        known[0]!,
      );
    if (known.length > 0) keep.add(first((a, b) => a < b)).add(first((a, b) => a > b));
    const nan = own.find((place) => Number.isNaN(all[place]));
    if (nan !== undefined) keep.add(nan);
  }
  return [...keep].sort((a, b) => a - b);
}

test('a long curve is as few points as are asked for, none of its extremes lost, by points and by blocks', async () => {
  const all = [...values(3000, 5)];
  const uuid = await newExperiment();
  // Beside another series, so that places are not event numbers.
  for (let at = 0; at < all.length; at += 250)
    await log(
      uuid,
      all.slice(at, at + 250).flatMap((value, n) => [
        { value, step: at + n },
        { value: 0, step: at + n, name: 'other' },
      ]),
    );
  const [summaries] = await selectSummaries(db, [uuid], { names: ['loss'], first: 10 });
  for (const most of [8, 20, 50, 300, 2999]) {
    const stretches = Math.floor((most - 2) / 3);
    const shown = (points: Metric[]) => points.map(({ step, value }) => [step, value]);
    const wanted = (places: number[]) => places.map((place) => [place, all[place]]);
    const [byPoints] = await thin(db, summaries!, most);
    const per = Math.ceil(all.length / stretches);
    expect(shown(byPoints!)).toEqual(wanted(kept(all, (place) => Math.floor(place / per))));
    const [byBlocks] = await thin(db, summaries!, most, 0);
    const blocks = Math.floor(all.length / 256);
    const perBlock = Math.ceil(blocks / (stretches - 1));
    const stretch = (place: number) => (place < blocks * 256 ? Math.floor(place / 256 / perBlock) : -1);
    expect(shown(byBlocks!)).toEqual(wanted(kept(all, stretch)));
    expect(Math.max(byPoints!.length, byBlocks!.length)).toBeLessThanOrEqual(most);
  }
  const [whole] = await thin(db, summaries!, 3000);
  expect(whole!.map(({ value }) => value)).toEqual(all);
});

test('metrics(maxPoints) and curves over the API are one answer, and say what they left out', async () => {
  const uuid = await newExperiment();
  const all = [...values(900, 6)];
  await log(
    uuid,
    all.map((value, step) => ({ value, step })),
  );
  await log(uuid, [
    {
      value: 0.5,
      step: 7,
      condition: 'night',
      class: 'RED',
      n: 40,
      lower: 0.3,
      upper: 0.7,
      method: 'WILSON',
    },
  ]);
  const { experiment } = await service.ok(
    `query ($id: ID!) { experiment(id: $id) {
       metrics(maxPoints: 100, conditions: ["all"]) { seq step value }
       curves(maxPoints: 100, conditions: ["all"]) { name split condition total thinned points { seq step value } }
       rest: curves(conditions: ["night"], classes: ["RED"]) { class total thinned points { step value n lower upper } } } }`,
    { id: toGlobalId('Experiment', uuid) },
  );
  const [curve] = experiment.curves;
  expect(curve).toMatchObject({ name: 'loss', split: 'TRAIN', condition: null, total: 900, thinned: true });
  expect(curve.points).toEqual(experiment.metrics);
  expect(curve.points.length).toBeLessThanOrEqual(100);
  expect(curve.points.length).toBeGreaterThan(50);
  expect(experiment.rest).toEqual([
    {
      class: 'RED',
      total: 1,
      thinned: false,
      points: [{ step: 7, value: 0.5, n: 40, lower: 0.3, upper: 0.7 }],
    },
  ]);
});

test('maxPoints that are too few for the curves are refused with what to do', async () => {
  const uuid = await newExperiment();
  await log(
    uuid,
    ['a', 'b', 'c'].map((name) => ({ name, value: 1, step: 1 })),
  );
  const ask = async (maxPoints: number) =>
    (
      await service.ask(
        `query ($id: ID!, $n: Int!) { experiment(id: $id) { curves(maxPoints: $n) { name } } }`,
        {
          ...{ id: toGlobalId('Experiment', uuid), n: maxPoints },
        },
      )
    ).errors?.[0]?.extensions.code;
  expect(await ask(20)).toBe('BAD_USER_INPUT');
  expect(await ask(10_001)).toBe('BAD_USER_INPUT');
  expect(await ask(24)).toBeUndefined();
});

const BEST = `query ($id: ID!, $best: Best!) { experiment(id: $id) {
  bestStep(metric: {name: "accuracy", condition: "night"}, best: $best, others: [
    {name: "loss", split: TRAIN}, {name: "accuracy"}, {name: "absent"}]) {
    step metric { value n lower } others { name condition value } } } }`;

test('the best step has the others as they were at that step', async () => {
  const uuid = await newExperiment();
  const at = (step: number, night: number, all: number, loss: number | null): Given[] => [
    {
      name: 'accuracy',
      split: 'VALIDATION',
      condition: 'night',
      step,
      value: night,
      n: 30,
      lower: night / 2,
      upper: 1,
      method: 'WILSON',
    },
    { name: 'accuracy', split: 'VALIDATION', step, value: all, n: 300, lower: 0, upper: 1, method: 'WILSON' },
    ...(loss === null ? [] : [{ step, value: loss }]),
  ];
  await log(uuid, [
    ...at(1, 0.5, 0.9, 3),
    ...at(2, 0.8, 0.7, 2),
    ...at(3, 0.8, 0.95, 1),
    ...at(4, NaN, 0.99, null),
  ]);
  // An epoch that was trained again after a crash: what was logged last counts.
  await log(uuid, [{ step: 2, value: 2.5 }, ...at(5, 0.1, 0.2, null)]);
  const ask = async (best: string) =>
    (await service.ok(BEST, { id: toGlobalId('Experiment', uuid), best })).experiment.bestStep;
  expect(await ask('MAX')).toEqual({
    step: 2,
    metric: { value: 0.8, n: 30, lower: 0.4 },
    others: [
      { name: 'loss', condition: null, value: 2.5 },
      { name: 'accuracy', condition: null, value: 0.7 },
      null,
    ],
  });
  expect(await ask('MIN')).toEqual({
    step: 5,
    metric: { value: 0.1, n: 30, lower: 0.05 },
    others: [null, { name: 'accuracy', condition: null, value: 0.2 }, null],
  });
  const nothing = await newExperiment();
  const { experiment } = await service.ok(BEST, { id: toGlobalId('Experiment', nothing), best: 'MAX' });
  expect(experiment.bestStep).toBeNull();
});

test('the best step is found in blocks and after them, whatever the order of the steps', async () => {
  const uuid = await newExperiment();
  const random = generator(3);
  const steps = Array.from({ length: 700 }, (_, n) => n).sort(() => random() - 0.5);
  await log(
    uuid,
    steps.flatMap((step) => [
      { step, value: -Math.abs(step - 333) },
      { name: 'b', step, value: step * 2 },
    ]),
  );
  await log(uuid, [
    { step: 900, value: -1000 },
    { name: 'b', step: 900, value: 1 },
  ]);
  const ask = async (best: string) =>
    (
      await service.ok(
        `query ($id: ID!, $best: Best!) { experiment(id: $id) { bestStep(metric: {name: "loss"}, best: $best, others: [{name: "b"}]) { step others { value } } } }`,
        { id: toGlobalId('Experiment', uuid), best },
      )
    ).experiment.bestStep;
  expect(await ask('MAX')).toEqual({ step: 333, others: [{ value: 666 }] });
  expect(await ask('MIN')).toEqual({ step: 900, others: [{ value: 1 }] });
});

const COMPARE = `query ($ids: [ID!]!) { compareExperiments(ids: $ids) {
  experiments { name } equalParameters parameters { name values { number text boolean } }
  metrics(names: ["accuracy"]) { name split condition values { last max maxStep points maxMetric { n lower upper } lastMetric { value step n } } }
  steps: curves(metric: {name: "accuracy", condition: "night"}) { total thinned points { x value metric { step } } }
  times: curves(metric: {name: "accuracy", condition: "night"}, axis: TIME) { points { x } } } }`;

test('experiments side by side: what differs, metrics by condition with n and interval, curves on one axis', async () => {
  const one = await newExperiment({ epochs: 10, optimizer: 'Adam', seed: 1 });
  const two = await newExperiment({ epochs: 10, optimizer: 'SGD', seed: 1, flip: true });
  const bare = await newExperiment({ epochs: 10, optimizer: 'Adam', seed: 1 });
  const began = Date.parse('2024-05-01T00:00:00Z');
  const accuracy = (step: number, value: number, condition: string | null, minutes: number): Given => ({
    ...{ name: 'accuracy', split: 'VALIDATION', step, value, condition, n: 50 },
    ...{ lower: value - 0.1, upper: value + 0.1, method: 'WILSON', time: new Date(began + minutes * 60_000) },
  });
  await log(one, [
    accuracy(1, 0.5, 'night', 0),
    accuracy(2, 0.7, 'night', 1),
    accuracy(3, 0.6, 'night', 2),
    accuracy(3, 0.9, null, 2),
  ]);
  await log(two, [accuracy(1, 0.4, 'night', 600), accuracy(5, 0.8, 'night', 603)]);
  const list = [one, two, bare].map((uuid) => toGlobalId('Experiment', uuid));
  const { compareExperiments: found } = await service.ok(COMPARE, { ids: list });
  expect(found.equalParameters).toBe(2);
  expect(found.parameters).toEqual([
    { name: 'flip', values: [null, { number: null, text: null, boolean: true }, null] },
    {
      name: 'optimizer',
      values: ['Adam', 'SGD', 'Adam'].map((text) => ({ number: null, text, boolean: null })),
    },
  ]);
  expect(
    found.metrics.map((row: any) => [row.condition, row.values.map((value: any) => value?.max ?? null)]),
  ).toEqual([
    [null, [0.9, null, null]],
    ['night', [0.7, 0.8, null]],
  ]);
  expect(found.metrics[1].values[0]).toMatchObject({
    ...{ last: 0.6, maxStep: 2, points: 3, lastMetric: { value: 0.6, step: 3, n: 50 } },
    maxMetric: { n: 50, lower: expect.closeTo(0.6, 9), upper: expect.closeTo(0.8, 9) },
  });
  expect(found.steps.map((curve: any) => curve.points.map((point: any) => [point.x, point.value]))).toEqual([
    [
      [1, 0.5],
      [2, 0.7],
      [3, 0.6],
    ],
    [
      [1, 0.4],
      [5, 0.8],
    ],
    [],
  ]);
  expect(found.times.map((curve: any) => curve.points.map((point: any) => point.x))).toEqual([
    [0, 60, 120],
    [0, 180],
    [],
  ]);
  // Costs the same for three as for one.
  const few = await statementsOf(db, () => service.ok(COMPARE, { ids: list.slice(0, 1) }));
  const many = await statementsOf(db, () => service.ok(COMPARE, { ids: list }));
  expect(many.sort()).toEqual(few.sort());
});

test('what cannot be compared is refused', async () => {
  const known = toGlobalId('Experiment', await newExperiment());
  const ask = async (ids: string[]) => {
    const answer = await service.ask(
      `query ($ids: [ID!]!) { compareExperiments(ids: $ids) { equalParameters } }`,
      { ids },
    );
    return answer.errors?.[0]?.extensions.code;
  };
  expect(await ask([known])).toBeUndefined();
  expect(await ask([])).toBe('BAD_USER_INPUT');
  expect(await ask([known, known])).toBe('BAD_USER_INPUT');
  expect(await ask(Array.from({ length: 21 }, () => toGlobalId('Experiment', newId())))).toBe(
    'BAD_USER_INPUT',
  );
  expect(await ask([known, toGlobalId('Experiment', newId())])).toBe('NOT_FOUND');
});
