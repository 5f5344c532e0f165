/** What a training of LIGHT_DETECTION can be told besides what every training can. */
import { z } from 'zod';
import type { TaskName } from './networks/network.js';

/** The networks' deepest stride: a side that is no multiple of it would not come back together on the way up. */
const SIDE_STEP = 32;

const side = (least: number, most: number) => z.int().min(least).max(most).multipleOf(SIDE_STEP);

const shape = {
  inputWidth: side(64, 1920).describe('Width that a whole frame is stretched to, px; a multiple of 32.'),
  inputHeight: side(64, 1088).describe('Height that a whole frame is stretched to, px; a multiple of 32.'),
  windowWidth: z
    .int()
    .min(0)
    .max(1920)
    .multipleOf(SIDE_STEP)
    .describe('Training sees windows of this width, px of the input; 0, or more than it has: the whole.'),
  windowHeight: z
    .int()
    .min(0)
    .max(1088)
    .multipleOf(SIDE_STEP)
    .describe('Training sees windows of this height, px of the input; 0, or more than it has: the whole.'),
  windowsPerFrame: z.int().min(1).max(16).describe('Windows cut from a frame each time it is seen.'),
  maxDetections: z.int().min(1).max(300).describe('Boxes kept of a frame, best first.'),
  headChannels: z
    .int()
    .min(8)
    .max(256)
    .describe('Channels on the way back up to stride 4, and of the heads.'),
  sizeWeight: z
    .number()
    .min(0)
    .max(10)
    .describe('Weight of the error of width and height, as logarithms; the heat map has 1.'),
  offsetWeight: z
    .number()
    .min(0)
    .max(10)
    .describe('Weight of the error of the centre within its cell of 4×4 pixels.'),
};
export const detectionParametersSchema = z.object(shape);
export type DetectionParameters = z.output<typeof detectionParametersSchema>;

/**
 * A frame of 512×288 has the pixels of 144 crops: hence small batches. Large steps, averaged: 650 of them at 0.02 in
 * batches of 8 windows found 57 % of unseen lights, as many windows at 0.003 in batches of 16 found 10 % (docs/training.md).
 */
const PRESETS = {
  inputWidth: 512,
  inputHeight: 288,
  windowWidth: 0,
  windowHeight: 0,
  windowsPerFrame: 1,
  maxDetections: 100,
  headChannels: 32,
  sizeWeight: 1,
  offsetWeight: 1,
  batchSize: 8,
  learningRate: 0.02,
  warmupEpochs: 0.5,
  emaDecay: 0.98,
} satisfies DetectionParameters & Record<string, number>;

/** Defaults of a task that are not those of every training. */
export const presetsOf = (task: unknown): Record<string, number> =>
  task === 'LIGHT_DETECTION' ? PRESETS : {};

/** As part of every training's parameters: what is not there was not given, and the task's presets fill it in. */
export const detectionShape = detectionParametersSchema.partial().shape;

/** Of crops: these have no meaning in LIGHT_DETECTION, which refuses them where they are not at these defaults. */
const OF_CROPS = {
  focalGamma: 0,
  labelSmoothing: 0,
  classWeighting: 'none',
  conditionWeighting: 'none',
};

/** Its squeeze-and-excite layers pool the whole input: of a window they would say something else than of a frame. */
export const windowsOf = (algorithm: unknown): string[] =>
  algorithm === 'mobilenetv3-small' ? ['windowWidth', 'windowHeight'] : [];

/** Names that the task does not look at. */
export const unusedIn = (task: TaskName): string[] =>
  task === 'LIGHT_DETECTION'
    ? ['inputSize', 'classWeights', 'conditionWeights', ...Object.keys(OF_CROPS)]
    : Object.keys(shape);

/** Problems of parameters that belong to another task: the name, and what is wrong with it. */
export function strangeParameters(parameters: Record<string, unknown>): [name: string, problem: string][] {
  if (parameters.task === 'LIGHT_DETECTION')
    return Object.entries(OF_CROPS)
      .filter(([name, preset]) => parameters[name] !== preset)
      .map(([name]): [string, string] => [name, 'is a parameter of LIGHT_STATE'])
      .concat(
        windowsOf(parameters.algorithm)
          .filter((name) => parameters[name])
          .map((name) => [
            name,
            'is for mobilenetv2: mobilenetv3-small weighs its channels by the whole frame',
          ]),
      );
  return Object.keys(shape)
    .filter((name) => parameters[name] !== undefined)
    .map((name) => [name, 'is a parameter of LIGHT_DETECTION']);
}

/** Without what its task does not look at: what is stored of a training is what was used. */
export function usedParameters<P extends { task: TaskName }>(parameters: P): Partial<P> {
  const unused = unusedIn(parameters.task);
  const used = Object.entries(parameters).filter(([name]) => !unused.includes(name));
  return Object.fromEntries(used) as Partial<P>;
}
