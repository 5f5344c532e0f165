/** Predictions made elsewhere: read in every format, put to their images, and measured as pycocotools does. */
import { entries } from '../../../src/platform/archive/index.js';
import { text } from 'node:stream/consumers';
import { inclusiveEnd } from '../../../src/datasets/formats/write/inclusive.js';
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
let target: { project: string; version: Version; modelId: string };
let cells: CellRow[];
beforeAll(async () => {
  io = await InAndOut.start();
  const project = await io.imported(groundTruth(scenes), 'instances.json');
  target = { project, version: await io.version(project), modelId: await modelOf(io, project) };
  const { evaluationId, message } = await send(io, target, wrapped(scenes), { format: 'COCO' });
  expect(message).toBeNull();
  cells = await cellsOf(io, evaluationId!);
});
afterAll(() => io.stop());

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
        else expect(row[of]).toBeCloseTo(cells[i]![of]!, 6);
      }
    });
  };

  test('COCO results with the ids of a COCO export of the version', async () => {
    const exported = await io.export(target.project, target.version, 'COCO');
    const files = new Map<string, string>();
    for await (const entry of entries(exported.path, {}))
      if (entry.path.endsWith('.json')) files.set(entry.path, await text(await entry.open()));
    const { images, categories } = JSON.parse(files.get('annotations/instances_train.json')!);
    const idOf = new Map<string, number>(images.map((image: any) => [image.file_name, image.id]));
    const categoryOf = (label: number) =>
      categories.find(({ name }: any) => name === `traffic light ${COLORS[label]!.toLowerCase()}`).id;
    const found = results(scenes, (index) => idOf.get(fileName(index))!).map((one) => ({
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
