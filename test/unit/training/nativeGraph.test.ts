/**
 * Steps as one graph, with every option of a training: the same losses as `wasm`, which computes operation by operation
 * with kernels of another library. Skipped where `native` was not set up.
 */
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { probeEngines } from '../../../src/training/engines/present.js';
import type { TrainerMessage, TrainingSpec } from '../../../src/training/protocol.js';
import { detectionSpec, streetWindows, type FrameSet } from './detectionSupport.js';
import {
  type DataSet,
  discs,
  epochsOf,
  EVERY_OPTION,
  metricsOf,
  trainerMessages,
  trainingSpec,
  value,
} from './support.js';

const [native] = await probeEngines(['native']);
const test = native!.works ? it : it.skip;
const why = native!.works ? '' : ` (not here: ${native!.reason})`;

let data: DataSet;
let frames: FrameSet;
beforeAll(async () => {
  [data, frames] = await Promise.all([discs(), streetWindows(10)]);
}, 120_000);
afterAll(() => Promise.all([data.remove(), frames.remove()]));

const CNN = { algorithm: 'small-cnn', channels: 4, widthMultiplier: undefined, learningRate: 1e-3 };
const EVERYTHING = {
  ...CNN,
  batchSize: 7,
  ...EVERY_OPTION,
  augmentation: { flip: 0.5, crop: 0.2, scale: 0.2, shift: 0.1, color: 0.5 },
};
const logOf = (messages: readonly TrainerMessage[]) =>
  messages.flatMap((message) => (message.type === 'log' ? [message.message] : []));

/** One for each size of batch, and none that was refused. */
function expectGraphs(messages: readonly TrainerMessage[], count: number) {
  const log = logOf(messages);
  expect(log.filter((line) => line.includes('runs as one graph'))).toHaveLength(count);
  expect(log.filter((line) => line.includes('operation by operation'))).toEqual([]);
}

async function bothWays(make: (engine: 'native' | 'wasm') => Promise<TrainingSpec>, graphs: number) {
  const [ours, theirs] = await Promise.all([
    make('native').then((spec) => trainerMessages(spec)),
    make('wasm').then((spec) => trainerMessages(spec)),
  ]);
  expect([ours, theirs].map((messages) => messages.at(-1)!.type)).toEqual(['trained', 'trained']);
  expectGraphs(ours, graphs);
  const [a, b] = [epochsOf(ours), epochsOf(theirs)];
  expect(a).toHaveLength(2);
  a.forEach((epoch, i) => {
    for (const split of ['TRAIN', 'VALIDATION'] as const)
      expect(Math.abs(value(epoch, split, 'loss') / value(b[i]!, split, 'loss') - 1)).toBeLessThan(1e-3);
  });
  return a;
}

test.each([
  ['Adam', { ...CNN, optimizer: 'Adam' }, 1],
  ['AdamW and everything else', { ...EVERYTHING, optimizer: 'AdamW' }, 1],
  ['SGD, batches of 5 and of 4', { ...CNN, optimizer: 'SGD', momentum: 0.8, batchSize: 5 }, 2],
  ['MobileNetV3, with gates', { algorithm: 'mobilenetv3-small', widthMultiplier: 0.35, optimizer: 'SGD' }, 1],
])(
  `LIGHT_STATE with %s learns as on wasm${why}`,
  async (_, parameters, graphs) => {
    const epochs = await bothWays((engine) => trainingSpec(data, parameters, { engine }), graphs);
    expect(new Set(epochs.map(({ tensors }) => tensors)).size).toBe(1);
  },
  60_000,
);

test(`LIGHT_DETECTION in windows learns as on wasm${why}`, async () => {
  const windows = { windowWidth: 64, windowHeight: 64, windowsPerFrame: 2 };
  const parameters = { ...windows, epochs: 2, optimizer: 'SGD', learningRate: 1e-3 };
  await bothWays(async (engine) => ({ ...(await detectionSpec(frames, parameters)), engine }), 1);
}, 60_000);

test(`goes on from a checkpoint as one that was not interrupted, to the last bit${why}`, async () => {
  const change = { engine: 'native' as const };
  const parameters = { ...EVERYTHING, optimizer: 'AdamW', epochs: 3, batchSize: 5 };
  const whole = await trainingSpec(data, parameters, change);
  const first = await trainerMessages(whole);
  const rest = await trainingSpec(data, parameters, change);
  const resumeFrom = join(rest.outputDir, 'resume');
  await cp(join(whole.outputDir, epochsOf(first)[0]!.checkpoint), resumeFrom, { recursive: true });
  const second = await trainerMessages({ ...rest, resumeFrom });
  expect(metricsOf(second)).toEqual(metricsOf(first).slice(1));
  for (const file of ['model/weights.bin', 'last/weights.bin'])
    expect(await readFile(join(rest.outputDir, file))).toEqual(await readFile(join(whole.outputDir, file)));
}, 60_000);
