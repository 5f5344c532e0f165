/** Whole trainings on `wasm`, in this process. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startEngine } from '../../../src/training/engines/index.js';
import { evaluate } from '../../../src/training/evaluator.js';
import { loadModel } from '../../../src/training/modelFiles.js';
import { metricSchema, type TrainerMessage, type TrainingSpec } from '../../../src/training/protocol.js';
import { tf } from '../../../src/training/tensorflow.js';
import { train } from '../../../src/training/trainer.js';
import { wilson } from '../../../src/training/statistics/wilson.js';
import {
  CLASSES,
  discs,
  epochsOf,
  evaluationSpec,
  metricsOf,
  PER_SPLIT,
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

const run = async (spec: TrainingSpec) => {
  const { job, messages } = recordingJob();
  return { result: await train(spec, job), messages };
};

interface Prediction {
  id: string;
  label: number;
  predicted: number;
  scores: number[];
}
const predictionsIn = async (outputDir: string): Promise<Prediction[]> =>
  (await readFile(join(outputDir, 'predictions.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Prediction);

describe('a training', () => {
  let spec: TrainingSpec;
  let outcome: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    spec = await trainingSpec(data, { epochs: 12, learningRate: 0.01 });
    outcome = await run(spec);
  });

  it('learns: the loss falls, and the lights are told apart', () => {
    const epochs = epochsOf(outcome.messages);
    expect(epochs).toHaveLength(12);
    expect(value(epochs.at(-1)!, 'TRAIN', 'loss')).toBeLessThan(value(epochs[0]!, 'TRAIN', 'loss') / 3);
    expect(Math.max(...epochs.map((epoch) => value(epoch, 'VALIDATION', 'accuracy')))).toBeGreaterThan(0.9);
  });

  it('sends metrics with their n and interval, per condition as well', () => {
    const { metrics } = epochsOf(outcome.messages)[0]!;
    metrics.forEach((metric) => metricSchema.parse(metric));
    const shape = metrics.map(({ name, split, condition, n }) => [name, split, condition, n]);
    expect(shape).toEqual([
      ['loss', 'TRAIN', null, PER_SPLIT.TRAIN],
      ['accuracy', 'TRAIN', null, PER_SPLIT.TRAIN],
      ['loss', 'VALIDATION', null, PER_SPLIT.VALIDATION],
      ['accuracy', 'VALIDATION', null, PER_SPLIT.VALIDATION],
      ['loss', 'VALIDATION', 'sunny', 8],
      ['accuracy', 'VALIDATION', 'sunny', 8],
      ['loss', 'VALIDATION', 'night', 4],
      ['accuracy', 'VALIDATION', 'night', 4],
    ]);
    // Every picture is in one of the two.
    const [whole, ...parts] = metrics.filter(({ name, split }) => name === 'loss' && split === 'VALIDATION');
    const sum = parts.reduce((all, { value, n }) => all + value * n, 0);
    expect(sum / whole!.n).toBeCloseTo(whole!.value, 5);
    expect(parts[0]!.value).not.toBeCloseTo(parts[1]!.value, 5);
    for (const { name, value, n, lower, upper } of metrics)
      if (name === 'accuracy') expect({ lower, upper }).toEqual(wilson(Math.round(value * n), n));
  });

  it('keeps the number of tensors', () => {
    const counts = epochsOf(outcome.messages).map(({ tensors }) => tensors);
    expect(new Set(counts).size).toBe(1);
  });

  it('reports progress of the whole job', () => {
    const progress = outcome.messages.filter((message) => message.type === 'progress');
    expect(new Set(progress.map(({ phase }) => phase))).toContain('TRAINING');
    const done = progress.map(({ done }) => done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    for (const { total } of progress) expect(total).toBe(12 * (PER_SPLIT.TRAIN + PER_SPLIT.VALIDATION));
  });

  it('leaves every artifact that it names', async () => {
    if (outcome.result.type !== 'trained') throw new Error(outcome.result.type);
    expect(outcome.result).toMatchObject({ epochsRun: 12, stoppedEarly: false });
    for (const { path } of outcome.result.artifacts)
      expect((await readFile(join(spec.outputDir, path))).length).toBeGreaterThan(0);
    expect(JSON.parse(await readFile(join(spec.outputDir, 'classes.json'), 'utf8'))).toEqual(CLASSES);
    const csv = await readFile(join(spec.outputDir, 'metrics.csv'), 'utf8');
    expect(csv.trimEnd().split('\n')).toHaveLength(1 + 12 * 8);
    expect((await readdir(spec.outputDir)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('gives a model that reproduces the best epoch, and the untrained one, which does worse', async () => {
    if (outcome.result.type !== 'trained') throw new Error(outcome.result.type);
    const validation = data.samples.filter(({ split }) => split === 'VALIDATION');
    const accuracy: Record<string, number> = {};
    for (const name of ['model', 'initial']) {
      const evaluation = await evaluationSpec(data, join(spec.outputDir, name), validation);
      const { job } = recordingJob();
      const before = tf.memory().numTensors;
      expect(await evaluate(evaluation, job)).toMatchObject({ type: 'evaluated', n: validation.length });
      expect(tf.memory().numTensors).toBe(before);
      const predictions = await predictionsIn(evaluation.outputDir);
      expect(predictions.map(({ id, label }) => [id, label])).toEqual(
        validation.map(({ id, label }) => [id, label]),
      );
      for (const { scores, predicted } of predictions) {
        expect(scores.reduce((a, b) => a + b)).toBeCloseTo(1, 4);
        expect(scores[predicted]).toBe(Math.max(...scores));
      }
      accuracy[name] = predictions.filter((p) => p.predicted === p.label).length / predictions.length;
    }
    const best = epochsOf(outcome.messages)[outcome.result.bestEpoch - 1]!;
    expect(accuracy.model).toBeCloseTo(value(best, 'VALIDATION', 'accuracy'), 10);
    expect(accuracy.initial).toBeLessThan(accuracy.model! - 0.3);
  });
});

describe('repeating', () => {
  it('the same seed gives the same metrics and files, another seed others', async () => {
    const first = await trainingSpec(data);
    const second = await trainingSpec(data);
    const runs = [await run(first), await run(second), await run(await trainingSpec(data, { seed: 4 }))];
    const [one, two, other] = runs.map(({ messages }) => metricsOf(messages));
    expect(one).toHaveLength(2);
    expect(two).toEqual(one);
    expect(other).not.toEqual(one);
    for (const name of ['model/model.json', 'model/weights.bin', 'initial/model.json', 'initial/weights.bin'])
      expect(await readFile(join(second.outputDir, name))).toEqual(
        await readFile(join(first.outputDir, name)),
      );
  });
});

describe('stopping and resuming', () => {
  /** A training stopped when `when` first holds, then resumed from a copy of its checkpoint. */
  async function interrupted(
    parameters: Record<string, unknown>,
    when: (message: TrainerMessage) => boolean,
    samples = data.samples,
  ) {
    const before = recordingJob((message, stop) => when(message) && stop());
    const spec = await trainingSpec(data, parameters, { samples });
    const stopped = await train(spec, before.job);
    if (stopped.type !== 'stopped') throw new Error('it was not stopped');
    const after = recordingJob();
    const again = await trainingSpec(data, parameters, { samples });
    const resumeFrom = join(again.outputDir, 'resume');
    await cp(join(spec.outputDir, stopped.checkpoint!), resumeFrom, { recursive: true });
    const result = await train({ ...again, resumeFrom }, after.job);
    return {
      stopped,
      result,
      epochs: [before, after].map(({ messages }) => metricsOf(messages)),
      spec: again,
    };
  }

  it.each([
    ['Adam', { optimizer: 'Adam' }],
    ['SGD', { optimizer: 'SGD', learningRate: 0.05 }],
  ])('in the middle of an epoch ends with the same losses (%s)', async (_, change) => {
    const parameters = { epochs: 2, ...change };
    const uninterrupted = await trainingSpec(data, parameters);
    const whole = await run(uninterrupted);
    const expected = metricsOf(whole.messages);
    // After the first epoch: the stop is seen at the end of the next batch.
    const { stopped, result, epochs, spec } = await interrupted(parameters, ({ type }) => type === 'epoch');
    expect(stopped.checkpoint).toMatch(/epoch-0002-batch-000001$/);
    expect(epochs.map(({ length }) => length)).toEqual([1, 1]);
    expect(epochs.flat()).toEqual(expected);
    expect(result).toEqual(whole.result);
    for (const name of ['model/weights.bin', 'initial/weights.bin', 'metrics.csv'])
      expect(await readFile(join(spec.outputDir, name))).toEqual(
        await readFile(join(uninterrupted.outputDir, name)),
      );
  });

  it('while loading saves the beginning', async () => {
    const whole = await run(await trainingSpec(data));
    const { stopped, epochs } = await interrupted({}, ({ type }) => type === 'progress');
    expect(stopped.checkpoint).toMatch(/epoch-0001-batch-000000$/);
    expect(epochs.flat()).toEqual(metricsOf(whole.messages));
  });

  it('remembers the best epoch and the patience used up', async () => {
    // Validation calls red yellow, yellow green and green red: the more is learnt, the higher its loss.
    const samples = data.samples.map((sample) =>
      sample.split === 'VALIDATION' ? { ...sample, label: (sample.label + 1) % 3 } : sample,
    );
    const parameters = { epochs: 10, learningRate: 0.01, patience: 2 };
    const whole = await run(await trainingSpec(data, parameters, { samples }));
    if (whole.result.type !== 'trained') throw new Error(whole.result.type);
    expect(whole.result.stoppedEarly).toBe(true);
    expect(whole.result.epochsRun).toBe(whole.result.bestEpoch + 2);
    const last = whole.result.bestEpoch + 1;
    const { result } = await interrupted(parameters, (m) => m.type === 'epoch' && m.epoch === last, samples);
    expect(result).toEqual(whole.result);
  });

  it('refuses a checkpoint of another training', async () => {
    const spec = await trainingSpec(data, { epochs: 1 });
    const { messages } = await run(spec);
    const resumeFrom = join(spec.outputDir, epochsOf(messages)[0]!.checkpoint);
    await expect(run(await trainingSpec(data, { epochs: 2 }, { resumeFrom }))).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining('parameters') as string,
    });
  });
});

describe('what cannot be trained', () => {
  it('a class without a training sample', async () => {
    const samples = data.samples.filter(({ split, label }) => split !== 'TRAIN' || label !== 1);
    await expect(run(await trainingSpec(data, {}, { samples }))).rejects.toMatchObject({
      code: 'SPLIT_CLASS_EMPTY',
      message: expect.stringContaining('yellow') as string,
    });
  });

  it('no training sample at all', async () => {
    const samples = data.samples.filter(({ split }) => split !== 'TRAIN');
    await expect(run(await trainingSpec(data, {}, { samples }))).rejects.toMatchObject({
      code: 'SPLIT_EMPTY',
    });
  });

  it('a loss that explodes, and leaves no tensor', async () => {
    const before = tf.memory().numTensors;
    const spec = await trainingSpec(data, {
      optimizer: 'SGD',
      learningRate: 10,
      momentum: 0.999,
      epochs: 40,
    });
    await expect(run(spec)).rejects.toMatchObject({ code: 'LOSS_NOT_FINITE' });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('without validation samples', () => {
  it('the training loss decides', async () => {
    const samples = data.samples.filter(({ split }) => split !== 'VALIDATION');
    const { messages, result } = await run(await trainingSpec(data, { epochs: 3 }, { samples }));
    const losses = epochsOf(messages).map((epoch) => value(epoch, 'TRAIN', 'loss'));
    expect(epochsOf(messages)[0]!.metrics.map(({ split }) => split)).toEqual(['TRAIN', 'TRAIN']);
    expect(result).toMatchObject({ type: 'trained', bestEpoch: losses.indexOf(Math.min(...losses)) + 1 });
  });
});

describe('an evaluation', () => {
  it('refuses a model for other classes, and one that is incomplete', async () => {
    const spec = await trainingSpec(data, { epochs: 1 });
    await run(spec);
    const modelDir = join(spec.outputDir, 'model');
    const { job } = recordingJob();
    const other = { ...(await evaluationSpec(data, modelDir)), classes: ['red', 'green', 'yellow'] };
    await expect(evaluate(other, job)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    await writeFile(join(modelDir, 'weights.bin'), Buffer.alloc(16));
    await expect(loadModel(modelDir)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});
