/** The loss of a classifier: cross-entropy, and what makes of it focal, smoothed or weighted loss. */
import { tf } from './tensorflow.js';

export interface Objective {
  /** Lin et al. 2017, equation 4 without alpha, which class weights are; 0: cross-entropy. */
  focalGamma: number;
  /** Share of the truth that is spread over all classes alike (Szegedy et al. 2016, section 7). */
  labelSmoothing: number;
}

/** Cross-entropy in nats, the mean over the batch. logits [n, classes]; labels int32 [n]. */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  return tf.losses.softmaxCrossEntropy(tf.oneHot(labels, logits.shape[1]), logits);
}

/**
 * The mean over the batch of weight · Σ over classes of -q·(1 - p)^γ·ln p, where q is the smoothed truth and p what
 * the network gives.
 * @param weights [n]
 */
export function objective(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
  weights: tf.Tensor1D,
  { focalGamma, labelSmoothing }: Objective,
): tf.Scalar {
  const classes = logits.shape[1];
  const oneHot = tf.oneHot(labels, classes);
  const truth = tf.add(tf.mul(oneHot, 1 - labelSmoothing), labelSmoothing / classes);
  return differentiated(truth, tf.div(weights, logits.shape[0]), focalGamma)(logits) as tf.Scalar;
}

/** 1 - p is known to float32's last digit only; below it (1 - p)^(γ-1) would be infinite for γ below 1. */
const LAST_DIGIT = 1e-7;

/**
 * The gradient comes with the value, in closed form: of the logit z_j it is g_j - p_j·Σ g_c, where
 * g_c = q_c·(γ·p_c·(1 - p_c)^(γ-1)·ln p_c - (1 - p_c)^γ). TensorFlow.js would take the logarithm of the base for it, of 0.
 */
function differentiated(truth: tf.Tensor, shares: tf.Tensor, gamma: number) {
  return tf.customGrad((...args) => {
    const [logits, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const logP = tf.logSoftmax(logits);
    const p = tf.exp(logP);
    const rest = tf.maximum(tf.sub(1, p), LAST_DIGIT);
    const power = tf.pow(rest, gamma);
    const losses = tf.neg(tf.sum(tf.mul(truth, tf.mul(power, logP)), 1));
    const bend = tf.mul(tf.mul(p, logP), tf.mul(tf.div(power, rest), gamma));
    const slopes = tf.mul(truth, tf.sub(bend, power));
    const gradient = tf.sub(slopes, tf.mul(p, tf.sum(slopes, 1, true)));
    save([tf.mul(gradient, tf.reshape(shares, [-1, 1]))]);
    return {
      value: tf.sum(tf.mul(losses, shares)),
      gradFunc: (dy, saved) => tf.mul(saved[0]!, dy),
    };
  });
}
