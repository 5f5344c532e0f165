/**
 * MobileNetV2 (Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2).
 */
import { z } from 'zod';
import type { tfl } from '../tensorflow.js';
import { defineNetwork, Features, keepResolution, makeDivisible } from './network.js';
import type { Layers } from './layers.js';
import { inputSize, widthMultiplier } from './parameters.js';

/** Rows of table 2: expansion t, output channels c, repeats n, stride s of the first repeat. */
const STAGES = [
  { t: 1, c: 16, n: 1, s: 1 },
  { t: 6, c: 24, n: 2, s: 2 },
  { t: 6, c: 32, n: 3, s: 2 },
  { t: 6, c: 64, n: 4, s: 2 },
  { t: 6, c: 96, n: 3, s: 1 },
  { t: 6, c: 160, n: 3, s: 2 },
  { t: 6, c: 320, n: 1, s: 1 },
] as const;
const STEM = { channels: 32, stride: 2 } as const;
/** Not narrowed by multipliers below 1, as in the paper. */
const HEAD_CHANNELS = 1280;

const blockName = (stage: number, repeat: number) => `stage${stage + 1}_block${repeat + 1}`;

export const mobilenetv2 = defineNetwork({
  name: 'mobilenetv2',
  title: 'MobileNetV2',
  reference: 'Sandler et al. 2018, table 2',
  tasks: ['LIGHT_STATE', 'LIGHT_DETECTION'],
  parameters: z.object({ inputSize, widthMultiplier }),

  blocks: () => [
    'stem',
    ...STAGES.flatMap(({ n }, stage) => Array.from({ length: n }, (_, repeat) => blockName(stage, repeat))),
    'head',
  ],

  body(layers, shape, { widthMultiplier }) {
    const width = (channels: number) => makeDivisible(channels * widthMultiplier);
    const strides = stridesFor(Math.min(shape.height, shape.width)).stages;
    const input = layers.input(shape);
    const features = new Features(input);
    const options = { filters: width(STEM.channels), kernelSize: 3, strides: STEM.stride };
    let x = features.add(layers.relu6('stem', layers.convolution('stem', input, options)), STEM.stride);
    STAGES.forEach(({ t, c, n }, stage) => {
      for (let repeat = 0; repeat < n; repeat++) {
        const stride = repeat === 0 ? strides[stage]! : 1;
        const block = { name: blockName(stage, repeat), expansion: t, filters: width(c), stride };
        x = bottleneck(layers, features, x, block);
      }
    });
    return features.body;
  },

  pooled(layers, x, { widthMultiplier }) {
    const filters = widthMultiplier > 1 ? makeDivisible(HEAD_CHANNELS * widthMultiplier) : HEAD_CHANNELS;
    const head = layers.convolution('head', x, { filters, kernelSize: 1 });
    return layers.globalPool(layers.relu6('head', head));
  },
});

/** Strides of the stem and of each stage for an input size; see keepResolution. */
export function stridesFor(size: number): { stem: number; stages: number[] } {
  const paper = STAGES.map(({ s }) => s);
  return { stem: STEM.stride, stages: keepResolution(STEM.stride, paper, size) };
}

interface Block {
  name: string;
  expansion: number;
  filters: number;
  stride: number;
}

/**
 * Inverted residual: expand 1×1, depthwise 3×3, project 1×1 without activation; a shortcut where shapes allow.
 * A block with a shortcut begins as the identity (scale 0, Goyal et al. 2017, section 5.1): after two epochs on
 * the real crops 95 % were right instead of 86 %. The expanded map is the richest of its stride: before a block that
 * halves it, a detector reads it there, as Sandler et al. do (section 6.2).
 */
function bottleneck(
  layers: Layers,
  features: Features,
  x: tfl.SymbolicTensor,
  { name, expansion, filters, stride }: Block,
): tfl.SymbolicTensor {
  const inputs = x.shape[3]!;
  let y = x;
  if (expansion !== 1) {
    const expanded = { filters: inputs * expansion, kernelSize: 1 };
    y = layers.relu6(`${name}_expand`, layers.convolution(`${name}_expand`, y, expanded));
    features.add(y, 1);
  }
  y = layers.relu6(`${name}_depthwise`, layers.depthwise(`${name}_depthwise`, y, 3, stride));
  const residual = stride === 1 && inputs === filters;
  const gammaInitializer = residual ? 'zeros' : 'ones';
  y = layers.convolution(`${name}_project`, y, { filters, kernelSize: 1, gammaInitializer });
  return features.add(residual ? layers.add(name, x, y) : y, stride);
}
