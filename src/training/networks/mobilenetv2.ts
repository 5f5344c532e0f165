/**
 * MobileNetV2 (Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2).
 */
import { tfl } from '../tensorflow.js';
import { batchNormalization, type BatchNormalizationOptions } from './batchNormalization.js';
import type { NetworkOptions } from './index.js';
import { relu6 } from './relu6.js';

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

/**
 * Keras' 0.999 needs thousands of steps before the moving statistics mean anything; a small data set has some
 * 30 steps an epoch, and 0.9 forgets its start (0.9^30 = 4 %) within the first one.
 */
const BATCH_NORM = { momentum: 0.9, epsilon: 1e-3 } as const;

type Gamma = NonNullable<BatchNormalizationOptions['gammaInitializer']>;

/** Channels as the reference code rounds them: to a multiple of 8, never more than 10 % down. */
export function makeDivisible(channels: number, divisor = 8): number {
  const rounded = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}

/**
 * Strides of the stem and of each stage for an input size. The paper's multiply to 32, which at 32 px leaves a
 * single pixel for the last five blocks. Where fewer than 2×2 would be left, the earliest stages keep their
 * resolution instead: on 949 real crops at 32 px, six epochs, that reads 98 % of unseen crops right where the
 * paper's strides reach 96 %, at 1.7 times the time; a last map of 4×4 cost 20 % more and gained nothing.
 */
export function stridesFor(inputSize: number): { stem: number; stages: number[] } {
  const stages: number[] = STAGES.map(({ s }) => s);
  const total = () => STEM.stride * stages.reduce((a, b) => a * b, 1);
  while (inputSize / total() < 2 && stages.includes(2)) stages[stages.indexOf(2)] = 1;
  return { stem: STEM.stride, stages };
}

/** [batch, inputSize, inputSize, 3] in -1…1 → [batch, classes] probabilities. */
export function mobilenetv2({ inputSize, widthMultiplier, classes, seed }: NetworkOptions): tfl.LayersModel {
  const input = tfl.input({ shape: [inputSize, inputSize, 3], name: 'picture' });
  const b = new Builder(seed);
  let x = body(b, input, widthMultiplier, stridesFor(inputSize)).last;
  const headChannels = widthMultiplier > 1 ? makeDivisible(HEAD_CHANNELS * widthMultiplier) : HEAD_CHANNELS;
  x = b.relu6('head', b.convolution('head', x, headChannels, 1, 1));
  const outputs = b.classifier(x, classes);
  return tfl.model({ inputs: input, outputs, name: 'mobilenetv2' });
}

export interface Body {
  /** The deepest map of each stride. */
  features: ReadonlyMap<number, tfl.SymbolicTensor>;
  last: tfl.SymbolicTensor;
}

/** All of the network before its head. */
export function body(
  b: Builder,
  input: tfl.SymbolicTensor,
  widthMultiplier: number,
  strides: { stem: number; stages: number[] },
): Body {
  const width = (channels: number) => makeDivisible(channels * widthMultiplier);
  let x = b.relu6('stem', b.convolution('stem', input, width(STEM.channels), 3, strides.stem));
  let total = strides.stem;
  const features = new Map([[total, x]]);
  STAGES.forEach(({ t, c, n }, stage) => {
    for (let repeat = 0; repeat < n; repeat++) {
      const stride = repeat === 0 ? strides.stages[stage]! : 1;
      x = b.bottleneck(`stage${stage + 1}_block${repeat + 1}`, x, t, width(c), stride);
      features.set((total *= stride), x);
    }
  });
  return { features, last: x };
}

/** Every layer is named, so that model.json is the same byte for byte, and draws its own seed. */
export class Builder {
  constructor(private seed: number) {}

  /**
   * Inverted residual: expand 1×1, depthwise 3×3, project 1×1 without activation; a shortcut where shapes allow.
   * A block with a shortcut begins as the identity (scale 0, Goyal et al. 2017, section 5.1): after two epochs on
   * the real crops 95 % were right instead of 86 %.
   */
  bottleneck(name: string, x: tfl.SymbolicTensor, expansion: number, channels: number, stride: number) {
    const inChannels = channelsOf(x);
    let y = x;
    if (expansion !== 1)
      y = this.relu6(`${name}_expand`, this.convolution(`${name}_expand`, y, inChannels * expansion, 1, 1));
    y = this.relu6(`${name}_depthwise`, this.depthwise(`${name}_depthwise`, y, stride));
    const residual = stride === 1 && inChannels === channels;
    y = this.convolution(`${name}_project`, y, channels, 1, 1, residual ? 'zeros' : 'ones');
    if (!residual) return y;
    return tfl.layers.add({ name: `${name}_add` }).apply([x, y]) as tfl.SymbolicTensor;
  }

  /** Convolution without bias, then batch normalisation. */
  convolution(
    name: string,
    x: tfl.SymbolicTensor,
    filters: number,
    kernelSize: number,
    strides: number,
    gammaInitializer: Gamma = 'ones',
  ) {
    const kernelInitializer = this.he(kernelSize * kernelSize * channelsOf(x));
    const convolution = tfl.layers.conv2d({
      name: `${name}_conv`,
      filters,
      kernelSize,
      strides,
      padding: 'same',
      useBias: false,
      kernelInitializer,
    });
    return this.normalized(name, convolution.apply(x) as tfl.SymbolicTensor, gammaInitializer);
  }

  depthwise(name: string, x: tfl.SymbolicTensor, strides: number) {
    const convolution = tfl.layers.depthwiseConv2d({
      name: `${name}_conv`,
      kernelSize: 3,
      strides,
      padding: 'same',
      useBias: false,
      depthwiseInitializer: this.he(9),
    });
    return this.normalized(name, convolution.apply(x) as tfl.SymbolicTensor);
  }

  relu6(name: string, x: tfl.SymbolicTensor) {
    return relu6(`${name}_relu6`).apply(x) as tfl.SymbolicTensor;
  }

  /** Small weights at the start, so that the first loss is near ln(classes). */
  classifier(x: tfl.SymbolicTensor, classes: number) {
    const pooled = tfl.layers.globalAveragePooling2d({ name: 'pool' }).apply(x) as tfl.SymbolicTensor;
    const kernelInitializer = tfl.initializers.randomNormal({ mean: 0, stddev: 0.01, seed: this.nextSeed() });
    const logits = tfl.layers.dense({ name: 'logits', units: classes, kernelInitializer });
    const softmax = tfl.layers.softmax({ name: 'probabilities' });
    return softmax.apply(logits.apply(pooled)) as tfl.SymbolicTensor;
  }

  private normalized(name: string, x: tfl.SymbolicTensor, gammaInitializer: Gamma = 'ones') {
    return batchNormalization({ name: `${name}_bn`, ...BATCH_NORM, gammaInitializer }).apply(
      x,
    ) as tfl.SymbolicTensor;
  }

  /** He et al. 2015. Of a depthwise filter only its own channel is fan-in, which tfl's heNormal does not know. */
  private he(fanIn: number) {
    return tfl.initializers.randomNormal({ mean: 0, stddev: Math.sqrt(2 / fanIn), seed: this.nextSeed() });
  }

  private nextSeed() {
    return (this.seed += 1);
  }
}

const channelsOf = (x: tfl.SymbolicTensor): number => x.shape[x.shape.length - 1]!;
