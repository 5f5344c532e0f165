/** Small frames to find lights in: windows of 96×64 pixels, unscaled, of the demo's rendered street scenes. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { renderShot } from '../../../seeds/demo.js';
import { planDemo } from '../../../seeds/plan.js';
import type { ManifestBox } from '../../../seeds/manifest.js';
import {
  trainingParametersSchema,
  type EvaluationSpec,
  type Frame,
  type TrainingSpec,
} from '../../../src/training/protocol.js';

export const COLOURS = ['GREEN', 'RED'];
export const CONDITIONS = ['night'];
const WINDOW = { width: 96, height: 64 };
const SEED = 5;

export interface FrameSet {
  folder: string;
  frames: Frame[];
  remove(): Promise<void>;
}

/** As many windows as asked for, each around a red or green light of a scene of its own; one in five is VALIDATION. */
export async function streetWindows(count: number): Promise<FrameSet> {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-detection-'));
  const frames: Frame[] = [];
  for (const shot of planDemo(count * 4, SEED)) {
    if (frames.length === count) break;
    const { jpeg, boxes } = await renderShot(shot, SEED);
    const lights = boxes.filter(({ category }) => category === 'TRAFFIC_LIGHT');
    const light = lights.find(({ color, width, height }) => COLOURS.includes(color!) && width * height > 100);
    if (!light) continue;
    const left = within(light.x + light.width / 2 - (32 + 8 * (frames.length % 5)), 640 - WINDOW.width);
    const top = within(light.y + light.height / 2 - 32, 360 - WINDOW.height);
    const png = await sharp(jpeg)
      .extract({ left, top, ...WINDOW })
      .png()
      .toBuffer();
    const id = createHash('sha256').update(png).digest('hex');
    const file = join(folder, `${id}.png`);
    await writeFile(file, png);
    frames.push({
      ...{ id, file, split: frames.length % 5 === 4 ? 'VALIDATION' : 'TRAIN' },
      conditions: shot.timeOfDay === 'NIGHT' ? [0] : [],
      boxes: lights.flatMap((one) => seen(one, left, top)),
    });
  }
  return { folder, frames, remove: () => rm(folder, { recursive: true, force: true }) };
}

const within = (value: number, most: number) => Math.round(Math.min(Math.max(value, 0), most));

/** A light of another colour is there, but not asked for. */
function seen({ x, y, width, height, color }: ManifestBox, left: number, top: number): Frame['boxes'] {
  const box = { x: x - left, y: y - top, width, height };
  if (box.x + width <= 0 || box.y + height <= 0 || box.x >= WINDOW.width || box.y >= WINDOW.height) return [];
  const label = COLOURS.indexOf(color!);
  return [{ ...box, label: label < 0 ? null : label, ignore: label < 0 }];
}

let runs = 0;

const TINY = {
  algorithm: 'mobilenetv2',
  widthMultiplier: 0.1,
  headChannels: 16,
  inputWidth: 96,
  inputHeight: 64,
};

export async function detectionSpec(
  data: FrameSet,
  parameters: Record<string, unknown> = {},
  frames: readonly Frame[] = data.frames,
): Promise<TrainingSpec> {
  const given = {
    task: 'LIGHT_DETECTION',
    ...TINY,
    learningRate: 0.01,
    patience: null,
    seed: 3,
    ...parameters,
  };
  return {
    kind: 'TRAINING',
    ...(await place(data, frames)),
    parameters: trainingParametersSchema.parse(given),
    resumeFrom: null,
  };
}

export async function detectionEvaluation(
  data: FrameSet,
  modelDir: string,
  frames: readonly Frame[] = data.frames,
): Promise<EvaluationSpec> {
  return {
    kind: 'EVALUATION',
    task: 'LIGHT_DETECTION',
    ...(await place(data, frames)),
    modelDir,
    batchSize: 8,
  };
}

async function place({ folder }: FrameSet, frames: readonly Frame[]) {
  const outputDir = join(folder, `run-${(runs += 1)}`);
  await mkdir(outputDir);
  const samplesFile = join(outputDir, 'frames.jsonl');
  await writeFile(samplesFile, frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''));
  return { engine: 'wasm' as const, samplesFile, classes: COLOURS, conditions: CONDITIONS, outputDir };
}
