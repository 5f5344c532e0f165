/** Files of predictions: what is read of each, and where what cannot be read stands. */
import { Findings } from '../../../src/datasets/formats/read/index.js';
import type { Read } from '../../../src/experiments/predictions/prediction.js';
import { readPredictions, type PredictionFormat } from '../../../src/experiments/predictions/read.js';

const read = async (format: PredictionFormat, file: string | object, lenient = false) => {
  const path = format === 'JSONL' ? 'found.jsonl' : 'found.json';
  const bytes = Buffer.from(typeof file === 'string' ? file : JSON.stringify(file));
  const findings = new Findings(lenient);
  let others = 0;
  const input = {
    name: path,
    files: [
      {
        path,
        bytes: bytes.length,
        open: async function* () {
          yield bytes;
        },
      },
    ],
  };
  const context = { findings, otherCategory: () => (others += 1) };
  const all: Read[] = [];
  for await (const one of readPredictions(input, format, context)) all.push(one);
  return { all, others, unknown: [...findings.unknown.values()] };
};

const box = { class: 'RED', score: 0.5, x: 1, y: 2, width: 9, height: 20 };
const line = (detection: object = {}, change: object = {}) =>
  JSON.stringify({ image: 'a.png', detections: [{ ...box, ...detection }], ...change });

describe('JSON lines', () => {
  test('name an image by its file or its digest', async () => {
    const { all } = await read(
      'JSONL',
      `${line()}\n\n${line({}, { image: 'ab'.repeat(32), detections: [] })}\n`,
    );
    expect(all).toEqual([
      { kind: 'image', image: { kind: 'name', value: 'a.png' }, position: 'found.jsonl:1' },
      {
        ...{ kind: 'detection', image: { kind: 'name', value: 'a.png' }, label: 2, score: 0.5 },
        ...{ x: 1, y: 2, width: 9, height: 20, position: 'found.jsonl:1.detections[0]' },
      },
      { kind: 'image', image: { kind: 'sha256', value: 'ab'.repeat(32) }, position: 'found.jsonl:3' },
    ]);
  });

  test.each([
    ['an unknown class', line({ class: 'BLUE' }), 'LABELS_UNKNOWN_VALUE', /:2\.detections\[0\]\.class.*BLUE/],
    ['a light without a colour', line({ class: 'traffic light' }), 'LABELS_UNKNOWN_VALUE', /traffic light/],
    ['a score above 1', line({ score: 1.5 }), 'LABELS_INVALID', /:2\.detections\[0\]\.score/],
    ['a score that is a text', line({ score: '0.5' }), 'LABELS_INVALID', /:2\.detections\[0\]\.score/],
    ['a box without a size', line({ width: -3 }), 'LABELS_INVALID', /:2\.detections\[0\]: .*no box/],
    ['a box that is nowhere', line({ x: null }), 'LABELS_INVALID', /:2\.detections\[0\]\.x/],
    ['no detections', '{"image": "a.png"}', 'LABELS_INVALID', /:2\.detections/],
    ['no image', '{"detections": []}', 'LABELS_INVALID', /:2\.image/],
    ['no JSON', '{"image": ', 'LABELS_INVALID', /:2: this is not JSON/],
  ])('%s is refused with its place', async (_, second, code, message) => {
    await expect(read('JSONL', `${line()}\n${second}\n`)).rejects.toMatchObject({
      ...{ code, message: expect.stringMatching(message) },
    });
  });

  test('a lenient reader keeps unknown classes aside', async () => {
    const { all, unknown } = await read(
      'JSONL',
      `${line({ class: 'BLUE' })}\n${line({ class: 'BLUE' })}`,
      true,
    );
    expect(all.map(({ kind }) => kind)).toEqual(['image', 'image']);
    expect(unknown).toEqual([
      { field: 'class', value: '"BLUE"', count: 2, position: 'found.jsonl:1.detections[0].class' },
    ]);
  });
});

test.each([
  ['red', 2],
  ['RedLeft', 2],
  ['traffic light green straight', 0],
  ['yellow_left', 3],
  ['Off', 1],
])('the class %s is a colour', async (name, label) => {
  const { all } = await read('JSONL', line({ class: name }));
  expect(all[1]).toMatchObject({ label });
});

describe('COCO results', () => {
  const result = { image_id: 7, category_id: 1, bbox: [1, 2, 9, 20], score: 0.5 };

  test('of numbers go by an export of ours: 196 is green, 3 no light', async () => {
    const bare = [
      { ...result, category_id: 196 },
      { ...result, image_id: 'b/a.png', category_id: 3 },
    ];
    const { all, others } = await read('COCO', bare);
    expect(all).toMatchObject([
      { kind: 'detection', image: { kind: 'id', value: '7' }, label: 0 },
      { kind: 'image', image: { kind: 'name', value: 'b/a.png' } },
    ]);
    expect(others).toBe(1);
  });

  test('go by the lists of the file, wherever they stand', async () => {
    const { all } = await read('COCO', {
      annotations: [result, { image_id: 7, category_id: 1, bbox: [0, 0, 1, 1] }],
      categories: [{ id: 1, name: 'Yellow' }],
      images: [{ id: 7, file_name: 'a.png' }],
    });
    expect(all).toMatchObject([
      { kind: 'source', id: '7', name: 'a.png', sha256: null },
      { kind: 'detection', image: { kind: 'id', value: '7' }, label: 3 },
    ]);
  });

  test.each([
    ['three sides', { bbox: [1, 2, 3] }, 'LABELS_INVALID', /found\.json:\[0\]\.bbox/],
    ['no score', { score: undefined }, 'LABELS_INVALID', /found\.json:\[0\]\.score/],
    [
      'a category of nobody',
      { category_id: 77 },
      'LABELS_UNKNOWN_VALUE',
      /found\.json:\[0\]\.category_id.*77/,
    ],
  ])('%s is refused with its place', async (_, change, code, message) => {
    await expect(read('COCO', [{ ...result, ...change }])).rejects.toMatchObject({
      ...{ code, message: expect.stringMatching(message) },
    });
  });
});

test('Scalabel boxes include their last pixel; other things than lights are left aside', async () => {
  const label = { category: 'traffic light', score: 0.25, box2d: { x1: 1, y1: 2, x2: 9, y2: 21 } };
  const { all, others } = await read('SCALABEL', {
    frames: [
      {
        name: 'a.png',
        labels: [
          { ...label, attributes: { trafficLightColor: 'red' } },
          { ...label, category: 'car' },
        ],
      },
    ],
  });
  expect(all[1]).toMatchObject({ label: 2, score: 0.25, x: 1, y: 2, width: 9, height: 20 });
  expect([all.length, others]).toEqual([2, 1]);
});
