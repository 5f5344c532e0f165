/** Whole trainings of a detector on `wasm`, in this process. */
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startEngine } from '../../../src/training/engines/index.js';
import { evaluate } from '../../../src/training/evaluator.js';
import type { Frame, Metric } from '../../../src/training/protocol.js';
import {
  COCO_PROTOCOL,
  matchImage,
  summarise,
  type Detected,
} from '../../../src/training/statistics/detection/index.js';
import { SCORE_THRESHOLD, truthsOf } from '../../../src/training/tasks/lightDetection/figures.js';
import { tf, tfl } from '../../../src/training/tensorflow.js';
import { train } from '../../../src/training/trainer.js';
import {
  COLOURS,
  detectionEvaluation,
  detectionSpec,
  streetWindows,
  type FrameSet,
} from './detectionSupport.js';
import { epochsOf, metricsOf, recordingJob, value } from './support.js';

/** With all eight frames in one batch. At 30 epochs five in nine lights are found, at 40 all. */
const EPOCHS = 45;
/** A busy machine shares its two cores among many. */
const LONG = 240_000;

let data: FrameSet;
let trained: Frame[];
beforeAll(async () => {
  data = await streetWindows(10);
  trained = data.frames.filter(({ split }) => split === 'TRAIN');
  await startEngine('wasm');
}, LONG);
afterAll(() => data.remove());

interface Line {
  id: string;
  detections: Detected[];
}

/** What the model of a folder finds on these frames, and the figures of it. */
async function examined(modelDir: string, frames: Frame[]) {
  const spec = await detectionEvaluation(data, modelDir, frames);
  const before = tf.memory().numTensors;
  const result = await evaluate(spec, recordingJob().job);
  expect(tf.memory().numTensors).toBe(before);
  const text = await readFile(join(spec.outputDir, 'predictions.jsonl'), 'utf8');
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const protocol = { ...COCO_PROTOCOL, scoreThreshold: SCORE_THRESHOLD };
  const matches = frames.map(({ boxes }, i) =>
    matchImage(protocol, COLOURS.length, truthsOf(boxes, COLOURS.length), lines[i]!.detections),
  );
  return { result, lines, overall: summarise(protocol, COLOURS.length, matches).overall[0]! };
}

describe('a training', () => {
  let outputDir: string;
  let metrics: Metric[][];
  let tensors: number[];
  beforeAll(async () => {
    const spec = await detectionSpec(data, { epochs: EPOCHS, augmentation: { shift: 0 } }, trained);
    const { job, messages } = recordingJob();
    expect(await train(spec, job)).toMatchObject({ type: 'trained', epochsRun: EPOCHS });
    outputDir = spec.outputDir;
    metrics = metricsOf(messages);
    tensors = epochsOf(messages).map((epoch) => epoch.tensors);
  }, LONG);

  it('finds at least three in four of the lights that it was shown, where the untrained network finds none', async () => {
    const after = await examined(join(outputDir, 'model'), trained);
    expect(after.result).toEqual({ type: 'evaluated', predictions: 'predictions.jsonl', n: trained.length });
    expect(after.overall.recall.value).toBeGreaterThan(0.75);
    expect(after.overall.precision.value).toBeGreaterThan(0.75);
    expect(after.overall.ap50.value).toBeGreaterThan(0.6);
    const before = await examined(join(outputDir, 'initial'), trained);
    expect(before.overall.recall).toMatchObject({ value: 0, n: after.overall.recall.n });
    expect(before.overall.ap50.value).toBeLessThan(0.2);
  });

  it('lowers every part of its loss', () => {
    // The places are near from the start: half a cell is a small share of most of these lights.
    for (const [name, share] of Object.entries({ loss: 4, heat_loss: 4, size_loss: 2, offset_loss: 1.5 })) {
      const of = (epoch: Metric[]) => epoch.find((one) => one.name === name && one.split === 'TRAIN')!.value;
      expect(of(metrics.at(-1)!)).toBeLessThan(of(metrics[0]!) / share);
    }
  });

  it('keeps the number of tensors', () => expect(new Set(tensors).size).toBe(1));

  it('writes boxes best first, within their frames, of every frame once', async () => {
    const { lines } = await examined(join(outputDir, 'model'), data.frames);
    expect(lines.map(({ id }) => id)).toEqual(data.frames.map(({ id }) => id));
    const all = lines.flatMap(({ detections }) => detections);
    expect(all.length).toBeGreaterThan(0);
    for (const { label, score, x, y, width, height } of all) {
      expect(COLOURS[label]).toBeDefined();
      expect(score > 0 && score <= 1).toBe(true);
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
      expect([x + width <= 96.001, y + height <= 64.001, Math.min(width, height) > 0]).toEqual([
        true,
        true,
        true,
      ]);
    }
    for (const { detections } of lines) {
      const scores = detections.map(({ score }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
    }
  });

  it('leaves a model that stock TensorFlow.js loads, and says how it is fed and read', async () => {
    const json = async (name: string) => JSON.parse(await readFile(join(outputDir, 'model', name), 'utf8'));
    const { modelTopology, weightsManifest } = await json('model.json');
    const weightSpecs = weightsManifest[0].weights as tf.io.WeightsManifestEntry[];
    const weightData = Uint8Array.from(await readFile(join(outputDir, 'model', 'weights.bin'))).buffer;
    const model = await tfl.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
    const [heat, box] = model.predict(tf.zeros([1, 64, 96, 3])) as tf.Tensor[];
    expect([heat!.shape, box!.shape]).toEqual([
      [1, 16, 24, 2],
      [1, 16, 24, 4],
    ]);
    expect(await json('preprocessing.json')).toMatchObject({
      task: 'LIGHT_DETECTION',
      ...{ inputWidth: 96, inputHeight: 64, decoding: { stride: 4, sizeUnit: 4, maxDetections: 100 } },
    });
    expect(await json('classes.json')).toEqual(COLOURS);
    tf.dispose([heat!, box!]);
    model.dispose();
  });
});

it(
  'killed and resumed in the middle of an epoch, it ends with the same losses',
  async () => {
    const augmentation = { flip: 0.5, scale: 0.2, color: 0.5, night: 0.5 };
    const parameters = { epochs: 3, batchSize: 3, windowWidth: 64, windowsPerFrame: 2, augmentation };
    const whole = await detectionSpec(data, parameters);
    const uninterrupted = recordingJob();
    await train(whole, uninterrupted.job);
    // The stop is seen at the end of the next batch.
    const before = recordingJob(({ type }, stop) => type === 'epoch' && stop());
    const first = await detectionSpec(data, parameters);
    const stopped = await train(first, before.job);
    if (stopped.type !== 'stopped') throw new Error(stopped.type);
    expect(stopped.checkpoint).toMatch(/epoch-0002-batch-000001$/);
    const second = await detectionSpec(data, parameters);
    const resumeFrom = join(second.outputDir, 'resume');
    await cp(join(first.outputDir, stopped.checkpoint!), resumeFrom, { recursive: true });
    const after = recordingJob();
    await train({ ...second, resumeFrom }, after.job);
    const expected = metricsOf(uninterrupted.messages);
    expect(value(epochsOf(after.messages)[0]!, 'VALIDATION', 'heat_loss')).toBeGreaterThan(0);
    expect([...metricsOf(before.messages), ...metricsOf(after.messages)]).toEqual(expected);
    for (const name of ['initial/weights.bin', 'model/weights.bin', 'metrics.csv'])
      expect(await readFile(join(second.outputDir, name))).toEqual(
        await readFile(join(whole.outputDir, name)),
      );
  },
  LONG,
);

describe('what cannot be trained', () => {
  const failing = async (change: (frame: Frame) => Frame) =>
    train(await detectionSpec(data, { epochs: 1 }, data.frames.map(change)), recordingJob().job);

  it('a colour without a box in TRAIN', async () => {
    const toRed = (frame: Frame) => ({
      ...frame,
      boxes: frame.boxes.map((box) => ({ ...box, label: box.label === null ? null : 1 })),
    });
    await expect(failing(toRed)).rejects.toMatchObject({
      code: 'SPLIT_CLASS_EMPTY',
      message: expect.stringContaining('GREEN') as string,
    });
  });

  it('frames without any light', async () => {
    await expect(failing((frame) => ({ ...frame, boxes: [] }))).rejects.toMatchObject({
      code: 'SPLIT_EMPTY',
    });
  });
});
