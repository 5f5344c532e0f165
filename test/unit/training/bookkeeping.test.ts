/** What the trainer counts, remembers and reports. */
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { metricsCsv } from '../../../src/training/artifacts.js';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from '../../../src/training/checkpoint.js';
import { EarlyStopping } from '../../../src/training/earlyStopping.js';
import { count, emptyTally, metricsOf } from '../../../src/training/metrics.js';
import { Progress } from '../../../src/training/progress.js';
import {
  trainingParametersSchema,
  type Metric,
  type Sample,
  type TrainerMessage,
} from '../../../src/training/protocol.js';
import { wilson } from '../../../src/training/statistics/wilson.js';

const sample = (label: number, conditions: number[]): Sample => ({
  id: 'a',
  file: '/a.png',
  box: null,
  label,
  split: 'VALIDATION',
  conditions,
});

describe('metrics', () => {
  const tally = emptyTally(3);
  count(tally, [sample(0, [0]), sample(1, [0, 1]), sample(2, [1, 1])], {
    ...{ lossSum: 1.5, losses: [0.25, 0.5, 0.75], predicted: [0, 1, 0] },
  });
  count(tally, [sample(0, [])], { lossSum: 0.5, losses: [0.5], predicted: [0] });
  const metrics = metricsOf(tally, 'VALIDATION', ['sunny', 'night', 'rain']);
  const accuracyIn = (condition: string | null) =>
    metrics.find((metric) => metric.name === 'accuracy' && metric.condition === condition);

  it('gives the loss per sample, without interval', () => {
    const none = { lower: null, upper: null, method: null };
    const loss = (condition: string | null, value: number, n: number) => ({
      ...{ name: 'loss', split: 'VALIDATION', condition, value, n, ...none },
    });
    expect(metrics.filter(({ name }) => name === 'loss')).toEqual([
      ...[loss(null, 0.5, 4), loss('sunny', 0.375, 2), loss('night', 0.625, 2)],
    ]);
  });

  it('gives the accuracy with n, interval and method', () => {
    expect(accuracyIn(null)).toMatchObject({ value: 0.75, n: 4, ...wilson(3, 4), method: 'WILSON' });
  });

  it('gives it per condition, which overlap, and counts a sample once', () => {
    expect(accuracyIn('sunny')).toMatchObject({ value: 1, n: 2 });
    expect(accuracyIn('night')).toMatchObject({ value: 0.5, n: 2 });
  });

  it('says nothing of a condition or split without samples', () => {
    expect(accuracyIn('rain')).toBeUndefined();
    expect(metricsOf(emptyTally(1), 'VALIDATION', ['sunny'])).toEqual([]);
  });

  it('makes CSV that reads back, whatever a condition is called', () => {
    const odd: Metric = { ...metrics[1]!, condition: 'wet, "dark"\nroad' };
    const rows: Record<string, string>[] = parse(metricsCsv([{ epoch: 1, metrics: [metrics[0]!, odd] }]), {
      columns: true,
    });
    expect(Object.keys(rows[0]!).join()).toBe('epoch,name,split,condition,value,n,lower,upper,method');
    expect(rows).toMatchObject([
      { epoch: '1', name: 'loss', condition: '', value: '0.5', lower: '' },
      { epoch: '1', name: 'accuracy', condition: odd.condition, n: '4', method: 'WILSON' },
    ]);
    expect(Number(rows[1]!.lower)).toBe(odd.lower);
  });
});

describe('EarlyStopping', () => {
  it('keeps the best epoch and gives up after patience epochs without a better one', () => {
    const stopping = new EarlyStopping(2, 'min');
    expect([3, 1, 2].map((loss, i) => stopping.observe(i + 1, loss))).toEqual([true, true, false]);
    expect(stopping.exhausted).toBe(false);
    expect(stopping.observe(4, 1)).toBe(false);
    expect(stopping.exhausted).toBe(true);
    expect(stopping.state).toMatchObject({ bestEpoch: 2, bestValue: 1 });
  });

  it('starts waiting anew after a better epoch, and never gives up without patience', () => {
    const stopping = new EarlyStopping(2, 'min');
    [3, 4, 2, 5].forEach((loss, i) => stopping.observe(i + 1, loss));
    expect(stopping.exhausted).toBe(false);
    const patient = new EarlyStopping(null, 'min');
    for (let epoch = 1; epoch < 100; epoch++) patient.observe(epoch, epoch);
    expect(patient.exhausted).toBe(false);
  });
});

describe('Progress', () => {
  it('reports at most four times a second, with rate and remaining time', () => {
    let now = 0;
    const reports: Extract<TrainerMessage, { type: 'progress' }>[] = [];
    const progress = new Progress(
      (message) => reports.push(message),
      1000,
      10,
      0,
      () => now,
    );
    for (; now < 4000; now += 10) progress.advance('TRAINING', 1, 1);
    expect(reports).toHaveLength(16);
    expect(reports.at(-1)).toMatchObject({ phase: 'TRAINING', epoch: 1, epochs: 10, done: 376, total: 1000 });
    expect(reports.at(-1)!.imagesPerSecond).toBeCloseTo(100, 0);
    expect(reports.at(-1)!.secondsLeft).toBeCloseTo(6.24, 1);
  });

  it('does not know the remaining time before it has done something, and counts on after a resume', () => {
    const reports: Extract<TrainerMessage, { type: 'progress' }>[] = [];
    let now = 0;
    const progress = new Progress(
      (message) => reports.push(message),
      100,
      null,
      40,
      () => now,
    );
    progress.advance('LOADING', 0);
    now = 1000;
    progress.advance('TRAINING', 10);
    expect(reports).toMatchObject([
      { done: 40, secondsLeft: null },
      { done: 50, secondsLeft: 5 },
    ]);
  });
});

describe('checkpoint', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shingo-checkpoint-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const checkpoint = (epoch: number): Checkpoint => ({
    state: {
      version: 2,
      parameters: trainingParametersSchema.parse({}),
      classes: ['red', 'green'],
      conditions: ['night'],
      trainSamples: 10,
      validationSamples: 2,
      epoch,
      batch: 3,
      imagesDone: 7,
      running: { lossSum: 0.1 + 0.2, n: 7, correct: 5, conditions: [{ n: 1, correct: 0, lossSum: 0.3 }] },
      earlyStopping: { bestEpoch: 1, bestValue: 1 / 3, waited: 0 },
      history: [
        { epoch: 1, metrics: metricsOf({ ...emptyTally(0), n: 3, correct: 1, lossSum: 2 }, 'TRAIN') },
      ],
      optimizerStep: 12,
    },
    weights: Float32Array.of(0.1, -0, 1e-40, 3),
    best: Float32Array.of(1, 2, 3, 4),
    average: Float32Array.of(4, 3, 2, 1),
    optimizer: [Float32Array.of(5), Float32Array.of(6)],
  });

  it('reads back to the last bit', async () => {
    const written = checkpoint(2);
    expect(await readCheckpoint(join(folder, await writeCheckpoint(folder, written)))).toEqual(written);
    const early = { ...checkpoint(1), best: null, average: null };
    expect(await readCheckpoint(join(folder, await writeCheckpoint(folder, early)))).toEqual(early);
  });

  it('keeps the newest three', async () => {
    for (let epoch = 8; epoch <= 12; epoch++) await writeCheckpoint(folder, checkpoint(epoch));
    expect((await readdir(join(folder, 'checkpoints'))).sort()).toEqual(
      [10, 11, 12].map((epoch) => `epoch-00${epoch}-batch-000003`),
    );
  });

  it('replaces one of the same place', async () => {
    await writeCheckpoint(folder, { ...checkpoint(1), best: null });
    const path = join(folder, await writeCheckpoint(folder, checkpoint(1)));
    expect((await readCheckpoint(path)).best).not.toBeNull();
  });

  it.each([
    ['cut tensors', (path: string) => truncate(join(path, 'tensors.bin'), 10)],
    ['no tensors', (path: string) => rm(join(path, 'tensors.bin'))],
    ['broken state', (path: string) => writeFile(join(path, 'state.json'), '{"version":1}')],
  ])('with %s is refused', async (_, damage) => {
    const path = join(folder, await writeCheckpoint(folder, checkpoint(1)));
    await damage(path);
    await expect(readCheckpoint(path)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  });
});
