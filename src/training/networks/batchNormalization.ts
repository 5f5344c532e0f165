/**
 * Batch normalisation whose training step has a hand-written gradient.
 *
 * TensorFlow.js differentiates it op by op and tiles every per-channel vector to the full tensor; on `wasm` that
 * was a third of MobileNetV2's training time. Here sums over the batch are matrix products with a row of ones
 * (SIMD; `tf.sum` over leading axes is ten times slower) and everything else broadcasts. Inference, weights,
 * moving averages and the saved configuration are those of the stock layer, as which it is saved and loaded.
 */
import { tf, tfl } from '../tensorflow.js';

export interface BatchNormalizationOptions {
  name: string;
  /** Share of the old value that a moving average keeps at each step. */
  momentum: number;
  /** Added to the variance before the square root. */
  epsilon: number;
}

type Weight = tfl.LayerVariable;
interface StockLayer extends tfl.layers.Layer {
  gamma: Weight;
  beta: Weight;
  movingMean: Weight;
  movingVariance: Weight;
}

/** [batch, height, width, channels] → the same shape. */
export function batchNormalization(options: BatchNormalizationOptions): tfl.layers.Layer {
  const layer = tfl.layers.batchNormalization(options) as unknown as StockLayer;
  const infer = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => {
    if (!kwargs.training) return infer(inputs, kwargs);
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tf.tidy(() => train(layer, x, options));
  };
  return layer;
}

function train(layer: StockLayer, x: tf.Tensor, { momentum, epsilon }: BatchNormalizationOptions): tf.Tensor {
  const channels = x.shape[x.rank - 1]!;
  const rows = x.size / channels;
  const flat = tf.reshape(x, [rows, channels]);
  const { y, mean, variance } = normalize(flat, read(layer.gamma), read(layer.beta), epsilon);
  // The batch's variance divides by n, the population's estimate by n - 1; one row estimates nothing.
  const unbiased = tf.mul(variance, rows > 1 ? rows / (rows - 1) : 1);
  layer.movingMean.write(blend(read(layer.movingMean), mean, momentum));
  layer.movingVariance.write(blend(read(layer.movingVariance), unbiased, momentum));
  return tf.reshape(y, x.shape);
}

const blend = (old: tf.Tensor, value: tf.Tensor, momentum: number) =>
  tf.add(tf.mul(old, momentum), tf.mul(tf.reshape(value, old.shape), 1 - momentum));

/** x [rows, channels]; gamma, beta [channels]; returns y [rows, channels], mean and variance [1, channels]. */
export function normalize(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number) {
  const rows = x.shape[0]!;
  const ones = tf.ones([1, rows]);
  const average = (values: tf.Tensor) => tf.div(tf.matMul(ones, values), rows);
  // Not differentiated through: the gradient below accounts for what mean and variance owe to x.
  const mean = average(x);
  const centred = tf.sub(x, mean);
  const variance = average(tf.square(centred));
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const apply = tf.customGrad((...args) => {
    const [, scale, offset, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([centred, inverse, scale]);
    return {
      value: tf.add(tf.mul(centred, tf.mul(inverse, scale)), offset),
      gradFunc: (dy, saved) => gradients(dy, saved as tf.Tensor[]),
    };
  });
  return { y: apply(x, gamma, beta), mean, variance };
}

/** Gradients for [x, gamma, beta] (Ioffe & Szegedy 2015, section 3). */
function gradients(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [centred, inverse, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
  const rows = dy.shape[0]!;
  const ones = tf.ones([1, rows]);
  const dOffset = tf.matMul(ones, dy);
  const dScale = tf.mul(tf.matMul(ones, tf.mul(dy, centred)), inverse);
  const slope = tf.mul(inverse, scale);
  const fromVariance = tf.div(tf.mul(tf.mul(slope, inverse), dScale), rows);
  const fromMean = tf.div(tf.mul(slope, dOffset), rows);
  const dx = tf.sub(tf.mul(dy, slope), tf.add(tf.mul(centred, fromVariance), fromMean));
  return [dx, tf.reshape(dScale, scale.shape), tf.reshape(dOffset, scale.shape)];
}

const read = (weight: Weight): tf.Tensor => weight.read();
