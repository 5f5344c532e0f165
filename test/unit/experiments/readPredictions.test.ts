/** Files of predictions: what is read of each, and where what cannot be read stands. */
import { LearningTask } from '../../../src/catalog/vocabulary.js';
import { Findings } from '../../../src/datasets/formats/read/index.js';
import type { Read } from '../../../src/experiments/predictions/prediction.js';
import { readPredictions, type PredictionFormat } from '../../../src/experiments/predictions/read.js';

const read = async (
  format: PredictionFormat,
  file: string | object,
  lenient = false,
  { task = LearningTask.LIGHT_DETECTION, classes = null as string[] | null } = {},
) => {
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
  const context = { findings, otherCategory: () => (others += 1), classes };
  const all: Read[] = [];
  for await (const one of readPredictions(input, { task, format }, context)) all.push(one);
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

describe('states of lights', () => {
  const lights = (file: string, lenient = false, classes: string[] | null = null) =>
    read('JSONL', file, lenient, { task: LearningTask.LIGHT_STATE, classes });
  const answer = (change: object) =>
    JSON.stringify({ image: 'a.png', light: 3, scores: { GREEN: 0.1, RED: 0.9 }, ...change });
  const [image, position] = [{ kind: 'name', value: 'a.png' }, 'found.jsonl:1'];

  test.each([
    ['by its place', {}, { image, where: { light: 3 } }],
    [
      'by its box',
      { light: undefined, box: [1, 2, 3, 4] },
      { image, where: { box: { x: 1, y: 2, width: 3, height: 4 } } },
    ],
    ['by its annotation', { image: undefined, annotation_id: 17 }, { annotation: 17 }],
    [
      'by its id',
      { image: undefined, id: `${'ab'.repeat(32)}:4` },
      { image: { kind: 'sha256', value: 'ab'.repeat(32) }, where: { light: 4 } },
    ],
  ])('a light is named %s', async (_, change, of) => {
    const { all } = await lights(answer(change));
    expect(all).toEqual([{ kind: 'light', of, label: 2, score: 0.9, position }]);
  });

  test.each([
    ['the best score', { scores: { 'traffic light green': 0.2, OFF: 0.5, Red: 0.3 } }, 1, 0.5],
    ['of equal scores the first class', { scores: { RED: 0.5, GREEN: 0.5 } }, 0, 0.5],
    ['scores of one colour together', { scores: { RedLeft: 0.4, Red: 0.25, Green: 0.35 } }, 2, 0.65],
    ['a class with its score', { scores: undefined, class: 'YELLOW', score: 0.4 }, 3, 0.4],
    ['a class without a score', { scores: undefined, class: 'YELLOW' }, 3, null],
    ['a class that is not the best score', { class: 'GREEN' }, 0, 0.1],
  ])('the answer is %s', async (_, change, label, score) => {
    const [one] = (await lights(answer(change))).all;
    expect(one).toMatchObject({ kind: 'light', label });
    expect((one as { score: number | null }).score).toEqual(score === null ? null : expect.closeTo(score, 9));
  });

  test("a list of scores is in the order of the file's classes, else of the model version's", async () => {
    const scores = [0.1, 0.9];
    const own = await lights(`{"classes": ["RED", "OFF"]}\n${answer({ scores })}`, false, ['GREEN', 'RED']);
    expect(own.all).toMatchObject([{ label: 1, position: 'found.jsonl:2' }]);
    expect((await lights(answer({ scores }), false, ['GREEN', 'RED'])).all).toMatchObject([{ label: 2 }]);
    await expect(lights(answer({ scores }))).rejects.toThrow(/whose scores are these/);
  });

  test.each([
    ['a class that is none', answer({ class: 'BLUE' }), /:2\.class.*BLUE/],
    ['a class of scores that is none', answer({ scores: { BLUE: 1 } }), /:2\.scores.*BLUE/],
    ['too few scores', answer({ scores: [1] }), /:2\.scores: 1 scores of 2 classes \(GREEN, RED\)/],
    ['no score', answer({ scores: {} }), /:2\.scores: there is no score/],
    ['a score that is null', answer({ scores: { RED: null } }), /:2\.scores\.RED/],
    ['a score that is NaN', '{"image": "a.png", "light": 3, "scores": [NaN, 1]}', /:2: NaN is no score/],
    ['a logit', answer({ scores: [-3.2, 5.1] }), /:2\.scores\.GREEN: -3\.2 is no score/],
    ['scores of more than 1', answer({ scores: { RED: 0.9, RedLeft: 0.9 } }), /:2\.scores.*1\.8/],
    ['no answer', answer({ scores: undefined }), /:2: an answer was expected/],
    ['no light', answer({ light: undefined }), /:2: which light is it/],
    ['half a light', answer({ light: 1.5 }), /:2\.light: 1\.5/],
    ['another id', answer({ id: 'a.png:3' }), /:2\.id/],
    ['no image', answer({ image: '' }), /:2\.image/],
  ])('%s is refused with its place', async (_, second, message) => {
    await expect(lights(`${answer({})}\n${second}\n`, false, ['GREEN', 'RED'])).rejects.toMatchObject({
      message: expect.stringMatching(message),
    });
  });

  test('an unknown class is kept aside by a lenient reader', async () => {
    const { all, unknown } = await lights(`${answer({ class: 'BLUE' })}\n`, true);
    expect(all).toEqual([{ kind: 'image', image, position }]);
    expect(unknown).toMatchObject([{ field: 'class', value: '"BLUE"', count: 1 }]);
  });
});
