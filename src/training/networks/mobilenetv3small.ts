/** MobileNetV3-Small (Howard et al. 2019, "Searching for MobileNetV3", table 2). */
import { z } from 'zod';
import type { tfl } from '../tensorflow.js';
import { defineNetwork, Features, keepResolution, makeDivisible } from './network.js';
import type { Activation, Layers } from './layers.js';
import { inputSize, widthMultiplier } from './parameters.js';

/** Rows of table 2: kernel k, expanded channels, output channels c, squeeze and excite, non-linearity, stride s. */
const BLOCKS: Block[] = [
  { k: 3, expanded: 16, c: 16, se: true, nl: 'relu6', s: 2 },
  { k: 3, expanded: 72, c: 24, se: false, nl: 'relu6', s: 2 },
  { k: 3, expanded: 88, c: 24, se: false, nl: 'relu6', s: 1 },
  { k: 5, expanded: 96, c: 40, se: true, nl: 'hardSwish', s: 2 },
  { k: 5, expanded: 240, c: 40, se: true, nl: 'hardSwish', s: 1 },
  { k: 5, expanded: 240, c: 40, se: true, nl: 'hardSwish', s: 1 },
  { k: 5, expanded: 120, c: 48, se: true, nl: 'hardSwish', s: 1 },
  { k: 5, expanded: 144, c: 48, se: true, nl: 'hardSwish', s: 1 },
  { k: 5, expanded: 288, c: 96, se: true, nl: 'hardSwish', s: 2 },
  { k: 5, expanded: 576, c: 96, se: true, nl: 'hardSwish', s: 1 },
  { k: 5, expanded: 576, c: 96, se: true, nl: 'hardSwish', s: 1 },
];
interface Block {
  k: number;
  expanded: number;
  c: number;
  se: boolean;
  nl: Activation;
  s: number;
}
const STEM = { channels: 16, stride: 2 } as const;
const HEAD_CHANNELS = 576;
/** Not narrowed by multipliers below 1. */
const TOP_CHANNELS = 1024;

/**
 * The rows that say ReLU have ReLU6 here: its training step is hand-written, and after batch normalisation next to
 * nothing lies above 6.
 */
export const mobilenetv3small = defineNetwork({
  name: 'mobilenetv3-small',
  title: 'MobileNetV3-Small',
  reference: 'Howard et al. 2019, table 2',
  tasks: ['LIGHT_STATE', 'LIGHT_DETECTION'],
  parameters: z.object({ inputSize, widthMultiplier }),

  blocks: () => ['stem', ...BLOCKS.map((_, i) => blockName(i)), 'head', 'top'],

  body(layers, shape, { widthMultiplier }) {
    const width = (channels: number) => makeDivisible(channels * widthMultiplier);
    const paper = BLOCKS.map(({ s }) => s);
    const strides = keepResolution(STEM.stride, paper, Math.min(shape.height, shape.width));
    const input = layers.input(shape);
    const features = new Features(input);
    const options = { filters: width(STEM.channels), kernelSize: 3, strides: STEM.stride };
    let x = features.add(layers.hardSwish('stem', layers.convolution('stem', input, options)), STEM.stride);
    BLOCKS.forEach((block, i) => {
      const s = strides[i]!;
      const scaled = { ...block, s, expanded: width(block.expanded), c: width(block.c) };
      x = bottleneck(layers, features, blockName(i), x, scaled);
    });
    return features.body;
  },

  pooled(layers, x, { widthMultiplier }) {
    const filters = makeDivisible(HEAD_CHANNELS * widthMultiplier);
    const head = layers.hardSwish('head', layers.convolution('head', x, { filters, kernelSize: 1 }));
    const units = widthMultiplier > 1 ? makeDivisible(TOP_CHANNELS * widthMultiplier) : TOP_CHANNELS;
    return layers.hardSwish('top', layers.dense('top', layers.globalPool(head), units));
  },
});

const blockName = (index: number) => `block${index + 1}`;

/** Expand 1×1, depthwise, squeeze and excite, project 1×1; blocks with a shortcut begin as the identity, as in V2. */
function bottleneck(
  layers: Layers,
  features: Features,
  name: string,
  x: tfl.SymbolicTensor,
  { k, expanded, c, se, nl, s }: Block,
): tfl.SymbolicTensor {
  const inputs = x.shape[3]!;
  let y = x;
  if (expanded !== inputs) {
    const wide = layers.convolution(`${name}_expand`, y, { filters: expanded, kernelSize: 1 });
    // What a detector reads before a block that halves it; see mobilenetv2.ts.
    y = features.add(layers.activation(nl, `${name}_expand`, wide), 1);
  }
  y = layers.activation(nl, `${name}_depthwise`, layers.depthwise(`${name}_depthwise`, y, k, s));
  if (se) y = layers.squeezeExcite(`${name}_se`, y, makeDivisible(expanded / 4));
  const residual = s === 1 && inputs === c;
  const gammaInitializer = residual ? 'zeros' : 'ones';
  y = layers.convolution(`${name}_project`, y, { filters: c, kernelSize: 1, gammaInitializer });
  return features.add(residual ? layers.add(name, x, y) : y, s);
}
