/** Predictions made elsewhere: read in every format, put to their images, and measured as pycocotools does. */
import { entries } from '../../../src/platform/archive/index.js';
import { text } from 'node:stream/consumers';
import { inclusiveEnd } from '../../../src/datasets/formats/write/inclusive.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { InAndOut, zipOf, type Version } from '../../support/inAndOut.js';
import type { RangeFigures } from '../../unit/training/statistics/scenes.js';
import {
  cellsOf,
  COLORS,
  colored,
  fileName,
  groundTruth,
  jsonl,
  modelOf,
  results,
  send,
  SIZE,
  wrapped,
  type CellRow,
} from './support/predictions.js';

let io: InAndOut;
const { images: scenes, figures } = colored('lights');
let target: { project: string; version: Version; modelId: string; protocolId: string };
let cells: CellRow[];
beforeAll(async () => {
  io = await InAndOut.start();
  const project = await io.imported(groundTruth(scenes), 'instances.json');
  target = {
    project,
    version: await io.version(project),
    modelId: await modelOf(io, project),
    ...(await quick(project)),
  };
  const { evaluationId, message } = await send(io, target, wrapped(scenes), { format: 'COCO' });
  expect(message).toBeNull();
  cells = await cellsOf(io, evaluationId!);
});
afterAll(() => io.stop());

/** Within jest arithmetic takes twenty times as long; a hundred resamples tell as much here as a thousand. */
async function quick(projectId: string): Promise<{ protocolId: string }> {
  const { createEvaluationProtocol } = await io.service.ok(
    `mutation ($input: CreateEvaluationProtocolInput!) { createEvaluationProtocol(input: $input) {
       protocol { id } userErrors { code message } } }`,
    { input: { projectId, name: 'quick', task: 'LIGHT_DETECTION', resamples: 100 } },
  );
  return { protocolId: createEvaluationProtocol.protocol.id };
}

const valueOf = (rows: CellRow[], metric: string, label: number | null, sizeBin: number | null) =>
  rows.find(
    (cell) =>
      cell.condition === null &&
      cell.metric === metric &&
      cell.class === (label === null ? null : COLORS[label]) &&
      cell.sizeBin === sizeBin,
  )!.value;

/** Without a light COCO says nothing, and so do we. */
function expectSame(value: number | null, expected: number | null, name: string): void {
  if (expected === null) expect([name, value]).toEqual([name, null]);
  else expect([name, Math.abs(value! - expected) <= 1e-6]).toEqual([name, true]);
}

describe('the figures are those of pycocotools on the same files', () => {
  const range = (label: number | null, sizeBin: number | null, expected: RangeFigures) => {
    for (const metric of ['ap', 'ap50', 'ap75'] as const)
      expectSame(valueOf(cells, metric, label, sizeBin), expected[metric], `${metric} ${label} ${sizeBin}`);
    ['ar1', 'ar10', 'ar100'].forEach((metric, i) =>
      expectSame(valueOf(cells, metric, label, sizeBin), expected.ar[i]!, `${metric} ${label} ${sizeBin}`),
    );
  };

  test('over all classes, and of each', () => {
    range(null, null, figures.areas.overall[0]!);
    COLORS.forEach((_, label) => range(label, null, figures.areas.classes[label]![0]!));
  });

  test("in COCO's sizes", () => {
    ['small', 'medium', 'large'].forEach((size, i) => {
      expectSame(valueOf(cells, `ap_${size}`, null, null), figures.areas.overall[i + 1]!.ap, size);
      COLORS.forEach((_, label) =>
        expectSame(valueOf(cells, `ap_${size}`, label, null), figures.areas.classes[label]![i + 1]!.ap, size),
      );
    });
  });

  test('in the bins of width', () => {
    figures.widths.overall.forEach((expected, bin) => range(null, bin, expected));
    COLORS.forEach((_, label) =>
      figures.widths.classes[label]!.forEach((expected, bin) => range(label, bin, expected)),
    );
  });
});

describe('whatever the format, the same detections are the same figures', () => {
  const same = (rows: CellRow[]) => {
    expect(rows).toHaveLength(cells.length);
    rows.forEach((row, i) => {
      expect(row).toEqual({ ...cells[i], value: row.value, lower: row.lower, upper: row.upper });
      for (const of of ['value', 'lower', 'upper'] as const) {
        if (cells[i]![of] === null) expect(row[of]).toBeNull();
        else expect(row[of]).toBeCloseTo(cells[i]![of], 6);
      }
    });
  };

  test('COCO results with the ids of a COCO export of the version', async () => {
    const exported = await io.export(target.project, target.version, 'COCO');
    const files = new Map<string, string>();
    for await (const entry of entries(exported.path, {}))
      if (entry.path.endsWith('.json')) files.set(entry.path, await text(entry.open()));
    const { images, categories } = JSON.parse(files.get('annotations/instances_train.json')!);
    const idOf = new Map<string, number>(images.map((image: any) => [image.file_name, image.id]));
    const categoryOf = (label: number) =>
      categories.find(({ name }: any) => name === `traffic light ${COLORS[label]!.toLowerCase()}`).id;
    const found = results(scenes, (index) => idOf.get(fileName(index)) ?? -1).map((one) => ({
      ...one,
      category_id: categoryOf(one.category_id - 1),
    }));
    const { evaluationId, message } = await send(io, target, JSON.stringify(found), { format: 'COCO' });
    expect(message).toBeNull();
    same(await cellsOf(io, evaluationId!));
  });

  test('JSON lines, in another order', async () => {
    const lines = jsonl(scenes).trim().split('\n').reverse().join('\n');
    const { evaluationId, report } = await send(io, target, lines, { format: 'JSONL' });
    expect(report).toMatchObject({
      ...{ images: scenes.length, imagesWithout: 0, onUnlabelled: 0, onOtherSplits: 0, onUnknownImages: 0 },
      detections: scenes.reduce((sum, { detections }) => sum + detections.length, 0),
    });
    same(await cellsOf(io, evaluationId!));
  });

  test('Scalabel, whose boxes include their last pixel', async () => {
    const frames = scenes.map(({ detections }, index) => ({
      ...{ name: fileName(index), size: SIZE },
      labels: detections.map(({ label, score, x, y, width, height }, id) => ({
        ...{
          id: String(id),
          category: 'traffic light',
          score,
          attributes: { color: COLORS[label]!.toLowerCase() },
        },
        box2d: { x1: x, y1: y, x2: inclusiveEnd(x, width), y2: inclusiveEnd(y, height) },
      })),
    }));
    const { evaluationId, message } = await send(io, target, { frames }, { format: 'SCALABEL' });
    expect(message).toBeNull();
    same(await cellsOf(io, evaluationId!));
  });

  test('an archive of bare results and the ground truth that explains their ids', async () => {
    const packed = await zipOf({
      'a/results.json': JSON.stringify(results(scenes)),
      'a/instances.json': groundTruth(scenes),
    });
    const { evaluationId, message } = await send(io, target, packed, {
      format: 'COCO',
      fileName: 'found.zip',
    });
    expect(message).toBeNull();
    same(await cellsOf(io, evaluationId!));
  });
});

describe('what cannot be read is refused for what it is, with its place', () => {
  const good = {
    image: fileName(3),
    detections: [{ class: 'RED', score: 0.5, x: 1, y: 1, width: 9, height: 20 }],
  };
  const box = good.detections[0]!;
  const line = (change: object, detection: object = {}) =>
    JSON.stringify({ ...good, detections: [{ ...box, ...detection }], ...change });

  test('an unknown image ends the job, and leaves nothing', async () => {
    const lines = [JSON.stringify(good), line({ image: 'nowhere.png' })].join('\n');
    const outcome = await send(io, target, lines, { format: 'JSONL' });
    const message = expect.stringMatching(/^found\.jsonl:2: image "nowhere\.png" is not known/);
    expect(outcome).toMatchObject({ code: 'LABELS_UNKNOWN_VALUE', message });
    const [row] = await io.service.db.query(
      `SELECT e.state, e.n, (SELECT count(*)::int FROM evaluation_image i WHERE i.evaluation_id = e.id) AS images
       FROM evaluation e ORDER BY e.id DESC LIMIT 1`,
    );
    expect(row).toEqual({ state: 'FAILED', n: null, images: 0 });
  });

  test('unknown images and classes are kept aside by a lenient import, and counted', async () => {
    const lines = [line({ image: 'nowhere.png' }), line({}, { class: 'BLUE' }), JSON.stringify(good)].join(
      '\n',
    );
    const { report } = await send(io, target, lines, { format: 'JSONL', lenient: true });
    expect(report).toMatchObject({
      ...{ detections: 1, onUnknownImages: 1, imagesWithout: scenes.length - 1 },
      unknown: expect.arrayContaining([
        { field: 'image', value: '"nowhere.png"', count: 1, position: 'found.jsonl:1' },
        { field: 'class', value: '"BLUE"', count: 1, position: 'found.jsonl:2.detections[0].class' },
      ]),
    });
  });

  test('detections on another split', async () => {
    const version = await io.version(target.project, { train: 0.6, validation: 0.2, test: 0.2 });
    const rows = await io.items(version);
    const training = rows.filter(({ split }) => split === 'TRAIN').map(({ file_name }) => file_name);
    const lines = training.map((image) => line({ image })).join('\n');
    const elsewhere = await send(io, { ...target, version }, lines, { format: 'JSONL', split: 'TEST' });
    expect(elsewhere).toMatchObject({ code: 'PREDICTIONS_ELSEWHERE' });
    const [test] = rows.filter(({ split }) => split === 'TEST');
    const { report } = await send(
      io,
      { ...target, version },
      `${lines}\n${line({ image: test!.file_name })}`,
      {
        ...{ format: 'JSONL', split: 'TEST' },
      },
    );
    expect(report).toMatchObject({ detections: 1, onOtherSplits: training.length });
  });
});

test('a perfect predictor finds all, and nothing found is nothing right', async () => {
  const perfect = scenes.map(({ truths }) => ({
    truths,
    detections: truths.map(({ label, x, y, width, height }) => ({ label, score: 0.9, x, y, width, height })),
  }));
  const found = await send(io, target, jsonl(perfect), { format: 'JSONL' });
  for (const metric of ['ap', 'ap50', 'recall', 'precision', 'color_accuracy'])
    expect([metric, valueOf(await cellsOf(io, found.evaluationId!), metric, null, null)]).toEqual([
      metric,
      expect.closeTo(1, 9),
    ]);
  expect(valueOf(await cellsOf(io, found.evaluationId!), 'red_as_green', null, null)).toBe(0);
  const none = scenes.map(({ truths }) => ({ truths, detections: [] }));
  const nothing = await cellsOf(io, (await send(io, target, jsonl(none), { format: 'JSONL' })).evaluationId!);
  expect(valueOf(nothing, 'ap', null, null)).toBe(0);
  expect(valueOf(nothing, 'recall', null, null)).toBe(0);
  expect(nothing.find(({ metric, n }) => metric === 'precision' && n === 0)).toMatchObject({
    value: null,
    lower: null,
  });
});

describe('a slice from stored matches', () => {
  const slice = (conditionNames: string[], evaluationId: string) =>
    io.service.ok(
      `mutation ($input: SliceEvaluationInput!) { sliceEvaluation(input: $input) {
         evaluation { conditions { condition conditionVersion images n } } userErrors { code message } } }`,
      { input: { evaluationId, conditionNames } },
    );
  let evaluationId: string;
  beforeAll(async () => {
    evaluationId = (await send(io, target, jsonl(scenes), { format: 'JSONL' })).evaluationId!;
    await io.service.ok(
      `mutation ($input: CreateConditionInput!) { createCondition(input: $input) { condition { id } userErrors { code } } }`,
      { input: { projectId: target.project, name: 'dark', where: { timeOfDay: { eq: 'NIGHT' } } } },
    );
  });
  const unnamed = (rows: CellRow[], name: string) =>
    rows.filter(({ condition }) => condition === name).map((cell) => ({ ...cell, condition: null }));

  test('of a new condition is what the condition would have been from the start, and stays', async () => {
    const { sliceEvaluation } = await slice(['dark'], evaluationId);
    expect(sliceEvaluation.evaluation.conditions.at(-1)).toEqual({
      ...{ condition: 'dark', conditionVersion: 1, images: Math.ceil(scenes.length / 3) },
      n: scenes.reduce((sum, { truths }, i) => (i % 3 === 0 ? sum + truths.length : sum), 0),
    });
    const rows = await cellsOf(io, evaluationId, 'conditions: ["dark", "night"]');
    expect(unnamed(rows, 'dark').length).toBeGreaterThan(200);
    expect(unnamed(rows, 'dark')).toEqual(unnamed(rows, 'night'));
    await slice(['dark', 'night'], evaluationId);
    expect(await cellsOf(io, evaluationId, 'conditions: ["dark", "night"]')).toEqual(rows);
  });

  test('of a condition that has changed stands beside that of its first version', async () => {
    const [{ id }] = await io.service.db.query(
      `SELECT c.id FROM condition c JOIN project p ON p.id = c.project_id WHERE p.name = $1 AND c.name = 'rain'`,
      [target.project],
    );
    await io.service.ok(
      `mutation ($input: UpdateConditionInput!) { updateCondition(input: $input) { condition { version } userErrors { code } } }`,
      { input: { id: toGlobalId('Condition', id), where: { timeOfDay: { eq: 'DAY' } } } },
    );
    const { sliceEvaluation } = await slice(['rain'], evaluationId);
    const rain = sliceEvaluation.evaluation.conditions.filter(
      ({ condition }: CellRow) => condition === 'rain',
    );
    expect(rain.map(({ conditionVersion, images }: any) => [conditionVersion, images])).toEqual([
      [1, 0],
      [2, scenes.length - Math.ceil(scenes.length / 3)],
    ]);
  });

  test('by any filter of images, with nothing stored', async () => {
    const { evaluationSlice } = await io.service.ok(
      `query ($id: ID!, $where: ImageWhere!) { evaluationSlice(evaluationId: $id, where: $where) {
         images n cells { metric class sizeBin value n lower upper method state } } }`,
      { id: evaluationId, where: { condition: 'night', fileName: { startsWith: 'drive-3' } } },
    );
    const chosen = scenes.filter((_, i) => i % 3 === 0 && i % 7 === 3);
    expect(evaluationSlice).toMatchObject({
      ...{ images: chosen.length, n: chosen.reduce((sum, { truths }) => sum + truths.length, 0) },
    });
    expect(evaluationSlice.cells.find(({ metric }: CellRow) => metric === 'ap')).toMatchObject({
      state: 'INSUFFICIENT_DATA',
    });
    const all = await io.service.ok(
      `query ($id: ID!) { evaluationSlice(evaluationId: $id, where: {}) { cells { metric class sizeBin value n lower upper method state } } }`,
      { id: evaluationId },
    );
    const stored = await cellsOf(io, evaluationId, 'conditions: [null]');
    const key = ({ metric, class: name, sizeBin }: CellRow) => `${metric} ${name} ${sizeBin}`;
    const byKey = new Map(all.evaluationSlice.cells.map((cell: CellRow) => [key(cell), cell]));
    expect(stored.length).toBe(byKey.size);
    for (const { condition: _, conditionVersion: __, ...cell } of stored)
      expect(byKey.get(key(cell as CellRow))).toEqual(cell);
  });

  test('wants a condition that is there, and an evaluation that has figures', async () => {
    const ask = (conditionNames: string[], id: string) =>
      io.service.ask(
        `mutation ($input: SliceEvaluationInput!) { sliceEvaluation(input: $input) { userErrors { code field } } }`,
        { input: { evaluationId: id, conditionNames } },
      );
    expect((await ask(['fog-bank'], evaluationId)).data.sliceEvaluation.userErrors).toEqual([
      { code: 'CONDITION_UNKNOWN', field: ['conditionNames'] },
    ]);
    const [failed] = await io.service.db.query("SELECT id FROM evaluation WHERE state = 'FAILED' LIMIT 1");
    expect(
      (await ask(['dark'], toGlobalId('Evaluation', failed.id))).data.sliceEvaluation.userErrors,
    ).toEqual([{ code: 'EVALUATION_NOT_FINISHED', field: ['evaluationId'] }]);
  });
});

test('curves, colours and errors of each condition are there to be drawn', async () => {
  const { evaluationId } = await send(io, target, jsonl(scenes), { format: 'JSONL' });
  const { evaluation } = await io.service.ok(
    `query ($id: ID!) { evaluation(id: $id) { source name task experiment { id } model { name } protocol { name version } classes conditions {
       condition n correct colorConfusion { actual found count } curves { class iou precision }
       errors { classification localisation both duplicate background missed } reliability { n } } } }`,
    { id: evaluationId },
  );
  expect(evaluation).toMatchObject({
    ...{ source: 'IMPORTED', name: 'elsewhere', task: 'LIGHT_DETECTION', experiment: null, classes: COLORS },
    protocol: { name: 'quick', version: 1 },
  });
  const [all] = evaluation.conditions;
  for (const { class: name, iou, precision } of all.curves) {
    const expected = figures.curves[COLORS.indexOf(name)]![iou === 0.5 ? 0 : 1]!;
    precision.forEach((value: number, i: number) => expect(value).toBeCloseTo(expected[i]!, 6));
  }
  expect(all.curves).toHaveLength(8);
  const counts = all.colorConfusion.filter(({ actual }: any) => actual !== null);
  expect(counts.reduce((sum: number, { count }: any) => sum + count, 0)).toBe(all.n);
  expect(
    counts
      .filter(({ actual, found }: any) => actual === found)
      .reduce((sum: number, { count }: any) => sum + count, 0),
  ).toBe(all.correct);
  expect(all.errors.missed).toBeGreaterThan(0);
  expect(all.reliability).toBeNull();
});
