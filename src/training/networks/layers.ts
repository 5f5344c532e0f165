/**
 * The layers that networks are made of. Every one is saved as a stock TensorFlow.js layer, is named, so that
 * model.json is the same byte for byte, and draws its own seed, so that a network follows from one number.
 */
import { tfl } from '../tensorflow.js';
import { batchNormalization, type BatchNormalizationOptions } from './batchNormalization.js';
import { hardSigmoid, scaleChannels } from './hardSigmoid.js';
import type { InputShape } from './network.js';
import { relu6 } from './relu6.js';

/**
 * Keras' 0.999 needs thousands of steps before the moving statistics mean anything; a small data set has some
 * 30 steps an epoch, and 0.9 forgets its start (0.9^30 = 4 %) within the first one.
 */
const BATCH_NORM = { momentum: 0.9, epsilon: 1e-3 } as const;

type X = tfl.SymbolicTensor;
type Gamma = NonNullable<BatchNormalizationOptions['gammaInitializer']>;
export type Activation = 'relu6' | 'hardSwish';

export interface ConvolutionOptions {
  filters: number;
  kernelSize: number;
  strides?: number;
  /** 'zeros' where a shortcut goes round it, which then begins as the identity. */
  gammaInitializer?: Gamma;
}

export class Layers {
  constructor(private seed: number) {}

  input({ height, width }: InputShape): X {
    return tfl.input({ shape: [height, width, 3], name: 'picture' });
  }

  /** Convolution without bias, then batch normalisation. */
  convolution(name: string, x: X, options: ConvolutionOptions): X {
    const { filters, kernelSize, strides = 1, gammaInitializer = 'ones' } = options;
    const convolution = tfl.layers.conv2d({
      name: `${name}_conv`,
      filters,
      kernelSize,
      strides,
      padding: 'same',
      useBias: false,
      kernelInitializer: this.he(kernelSize * kernelSize * channelsOf(x)),
    });
    return this.normalized(name, convolution.apply(x) as X, gammaInitializer);
  }

  depthwise(name: string, x: X, kernelSize: number, strides: number): X {
    const convolution = tfl.layers.depthwiseConv2d({
      name: `${name}_conv`,
      kernelSize,
      strides,
      padding: 'same',
      useBias: false,
      depthwiseInitializer: this.he(kernelSize * kernelSize),
    });
    return this.normalized(name, convolution.apply(x) as X);
  }

  activation(kind: Activation, name: string, x: X): X {
    return kind === 'relu6' ? this.relu6(name, x) : this.hardSwish(name, x);
  }

  relu6(name: string, x: X): X {
    return relu6(`${name}_relu6`).apply(x) as X;
  }

  /** x·relu6(x + 3)/6 (Howard et al. 2019, section 5.2). */
  hardSwish(name: string, x: X): X {
    const gate = hardSigmoid(`${name}_gate`, x);
    return tfl.layers.multiply({ name: `${name}_hardswish` }).apply([x, gate]) as X;
  }

  /** Squeeze and excite (Hu et al. 2018) with a hard sigmoid, as MobileNetV3 has it. */
  squeezeExcite(name: string, x: X, channels: number): X {
    const [, height, width, outputs] = x.shape as [null, number, number, number];
    // Pooling to 1×1 is SIMD code on `wasm`; the mean that global pooling takes is not.
    const squeezed = tfl.layers
      .averagePooling2d({ name: `${name}_squeeze`, poolSize: [height, width], strides: 1 })
      .apply(x) as X;
    const reduced = this.relu6(`${name}_reduce`, this.biased(`${name}_reduce`, squeezed, channels));
    const gate = hardSigmoid(`${name}_gate`, this.biased(`${name}_expand`, reduced, outputs));
    return scaleChannels(`${name}_excite`).apply([x, gate]) as X;
  }

  add(name: string, x: X, y: X): X {
    return tfl.layers.add({ name: `${name}_add` }).apply([x, y]) as X;
  }

  globalPool(x: X): X {
    return tfl.layers.globalAveragePooling2d({ name: 'pool' }).apply(x) as X;
  }

  dense(name: string, x: X, units: number): X {
    const kernelInitializer = this.he(channelsOf(x));
    return tfl.layers.dense({ name: `${name}_dense`, units, kernelInitializer }).apply(x) as X;
  }

  /** Small weights at the start, so that the first loss is near ln(classes). */
  classifier(x: X, classes: number): X {
    const kernelInitializer = tfl.initializers.randomNormal({ mean: 0, stddev: 0.01, seed: this.nextSeed() });
    const logits = tfl.layers.dense({ name: 'logits', units: classes, kernelInitializer });
    const softmax = tfl.layers.softmax({ name: 'probabilities' });
    return softmax.apply(logits.apply(x)) as X;
  }

  /** 1×1 with bias, without normalisation; small weights, so that every cell begins with what the bias says. */
  output(name: string, x: X, filters: number, bias: number): X {
    const kernelInitializer = tfl.initializers.randomNormal({ mean: 0, stddev: 0.01, seed: this.nextSeed() });
    const biasInitializer = tfl.initializers.constant({ value: bias });
    return tfl.layers
      .conv2d({ name, filters, kernelSize: 1, kernelInitializer, biasInitializer })
      .apply(x) as X;
  }

  /** 1×1 with bias and without normalisation. */
  private biased(name: string, x: X, filters: number): X {
    const kernelInitializer = this.he(channelsOf(x));
    return tfl.layers
      .conv2d({ name: `${name}_conv`, filters, kernelSize: 1, kernelInitializer })
      .apply(x) as X;
  }

  private normalized(name: string, x: X, gammaInitializer: Gamma = 'ones'): X {
    return batchNormalization({ name: `${name}_bn`, ...BATCH_NORM, gammaInitializer }).apply(x) as X;
  }

  /** He et al. 2015. Of a depthwise filter only its own channel is fan-in, which tfl's heNormal does not know. */
  private he(fanIn: number) {
    return tfl.initializers.randomNormal({ mean: 0, stddev: Math.sqrt(2 / fanIn), seed: this.nextSeed() });
  }

  private nextSeed(): number {
    return (this.seed += 1);
  }
}

export const channelsOf = (x: tfl.SymbolicTensor): number => x.shape[x.shape.length - 1]!;
