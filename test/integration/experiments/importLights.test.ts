/** States of lights that were predicted elsewhere: each is put to its light, and measured as those of a job are. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { LearningTask, Split } from '../../../src/catalog/vocabulary.js';
import { prepareEvaluation } from '../../../src/experiments/evaluate/prepare.js';
import { storeEvaluation } from '../../../src/experiments/evaluate/store.js';
import { insertEvaluation } from '../../../src/experiments/evaluationService.js';
import { importPredictions } from '../../../src/experiments/predictions/importPredictions.js';
import { protocolFor } from '../../../src/experiments/protocol/protocolService.js';
import { toGlobalId, uuidOf } from '../../../src/graphql/node.js';
import { entries } from '../../../src/platform/archive/index.js';
import { InAndOut, type Version } from '../../support/inAndOut.js';
import { plainTask } from '../../support/task.js';
import { cellsOf, COLORS, modelOf, send, type CellRow, type Target } from './support/predictions.js';

interface Light {
  image: string;
  sha256: string;
  split: string;
  light: number;
  box: [number, number, number, number];
  color: string;
  scores: number[];
}

let io: InAndOut;
let target: Target & { modelId: string };
let lights: Light[];
let cells: CellRow[];

const IMAGES = 24;

/** By turns a car stands before the lights, and one light is of a colour that nobody could tell. */
function labels() {
  const categories = ['green', 'off', 'red', 'yellow', 'unknown'].map((color, id) => ({
    ...{ id: id + 1, name: `traffic light ${color}` },
  }));
  let id = 0;
  const annotations = Array.from({ length: IMAGES }, (_, image) => {
    const colors = [1 + (image % 3), 3, ...(image % 4 === 0 ? [5] : [])];
    return [...(image % 2 === 0 ? [6] : []), ...colors].map((category_id, at) => ({
      ...{ id: (id += 1), image_id: image, category_id, iscrowd: 0, area: 200 },
      bbox: [10.25 + 40 * at, 20.5, 6 + image, 20],
    }));
  });
  const images = Array.from({ length: IMAGES }, (_, image) => ({
    ...{ id: image, file_name: `drive-${image % 4}/${image}.png`, width: 400, height: 100 },
    attributes: { timeofday: image % 3 === 0 ? 'night' : 'daytime', weather: 'clear' },
  }));
  return { images, annotations: annotations.flat(), categories: [...categories, { id: 6, name: 'car' }] };
}

beforeAll(async () => {
  io = await InAndOut.start();
  const project = await io.imported(labels(), 'instances.json');
  const version = await io.version(project, { train: 0.5, validation: 0, test: 0.5 });
  await io.service.db.query('UPDATE evaluation_protocol SET resamples = 100');
  target = { project, version, modelId: await modelOf(io, project) };
  lights = await lightsOf(version);
  const { evaluationId, message } = await sendLights(jsonl(ofTest()));
  expect(message).toBeNull();
  cells = await cellsOf(io, evaluationId!);
});
afterAll(() => io.stop());

/** What a model says of each: right two times of three. */
async function lightsOf(version: Version): Promise<Light[]> {
  const items = await io.items(version);
  const found = items.flatMap(({ file_name, sha256, split, boxes }) =>
    (boxes ?? []).flatMap((box, light) => {
      if (box.category !== 'TRAFFIC_LIGHT') return [];
      const { color, x, y, width, height } = box as Record<string, any>;
      return [{ image: file_name, sha256, split, light, box: [x, y, width, height], color } as Light];
    }),
  );
  const shas = await io.service.db.query(
    'SELECT sha256, image_id FROM dataset_item WHERE version_id = $1 ORDER BY image_id',
    [uuidOf('DatasetVersion', version.id)],
  );
  const names = await io.service.db.query('SELECT id, file_name FROM image');
  const shaOf = new Map(
    names.map(({ id, file_name }: any) => [file_name, shas.find((one: any) => one.image_id === id)?.sha256]),
  );
  return found.map((one, n) => {
    const truth = Math.max(0, COLORS.indexOf(one.color));
    const said = n % 3 === 0 ? (truth + 2) % 4 : truth;
    const scores = COLORS.map((_, label) => (label === said ? 0.55 + (n % 9) / 20 : 0.01));
    return { ...one, sha256: shaOf.get(one.image) as string, scores };
  });
}

const isTest = ({ split }: Light) => split === 'TEST';
const isKnown = ({ color }: Light) => color !== 'UNKNOWN';
const ofTest = () => lights.filter((one) => isTest(one) && isKnown(one));
const jsonl = (all: Light[], line: (light: Light) => object = plain) =>
  [{ classes: COLORS }, ...all.map(line)].map((one) => `${JSON.stringify(one)}\n`).join('');
const plain = ({ image, light, scores }: Light): object => ({ image, light, scores });
const sendLights = (content: string, change: object = {}, of: Target = target) =>
  send(io, of, content, { format: 'JSONL', task: 'LIGHT_STATE', split: 'TEST', ...change });

/** Of the test split, with nothing stored yet. */
async function newEvaluation(): Promise<string> {
  const { db } = io.service;
  const projectUuid = await io.uuid(target.project);
  const protocol = await protocolFor(db, projectUuid, LearningTask.LIGHT_STATE, null);
  return db.transaction((manager) =>
    insertEvaluation(manager, {
      ...{ projectUuid, modelUuid: uuidOf('Model', target.modelId), protocolUuid: protocol.uuid },
      ...{
        task: LearningTask.LIGHT_STATE,
        split: Split.TEST,
        classes: COLORS,
        source: 'IMPORTED',
        name: 'x',
      },
      datasetVersionUuid: uuidOf('DatasetVersion', target.version.id),
    }),
  );
}

test('the figures are those that a job stores of the same answers', async () => {
  const { db } = io.service;
  const uuid = await newEvaluation();
  const file = join(io.folder, 'trainer.jsonl');
  const said = ofTest()
    .sort((a, b) => (a.sha256 < b.sha256 ? -1 : a.sha256 > b.sha256 ? 1 : a.light - b.light))
    .map(({ sha256, light, color, scores }) => ({
      ...{ id: `${sha256}:${light}`, label: COLORS.indexOf(color), scores },
      predicted: scores.indexOf(Math.max(...scores)),
    }));
  await writeFile(file, said.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const prepared = await prepareEvaluation(db, uuid, { file, folder: io.folder });
  await db.transaction((manager) => storeEvaluation(manager, prepared));
  expect(cells).toEqual(await cellsOf(io, toGlobalId('Evaluation', uuid)));
  const right = said.filter(({ label, predicted }) => label === predicted).length;
  const whole = cells.find(
    ({ metric, condition, sizeBin }) => metric === 'accuracy' && condition === null && sizeBin === null,
  )!;
  expect(whole).toMatchObject({ n: said.length, value: right / said.length });
  expect(right).toBeGreaterThan(said.length / 2);
  expect(cells.filter(({ condition }) => condition === 'night').length).toBeGreaterThan(20);
});

describe('whatever names the lights, the figures are the same', () => {
  const same = async (content: string) => {
    const { evaluationId, message } = await sendLights(content);
    expect(message).toBeNull();
    expect(await cellsOf(io, evaluationId!)).toEqual(cells);
  };
  const byName = (scores: number[]) => Object.fromEntries(COLORS.map((color, at) => [color, scores[at]]));

  test('boxes, rounded as files round them, in another order', () =>
    same(
      jsonl(ofTest().reverse(), ({ image, box, scores }) => ({
        ...{ image, box: box.map(Math.round), scores: byName(scores) },
      })),
    ));

  test('ids of a trainer, and answers that are nothing but a class', async () => {
    const answers = ofTest().map(({ sha256, light, scores }) => {
      const score = Math.max(...scores);
      return JSON.stringify({ id: `${sha256}:${light}`, class: COLORS[scores.indexOf(score)], score });
    });
    await same(answers.join('\n'));
  });

  test('annotations of a COCO export', async () => {
    const { path } = await io.export(target.project, target.version, 'COCO');
    for await (const entry of entries(path, {})) {
      if (!entry.path.endsWith('instances_test.json')) continue;
      const { images, annotations } = JSON.parse(await text(entry.open()));
      const nameOf = new Map(images.map((image: any) => [image.id, image.file_name]));
      const idOf = (light: Light) =>
        annotations.find(
          ({ image_id, bbox }: any) =>
            nameOf.get(image_id) === light.image && String(bbox) === String(light.box),
        ).id;
      await same(jsonl(ofTest(), (light) => ({ annotation_id: idOf(light), scores: light.scores })));
      return;
    }
    throw new Error('no annotations of the test split');
  });
});

describe('what does not fit is refused by its line', () => {
  /** Without a job, whose process takes longer than the work. */
  const refused = async (content: string, code: string, message: RegExp, lenient = false) => {
    await using task = await plainTask(io.service.db);
    const { sha256 } = await task.blobs.receive(Readable.from([content]), { maxBytes: 1 << 20 });
    const request = { sha256, fileName: 'found.jsonl', format: 'JSONL' as const, lenient };
    const asked = { ...request, classes: null, trainingKnown: false, evaluationUuid: await newEvaluation() };
    await expect(importPredictions(task, asked)).rejects.toMatchObject({
      ...{ code, message: expect.stringMatching(message) },
    });
  };

  test('by the job too, which leaves nothing', async () => {
    const outcome = await sendLights(jsonl(ofTest().slice(1)));
    expect(outcome).toMatchObject({ code: 'PREDICTIONS_INCOMPLETE', evaluationId: null });
    const [row] = await io.service.db.query(
      `SELECT e.state, (SELECT count(*)::int FROM evaluation_prediction p WHERE p.evaluation_id = e.id) AS rows,
         (SELECT count(*)::int FROM evaluation_cell c WHERE c.evaluation_id = e.id) AS cells
       FROM evaluation e ORDER BY e.id DESC LIMIT 1`,
    );
    expect(row).toEqual({ state: 'FAILED', rows: 0, cells: 0 });
  });

  test('a light that is left out, lenient or not', async () => {
    const some = jsonl(ofTest().slice(2));
    const message = /^2 of the \d+ lights of the TEST split have no answer, such as light \d of "drive-/;
    await refused(some, 'PREDICTIONS_INCOMPLETE', message);
    const blue = { image: ofTest()[0]!.image, light: ofTest()[0]!.light, class: 'BLUE' };
    await refused(`${some}${JSON.stringify(blue)}\n`, 'PREDICTIONS_INCOMPLETE', message, true);
  });

  test('a light that is answered twice, in whatever words', async () => {
    const [first] = ofTest() as [Light];
    const again = JSON.stringify({ image: first.sha256, box: first.box, class: 'RED' });
    const line = ofTest().length + 2;
    await refused(
      `${jsonl(ofTest())}${again}\n`,
      'LABELS_INVALID',
      new RegExp(`^found\\.jsonl:${line}: this light has an answer already, at found\\.jsonl:2$`),
    );
  });

  test.each([
    ['a car', { light: 0 }, 'LABELS_INVALID', /:2: the image has no light 0; its lights are 1, 2/],
    [
      'a box of nothing',
      { light: undefined, box: [1, 1, 5, 5] },
      'LABELS_INVALID',
      /:2: .*no light within 0\.5/,
    ],
    ['no annotation', { annotation_id: 9999 }, 'LABELS_INVALID', /:2: annotation 9999 is no light/],
    ['an unknown image', { image: 'nowhere.png' }, 'LABELS_UNKNOWN_VALUE', /:2: image "nowhere\.png"/],
    ['an unknown class', { class: 'BLUE' }, 'LABELS_UNKNOWN_VALUE', /:2\.class: class "BLUE"/],
  ])('%s', async (_, change, code, message) => {
    const even = ofTest().find(({ light }) => light === 1)!;
    const others = ofTest().filter((one) => one !== even);
    await refused(
      jsonl([even, ...others], (one) => ({ ...plain(one), ...(one === even && change) })),
      code,
      message,
    );
  });

  test('a score that is not a number', () =>
    refused(jsonl(ofTest()).replace('0.01', 'NaN'), 'LABELS_INVALID', /^found\.jsonl:2: NaN is no score/));

  test("another split's file", () =>
    refused(
      jsonl(lights.filter((one) => !isTest(one))),
      'PREDICTIONS_ELSEWHERE',
      /^None of the \d+ predictions/,
    ));

  test('a format that has no states of lights', async () => {
    const outcome = await sendLights('[]', { format: 'COCO' });
    expect(outcome).toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringMatching(/JSONL/) });
  });
});

test('other splits, unknown colours and unknown images are left aside and counted', async () => {
  const nowhere = { image: 'nowhere.png', light: 0, class: 'RED' };
  const { report, evaluationId } = await sendLights(`${jsonl(lights)}${JSON.stringify(nowhere)}\n`, {
    lenient: true,
  });
  expect(report).toMatchObject({
    ...{ detections: ofTest().length, onUnknownImages: 1, imagesWithout: 0, trainingKnown: false },
    onUnlabelled: lights.filter((one) => isTest(one) && !isKnown(one)).length,
    onOtherSplits: lights.filter((one) => !isTest(one)).length,
  });
  expect(report!.onUnlabelled).toBeGreaterThan(0);
  expect(await cellsOf(io, evaluationId!)).toEqual(cells);
});

describe('of a model version', () => {
  const newVersion = async (input: object) => {
    const { createModelVersion } = await io.service.ok(
      `mutation ($input: CreateModelVersionInput!) { createModelVersion(input: $input) {
         modelVersion { id trainedOn { id } } userErrors { code message field } } }`,
      {
        input: { modelId: target.modelId, classes: COLORS, idempotencyKey: `key ${Math.random()}`, ...input },
      },
    );
    return createModelVersion;
  };
  const ofVersion = (id: string): Target => ({
    project: target.project,
    version: target.version,
    modelVersionId: id,
  });

  test('the evaluation is of it at once, and a list of scores is in the order of its classes', async () => {
    const classes = [...COLORS].reverse();
    const { modelVersion } = await newVersion({ task: 'LIGHT_STATE', classes });
    expect(modelVersion.trainedOn).toBeNull();
    const lines = ofTest().map(({ image, light, scores }) =>
      JSON.stringify({ image, light, scores: [...scores].reverse() }),
    );
    const { evaluationId, report } = await send(io, ofVersion(modelVersion.id), lines.join('\n'), {
      ...{ format: 'JSONL', split: 'TEST' },
    });
    expect(report).toMatchObject({ trainingKnown: false });
    expect(await cellsOf(io, evaluationId!)).toEqual(cells);
    const { evaluation } = await io.service.ok(
      'query ($id: ID!) { evaluation(id: $id) { task model { id } modelVersions { id } } }',
      { id: evaluationId },
    );
    expect(evaluation).toEqual({
      ...{ task: 'LIGHT_STATE', model: { id: target.modelId }, modelVersions: [{ id: modelVersion.id }] },
    });
  });

  test.each(['LIGHT_STATE', 'LIGHT_DETECTION'])(
    'of %s: images that it was trained on are refused with their number',
    async (task) => {
      const { modelVersion } = await newVersion({ task, trainedOnId: target.version.id });
      expect(modelVersion.trainedOn).toEqual({ id: target.version.id });
      const of = ofVersion(modelVersion.id);
      const state = task === 'LIGHT_STATE';
      const lines = (split: string) => {
        const all = lights.filter((one) => one.split === split && isKnown(one));
        if (state) return jsonl(all);
        const [x, y, width, height] = all[0]!.box;
        const detections = [{ class: 'RED', score: 0.5, x, y, width, height }];
        return JSON.stringify({ image: all[0]!.image, detections });
      };
      const trained = new Set(lights.filter((one) => !isTest(one)).map(({ image }) => image)).size;
      expect(await send(io, of, lines('TRAIN'), { format: 'JSONL', split: 'TRAIN' })).toMatchObject({
        ...{ code: 'TEST_IMAGES_TRAINED_ON' },
        message: expect.stringMatching(new RegExp(`^${trained} images of the TRAIN split, such as "drive-`)),
      });
      const { report } = await send(io, of, lines('TEST'), { format: 'JSONL', split: 'TEST' });
      expect(report).toMatchObject({ trainingKnown: true });
      // Nor can predictions that were imported first be said to be its own.
      const { evaluationId } = await send(io, target, lines('TRAIN'), {
        format: 'JSONL',
        split: 'TRAIN',
        task,
      });
      const { attachEvaluation } = await io.service
        .ok(
          `mutation ($input: AttachEvaluationInput!) { attachEvaluation(input: $input) { userErrors { code } } }`,
          { input: { evaluationId, modelVersionId: modelVersion.id } },
        )
        .catch((error: Error) => ({ attachEvaluation: String(error) }));
      expect(JSON.stringify(attachEvaluation)).toMatch(/TEST_IMAGES_TRAINED_ON/);
    },
  );

  test('says what does not go together', async () => {
    const { modelVersion } = await newVersion({ task: 'LIGHT_STATE' });
    const of = ofVersion(modelVersion.id);
    const wrong = [
      [{ ...of, modelId: await modelOf(io, target.project) }, {}, /another model/],
      [of, { task: 'LIGHT_DETECTION' }, /is of LIGHT_STATE/],
      [
        { project: of.project, version: of.version },
        { task: 'LIGHT_STATE' },
        /Give modelId or modelVersionId/,
      ],
    ] as const;
    for (const [owner, input, message] of wrong)
      expect(await send(io, owner, '{}', { format: 'JSONL', ...input })).toMatchObject({
        ...{ code: 'BAD_USER_INPUT', message: expect.stringMatching(message) },
      });
  });
});

test('the example of docs/evaluation.md is read as it stands there', async () => {
  const page = await readFile('docs/evaluation.md', 'utf8');
  const [, example] = /^```jsonl\n(.*?)^```/ms.exec(page) ?? [];
  const lines = example!
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines[0]).toHaveProperty('classes');
  expect(lines[1].scores).toHaveLength(lines[0].classes.length);
});
