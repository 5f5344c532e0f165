/**
 * Batch normalisation whose training step has a hand-written gradient.
 *
 * TensorFlow.js differentiates it op by op and tiles every per-channel vector to the full tensor: on `wasm` a
 * third of MobileNetV2's training time. Inference, weights, moving averages and the saved configuration are those
 * of the stock layer, as which it is saved and loaded.
 */
import { hasKernel, runKernel } from '../engines/trainingKernels.js';
import { tf, tfl } from '../tensorflow.js';

export interface BatchNormalizationOptions {
  name: string;
  /** Share of the old value that a moving average keeps at each step. */
  momentum: number;
  /** Added to the variance before the square root. */
  epsilon: number;
  /** The scale with which training begins; 1 unless told. */
  gammaInitializer?: 'ones' | 'zeros';
}

interface StockLayer extends tfl.layers.Layer {
  gamma: tfl.LayerVariable;
  beta: tfl.LayerVariable;
  movingMean: tfl.LayerVariable;
  movingVariance: tfl.LayerVariable;
}

/** [batch, height, width, channels] → the same shape. */
export function batchNormalization(options: BatchNormalizationOptions): tfl.layers.Layer {
  const layer = tfl.layers.batchNormalization(options) as unknown as StockLayer;
  const infer = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => {
    // Frozen, it keeps its statistics as well: what they were learnt on is what its weights fit.
    if (!kwargs.training || !layer.trainable) return infer(inputs, { ...kwargs, training: false });
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tf.tidy(() => train(layer, x, options));
  };
  return layer;
}

function train(layer: StockLayer, x: tf.Tensor, { momentum, epsilon }: BatchNormalizationOptions): tf.Tensor {
  const { y, mean, variance } = normalize(x, layer.gamma.read(), layer.beta.read(), epsilon);
  layer.movingMean.write(blend(layer.movingMean.read(), mean, momentum));
  layer.movingVariance.write(blend(layer.movingVariance.read(), variance, momentum));
  return y;
}

const blend = (old: tf.Tensor, value: tf.Tensor, momentum: number) =>
  tf.add(tf.mul(old, momentum), tf.mul(tf.reshape(value, old.shape), 1 - momentum));

export interface Normalized {
  /** Of the shape of x. */
  y: tf.Tensor;
  /** [channels] or [1, channels], of this batch. */
  mean: tf.Tensor;
  variance: tf.Tensor;
}

/** x [batch, height, width, channels] or [batch, channels]; gamma, beta [channels]. */
export function normalize(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): Normalized {
  if (x.rank === 4 && hasKernel('batchNorm')) return inOneKernel(x, gamma, beta, epsilon);
  const { y, ...statistics } = composed(tf.reshape(x, [-1, gamma.size]), gamma, beta, epsilon);
  return { y: tf.reshape(y, x.shape), ...statistics };
}

function inOneKernel(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): Normalized {
  const attributes = { epsilon };
  const [y, mean, variance, ...kept] = runKernel('batchNorm', { x, scale, offset }, attributes);
  // Outside of the gradient's function, which would dispose of mean and variance at its end.
  const apply = tf.customGrad((...args) => {
    const [x, scale, , save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([x, scale, ...kept]);
    const gradFunc = (dy: tf.Tensor, [x, scale, ...kept]: tf.Tensor[]) => {
      const named = Object.fromEntries(kept.map((tensor, i) => [`kept${i}`, tensor]));
      return runKernel('batchNormGrad', { dy, x: x!, scale: scale!, ...named }, attributes);
    };
    return { value: tf.clone(y!), gradFunc };
  });
  return { y: apply(x, scale, offset), mean: mean!, variance: variance! };
}

/** x [rows, channels]. */
function composed(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): Normalized {
  // Not differentiated through: the gradient below accounts for what mean and variance owe to x.
  const mean = columnMeans(x);
  const centred = tf.sub(x, mean);
  const variance = columnMeans(tf.square(centred));
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const apply = tf.customGrad((...args) => {
    const [, scale, offset, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([centred, inverse, scale]);
    return {
      value: tf.add(tf.mul(centred, tf.mul(inverse, scale)), offset),
      gradFunc: (dy, saved) => gradients(dy, saved),
    };
  });
  return { y: apply(x, gamma, beta), mean, variance };
}

/** Gradients for [x, gamma, beta] (Ioffe & Szegedy 2015, section 3). */
function gradients(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [centred, inverse, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
  const rows = dy.shape[0];
  const meanDy = columnMeans(dy);
  const meanSlope = tf.mul(columnMeans(tf.mul(dy, centred)), inverse);
  const slope = tf.mul(inverse, scale);
  const fromVariance = tf.mul(centred, tf.mul(tf.mul(slope, inverse), meanSlope));
  const fromMean = tf.mul(slope, meanDy);
  const dx = tf.sub(tf.mul(dy, slope), tf.add(fromVariance, fromMean));
  return [
    dx,
    tf.reshape(tf.mul(meanSlope, rows), scale.shape),
    tf.reshape(tf.mul(meanDy, rows), scale.shape),
  ];
}

/** [rows, channels] → [1, channels]. On `wasm` pooling is SIMD code, 15 times faster than `tf.mean` over rows. */
function columnMeans(x: tf.Tensor): tf.Tensor {
  if (tf.getBackend() !== 'wasm') return tf.mean(x, 0, true);
  const [rows, channels] = x.shape as [number, number];
  const pooled = tf.avgPool(tf.reshape<tf.Rank.R4>(x, [1, rows, 1, channels]), [rows, 1], 1, 'valid');
  return tf.reshape(pooled, [1, channels]);
}
