/** The process behind `engineContender`: MobileNetV2 α 0.35 on the engine that its argument names. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { forgetGraphCompiler } from '../../src/training/engines/graphs.js';
import { startEngine } from '../../src/training/engines/index.js';
import { drawsOf } from '../../src/training/input/augment/index.js';
import { Learner } from '../../src/training/learner.js';
import {
  trainingParametersSchema,
  type EngineName,
  type Sample,
  type TrainingSpec,
} from '../../src/training/protocol.js';
import { TASK } from '../../src/training/tasks/index.js';
import { tf } from '../../src/training/tensorflow.js';
import { BY_OPERATIONS, type Steps, type Taken } from './contenders.js';

const CLASSES = ['red', 'yellow', 'green'];
const folder = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
const picture = join(folder, 'noise.png');
const noise = { type: 'gaussian' as const, mean: 128, sigma: 60 };
await sharp({ create: { width: 256, height: 256, channels: 3, background: '#808080', noise } }).toFile(
  picture,
);
const byOperations = process.argv[2] === BY_OPERATIONS;
await startEngine(byOperations ? 'native' : (process.argv[2] as EngineName));
if (byOperations) forgetGraphCompiler(tf.getBackend());

let current: { key: string; step(): Promise<number>; weights: number; dispose(): void } | null = null;

async function prepare(size: number, batch: number) {
  const samples = Array.from({ length: batch }, (_, i): Sample => {
    const box = { x: i % 128, y: i % 96, width: 128, height: 128 };
    return { id: String(i), file: picture, box, label: i % 3, split: 'TRAIN', conditions: [] };
  });
  const parameters = trainingParametersSchema.parse({ inputSize: size, batchSize: Math.max(batch, 1) });
  const spec = { parameters, classes: CLASSES, conditions: [] } as unknown as TrainingSpec;
  const task = TASK.LIGHT_STATE.training(spec, samples);
  await task.load({});
  const learner = new Learner(parameters, task);
  const indices = Uint32Array.from(samples.keys());
  const draws = (index: number) => drawsOf(1, 1, index);
  const step = async () => {
    const data = await task.batch(indices, draws);
    const { loss } = await learner.train(data, 0.001);
    tf.dispose([data.x, data.targets]);
    return loss;
  };
  const weights = task.model.trainableWeights.reduce(
    (sum, weight) => sum + tf.util.sizeFromShape(weight.shape as number[]),
    0,
  );
  return { key: `${size}/${batch}`, step, weights, dispose: () => (learner.dispose(), task.dispose()) };
}

async function take({ size, batch, steps }: Steps): Promise<Taken> {
  if (current?.key !== `${size}/${batch}`) {
    current?.dispose();
    current = await prepare(size, batch);
    // The first step compiles kernels and fills caches. A single step is one of many seconds: it warms itself.
    for (let warm = 0; warm < (steps > 1 ? 3 : 0); warm++) await current.step();
  }
  const milliseconds: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    const loss = await current.step();
    milliseconds.push(performance.now() - start);
    if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
  }
  const { user, system } = process.cpuUsage(before);
  return { milliseconds, processor: (user + system) / 1000 / steps, weights: current.weights };
}

process.on('message', (steps: Steps) => void take(steps).then((taken) => process.send!(taken)));
process.on('disconnect', () => void rm(folder, { recursive: true, force: true }).then(() => process.exit()));
process.on('SIGTERM', () => void rm(folder, { recursive: true, force: true }).then(() => process.exit()));
