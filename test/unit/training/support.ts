/** A small data set of coloured discs, and jobs that collect what a trainer sends. */
import { fork } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Job } from '../../../src/training/job.js';
import {
  trainerMessageSchema,
  trainingParametersSchema,
  type EvaluationSpec,
  type Metric,
  type Sample,
  type TrainerMessage,
  type TrainingSpec,
} from '../../../src/training/protocol.js';
import { generator } from '../../../src/training/random.js';

export const CLASSES = ['red', 'yellow', 'green'];
export const CONDITIONS = ['sunny', 'night'];
const COLOURS = [
  { r: 230, g: 40, b: 40 },
  { r: 230, g: 200, b: 40 },
  { r: 40, g: 210, b: 90 },
];

/** 48 lights in 12 pictures of 2×2: per class 8 TRAIN, 4 VALIDATION, 4 TEST; half at night. */
export const PER_SPLIT = { TRAIN: 24, VALIDATION: 12, TEST: 12 } as const;

export interface DataSet {
  folder: string;
  samples: Sample[];
  remove(): Promise<void>;
}

export async function discs(): Promise<DataSet> {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-training-'));
  const samples: Sample[] = [];
  const random = generator(7);
  for (let picture = 0; picture < 12; picture++) {
    const file = join(folder, `picture-${picture}.png`);
    const split = picture < 6 ? 'TRAIN' : picture < 9 ? 'VALIDATION' : 'TEST';
    const layers = [0, 1, 2, 3].map((quarter) => {
      const label = (picture * 4 + quarter) % 3;
      const x = (quarter % 2) * 24;
      const y = Math.floor(quarter / 2) * 24;
      const box = { x: x + 2, y: y + 2, width: 20, height: 20 };
      samples.push({ id: `${picture}/${quarter}`, file, box, label, split, conditions: [picture % 2] });
      return disc(label, x, y, 4 + random() * 4);
    });
    const background = picture % 2 ? { r: 10, g: 12, b: 20 } : { r: 150, g: 160, b: 170 };
    await sharp({ create: { width: 48, height: 48, channels: 3, background } })
      .composite(layers)
      .png()
      .toFile(file);
  }
  return { folder, samples, remove: () => rm(folder, { recursive: true, force: true }) };
}

function disc(label: number, left: number, top: number, radius: number) {
  const { r, g, b } = COLOURS[label]!;
  const svg = `<svg width="24" height="24"><circle cx="12" cy="12" r="${radius}" fill="rgb(${r},${g},${b})"/></svg>`;
  return { input: Buffer.from(svg), left, top };
}

let runs = 0;

export async function trainingSpec(
  data: DataSet,
  parameters: Record<string, unknown> = {},
  change: Partial<TrainingSpec> & { samples?: Sample[] } = {},
): Promise<TrainingSpec> {
  const { samples = data.samples, ...rest } = change;
  const defaults = { inputSize: 16, widthMultiplier: 0.1, batchSize: 8, epochs: 2, patience: null, seed: 3 };
  return {
    kind: 'TRAINING',
    ...(await place(data, samples)),
    parameters: trainingParametersSchema.parse({ ...defaults, ...parameters }),
    resumeFrom: null,
    startFrom: null,
    ...rest,
  };
}

/** What a training does only when asked; the block that is frozen is the first. */
export const EVERY_OPTION = {
  weightDecay: 0.02,
  clipNorm: 1,
  emaDecay: 0.9,
  schedule: 'cosine',
  warmupEpochs: 1.5,
  freezeBlocks: 1,
  focalGamma: 1.5,
  labelSmoothing: 0.05,
  classWeighting: 'balanced',
  conditionWeights: { night: 2 },
  mixConditions: { night: true },
};

export async function evaluationSpec(
  data: DataSet,
  modelDir: string,
  samples: Sample[] = data.samples,
): Promise<EvaluationSpec> {
  return {
    kind: 'EVALUATION',
    task: 'LIGHT_STATE',
    ...(await place(data, samples)),
    modelDir,
    batchSize: 8,
  };
}

/** An own output folder and samples file for each run. */
async function place(data: DataSet, samples: Sample[]) {
  const outputDir = join(data.folder, `run-${(runs += 1)}`);
  await mkdir(outputDir);
  const samplesFile = join(outputDir, 'samples.jsonl');
  await writeFile(samplesFile, samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
  return { engine: 'wasm' as const, samplesFile, classes: CLASSES, conditions: CONDITIONS, outputDir };
}

const TRAINER = fileURLToPath(new URL('../../../src/training/trainerProcess.js', import.meta.url));

/** All that the trainer's own process says of this spec, until it ends. */
export async function trainerMessages(spec: TrainingSpec, env = process.env): Promise<TrainerMessage[]> {
  const specFile = join(spec.outputDir, 'spec.json');
  await writeFile(specFile, JSON.stringify(spec));
  return new Promise((resolve) => {
    const child = fork(TRAINER, { serialization: 'advanced', stdio: 'ignore', execArgv: [], env });
    const received: TrainerMessage[] = [];
    child.on('message', (message) => received.push(trainerMessageSchema.parse(message)));
    child.on('exit', () => resolve(received));
    child.send({ type: 'start', specFile });
  });
}

export type EpochMessage = Extract<TrainerMessage, { type: 'epoch' }>;

/** A job that keeps what it is sent; `onMessage` may call `stop`. */
export function recordingJob(
  onMessage: (message: TrainerMessage, stop: () => void) => void = () => undefined,
) {
  const messages: TrainerMessage[] = [];
  const controller = new AbortController();
  const stop = () => controller.abort();
  const job: Job = {
    signal: controller.signal,
    send: async (message) => {
      messages.push(message);
      onMessage(message, stop);
    },
  };
  return { job, messages, stop };
}

export const epochsOf = (messages: readonly TrainerMessage[]): EpochMessage[] =>
  messages.filter((message) => message.type === 'epoch');

/** All metrics of all epochs, as plain data to compare runs by. */
export const metricsOf = (messages: readonly TrainerMessage[]): Metric[][] =>
  epochsOf(messages).map(({ metrics }) => metrics);

export const value = (message: EpochMessage, split: Metric['split'], name: string): number =>
  message.metrics.find((m) => m.split === split && m.name === name && m.condition === null)!.value;
