/** Whole trainings on `wasm` with what is off unless asked for; a small network, as only the bookkeeping is looked at. */
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startEngine } from '../../../src/training/engines/index.js';
import type { TrainingError } from '../../../src/training/error.js';
import { drawsOf } from '../../../src/training/input/augment/index.js';
import { loadModel } from '../../../src/training/modelFiles.js';
import type { Sample } from '../../../src/training/protocol.js';
import { takeWeights } from '../../../src/training/startingWeights.js';
import { tf } from '../../../src/training/tensorflow.js';
import { lightState } from '../../../src/training/tasks/lightState.js';
import { train } from '../../../src/training/trainer.js';
import {
  discs,
  epochsOf,
  EVERY_OPTION,
  metricsOf,
  recordingJob,
  trainingSpec,
  value,
  type DataSet,
} from './support.js';

let data: DataSet;
beforeAll(async () => {
  data = await discs();
  await startEngine('wasm');
});
afterAll(() => data.remove());

const CNN = {
  algorithm: 'small-cnn',
  channels: 4,
  widthMultiplier: undefined,
  epochs: 3,
  learningRate: 0.01,
};
type Change = NonNullable<Parameters<typeof trainingSpec>[2]>;

async function run(parameters: Record<string, unknown> = {}, change: Change = {}) {
  const spec = await trainingSpec(data, { ...CNN, ...parameters }, change);
  const { job, messages } = recordingJob();
  return { spec, messages, result: await train(spec, job) };
}

const bytes = (outputDir: string, path: string) => readFile(join(outputDir, path));

const EVERYTHING = {
  optimizer: 'AdamW',
  ...EVERY_OPTION,
  augmentation: { flip: 0.5, crop: 0.2, scale: 0.2, shift: 0.1, color: 0.5, night: 0.3, rain: 0.3, fog: 0.3 },
  monitor: { metric: 'accuracy', condition: 'night' },
  patience: 5,
};

describe('a training with everything switched on', () => {
  const parameters = { ...CNN, ...EVERYTHING };
  let startFrom: string;
  let whole: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    const first = await run({ epochs: 1, seed: 9 });
    startFrom = join(first.spec.outputDir, 'model');
    whole = await run(parameters, { startFrom });
  });

  /** Goes on from a copy of the checkpoint, as another worker does. */
  async function resume(checkpoint: string) {
    const spec = await trainingSpec(data, parameters, { startFrom });
    const resumeFrom = join(spec.outputDir, 'resume');
    await cp(checkpoint, resumeFrom, { recursive: true });
    const { job, messages } = recordingJob();
    const result = await train({ ...spec, resumeFrom }, job);
    expect(result).toEqual(whole.result);
    for (const file of ['model/weights.bin', 'last/weights.bin', 'initial/weights.bin', 'metrics.csv'])
      expect(await bytes(spec.outputDir, file)).toEqual(await bytes(whole.spec.outputDir, file));
    return metricsOf(messages);
  }

  it.each([
    ['at its beginning', 'epoch-0001-batch-000000', 'log'],
    ['within its second epoch', 'epoch-0002-batch-000001', 'epoch'],
  ])('stopped %s, goes on and ends as one that was not, to the last bit', async (_, at, type) => {
    const before = recordingJob((message, stop) => message.type === type && stop());
    const spec = await trainingSpec(data, parameters, { startFrom });
    const stopped = await train(spec, before.job);
    if (stopped.type !== 'stopped') throw new Error('it was not stopped');
    expect(stopped.checkpoint).toBe(`checkpoints/${at}`);
    const after = await resume(join(spec.outputDir, stopped.checkpoint!));
    expect([...metricsOf(before.messages), ...after]).toEqual(metricsOf(whole.messages));
  });

  it('killed, goes on from its last checkpoint and ends as one that was not, to the last bit', async () => {
    const epochs = epochsOf(whole.messages);
    expect(epochs).toHaveLength(3);
    const after = await resume(join(whole.spec.outputDir, epochs[1]!.checkpoint));
    expect(after).toEqual(metricsOf(whole.messages).slice(2));
  });

  it('keeps the number of tensors, logs its objective beside the loss, and leaves nothing', async () => {
    const before = tf.memory().numTensors;
    const { messages } = await run(EVERYTHING);
    const epochs = epochsOf(messages);
    expect(new Set(epochs.map(({ tensors }) => tensors)).size).toBe(1);
    for (const epoch of epochs)
      expect(value(epoch, 'TRAIN', 'objective')).not.toBe(value(epoch, 'TRAIN', 'loss'));
    expect(epochs[0]!.metrics.filter(({ name }) => name === 'objective').map(({ split }) => split)).toEqual([
      'TRAIN',
    ]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the moving average of the weights', () => {
  it('is what is evaluated and saved', async () => {
    // So slow that it hardly leaves the beginning, whatever the weights do.
    const plain = await run({ epochs: 2, learningRate: 0.05 });
    const average = await run({ epochs: 2, learningRate: 0.05, emaDecay: 0.5 });
    const [a, b] = [plain, average].map(({ messages }) => epochsOf(messages));
    expect(a!.map((epoch) => value(epoch, 'TRAIN', 'loss'))).toEqual(
      b!.map((epoch) => value(epoch, 'TRAIN', 'loss')),
    );
    expect(a!.map((epoch) => value(epoch, 'VALIDATION', 'loss'))).not.toEqual(
      b!.map((epoch) => value(epoch, 'VALIDATION', 'loss')),
    );
    expect(await bytes(average.spec.outputDir, 'last/weights.bin')).not.toEqual(
      await bytes(plain.spec.outputDir, 'last/weights.bin'),
    );
  });
});

describe('starting from an earlier training', () => {
  it('takes what fits, keeps frozen blocks to the last bit, and learns the rest', async () => {
    const first = await run({ seed: 9 });
    const startFrom = join(first.spec.outputDir, 'model');
    const second = await run({ freezeBlocks: 2 }, { startFrom });
    expect(second.messages.find(({ type }) => type === 'log')).toMatchObject({
      message: expect.stringMatching(/^7 layers start from given weights\.$/) as string,
    });
    const [from, to] = await Promise.all(
      [startFrom, join(second.spec.outputDir, 'last')].map((folder) => loadModel(folder)),
    );
    const weights = ({ model }: typeof from & object, name: string) =>
      model
        .getLayer(name)
        .getWeights()
        .map((w) => Array.from(w.dataSync()));
    for (const layer of ['stage1_conv', 'stage1_bn', 'stage2_conv', 'stage2_bn'])
      expect(weights(to!, layer)).toEqual(weights(from!, layer));
    for (const layer of ['stage3_conv', 'stage3_bn', 'logits'])
      expect(weights(to!, layer)).not.toEqual(weights(from!, layer));
    expect(await bytes(second.spec.outputDir, 'initial/weights.bin')).toHaveLength(
      (await bytes(startFrom, 'weights.bin')).length,
    );
    [from, to].forEach((loaded) => loaded!.model.dispose());
  });

  it('leaves the classifier of other classes, and refuses what has no layer in common', async () => {
    const { spec } = await run({ epochs: 1 });
    const loaded = await loadModel(join(spec.outputDir, 'model'));
    const same = await takeWeights(loaded.model, loaded.classes, join(spec.outputDir, 'initial'));
    expect(same.fresh).toEqual([]);
    const other = await takeWeights(
      loaded.model,
      ['green', 'red', 'yellow'],
      join(spec.outputDir, 'initial'),
    );
    expect(other.fresh).toEqual(['logits']);
    loaded.model.dispose();
    await expect(
      run(
        { algorithm: 'mobilenetv2', channels: undefined, widthMultiplier: 0.1 },
        { startFrom: join(spec.outputDir, 'model') },
      ),
    ).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('No layer') as string,
    });
  });
});

describe('what is monitored', () => {
  it.each([
    ['accuracy', Math.max],
    ['loss', Math.min],
  ] as const)('decides on the best epoch, by condition as well: %s', async (metric, best) => {
    const { messages, result } = await run({
      epochs: 6,
      patience: null,
      monitor: { metric, condition: 'night' },
    });
    if (result.type !== 'trained') throw new Error(result.type);
    const night = metricsOf(messages).map(
      (metrics) => metrics.find((one) => one.name === metric && one.condition === 'night')!.value,
    );
    expect(new Set(night).size).toBeGreaterThan(1);
    expect(result.bestEpoch).toBe(1 + night.indexOf(best(...night)));
  });

  it('must be logged', async () => {
    const samples: Sample[] = data.samples.map((sample) => ({ ...sample, conditions: [0] }));
    await expect(
      run({ monitor: { metric: 'accuracy', condition: 'night' } }, { samples }),
    ).rejects.toMatchObject({
      code: 'METRIC_MISSING',
      message: expect.stringContaining('accuracy of VALIDATION in sunny') as string,
    });
  });
});

describe('a loss that explodes after some epochs', () => {
  it('leaves the best and the last good model', async () => {
    const before = tf.memory().numTensors;
    const change = {
      optimizer: 'SGD',
      learningRate: 10,
      momentum: 0.999,
      epochs: 40,
      warmupEpochs: 39,
      patience: null,
    };
    const spec = await trainingSpec(data, { ...CNN, ...change });
    const { job, messages } = recordingJob();
    const error = await train(spec, job).then(
      () => null,
      (error: unknown) => error as TrainingError,
    );
    expect(error).toMatchObject({ code: 'LOSS_NOT_FINITE' });
    expect(epochsOf(messages).length).toBeGreaterThan(0);
    expect(error!.artifacts.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['MODEL', 'LAST_MODEL']));
    for (const { path } of error!.artifacts)
      expect((await bytes(spec.outputDir, path)).length).toBeGreaterThan(0);
    const { model } = await loadModel(join(spec.outputDir, 'last'));
    for (const weight of model.getWeights())
      expect(Array.from(weight.dataSync()).every(Number.isFinite)).toBe(true);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a mirrored light', () => {
  it('has the label of the other side, and is not mirrored where there is none', async () => {
    const classes = ['red_left', 'yellow_left', 'red_right'];
    const augmentation = { flip: 1, shift: 0 };
    const spec = await trainingSpec(data, { ...CNN, augmentation }, { classes });
    const task = lightState.training(spec, data.samples);
    await task.load({});
    const indices = Uint32Array.of(0, 1, 2);
    const plain = await task.batch(indices, null);
    const mirrored = await task.batch(indices, (index) => drawsOf(1, 1, index));
    expect(data.samples.slice(0, 3).map(({ label }) => label)).toEqual([0, 1, 2]);
    expect(Array.from(mirrored.targets[0]!.dataSync())).toEqual([2, 1, 0]);
    const [kept, turned] = tf.tidy(() => [plain.x, tf.reverse(plain.x, 2)]);
    const rows = (x: tf.Tensor, i: number) => Array.from(tf.slice(x, [i], [1]).dataSync());
    [turned, kept, turned].forEach((expected, i) => expect(rows(mirrored.x, i)).toEqual(rows(expected, i)));
    tf.dispose([plain.x, plain.targets, mirrored.x, mirrored.targets, turned]);
    task.dispose();
  });
});
