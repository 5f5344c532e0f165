/** The three parts of the loss (Zhou et al. 2019, equations 1 to 3), the first with a gradient written by hand. */
import { tf } from '../../tensorflow.js';

export interface Maps {
  /** [frames, height, width, classes], before the sigmoid. */
  logits: tf.Tensor4D;
  /** [frames, height, width, 4]: logarithms of width and height in SIZE_UNITs, place in the cell. */
  box: tf.Tensor4D;
}

export interface TargetTensors {
  heat: tf.Tensor4D;
  judged: tf.Tensor4D;
  box: tf.Tensor4D;
  /** [frames, height, width, 4] */
  boxWeight: tf.Tensor4D;
}

/** Each a scalar, the sum over all cells. */
export interface LossSums {
  heat: tf.Scalar;
  size: tf.Scalar;
  offset: tf.Scalar;
}

export function lossSums({ logits, box }: Maps, targets: TargetTensors): LossSums {
  const [sizeError, offsetError] = placeErrors(box, targets);
  return {
    heat: focal(logits, targets.heat, targets.judged),
    size: tf.sum(sizeError!),
    offset: tf.sum(offsetError!),
  };
}

/** Of logarithms: a light of 6 pixels counts as much as one of 60, and pulls as hard. */
function placeErrors(box: tf.Tensor4D, targets: TargetTensors): tf.Tensor[] {
  return tf.split(tf.abs(tf.mul(tf.sub(box, targets.box), targets.boxWeight)), 2, 3);
}

/** Of each frame, [frames]: whatever has no gradient to give takes this. */
export function frameLosses(
  { logits, box }: Maps,
  targets: TargetTensors,
): Record<keyof LossSums, tf.Tensor1D> {
  const each = (cells: tf.Tensor) => tf.sum<tf.Tensor1D>(cells, [1, 2, 3]);
  const [sizeError, offsetError] = placeErrors(box, targets);
  const { cells } = penalties(logits, targets.heat, targets.judged);
  return { heat: tf.neg(each(cells)), size: each(sizeError!), offset: each(offsetError!) };
}

/** Probabilities are kept this far from 0 and 1, as the published code does. */
const MARGIN = 1e-4;

/**
 * Penalty-reduced focal loss with α = 2 and β = 4, summed: with p = sigmoid(logit) and target y,
 * -(1 - p)² log p where y = 1, and -(1 - y)⁴ p² log(1 - p) elsewhere. On `wasm` tfjs' own chain of gradients took
 * twenty passes over the maps; this takes nine.
 */
export const focal: (logits: tf.Tensor, target: tf.Tensor, judged: tf.Tensor) => tf.Scalar = tf.customGrad(
  (...args) => {
    const [logits, target, judged, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const { cells, saved } = penalties(logits, target, judged);
    save(saved);
    const value: tf.Scalar = tf.neg(tf.sum(cells));
    return { value, gradFunc: (dy, saved) => gradients(dy, saved) };
  },
);

/** Of each cell, below 0, and what its gradient is computed from. */
function penalties(logits: tf.Tensor, target: tf.Tensor, judged: tf.Tensor) {
  const p = tf.clipByValue(tf.sigmoid(logits), MARGIN, 1 - MARGIN);
  const q = tf.sub(1, p);
  const [atCentre, around] = weights(target, judged);
  const logP = tf.log(p);
  const logQ = tf.log(q);
  const right = tf.mul(tf.mul(tf.square(q), logP), atCentre);
  const wrong = tf.mul(tf.mul(tf.square(p), logQ), around);
  return { cells: tf.add(right, wrong), saved: [p, logP, logQ, atCentre, around] };
}

/** 1 at centres; (1 - y)⁴ elsewhere, which is 0 at centres. */
function weights(target: tf.Tensor, judged: tf.Tensor): [atCentre: tf.Tensor, around: tf.Tensor] {
  const atCentre = tf.step(tf.sub(target, 1 - MARGIN));
  const around = tf.square(tf.square(tf.sub(1, target)));
  return [tf.mul(atCentre, judged), tf.mul(around, judged)];
}

/** With dp/dlogit = p(1 - p): 2p(1 - p)² log p - (1 - p)³ at centres, p³ - 2p²(1 - p) log(1 - p) elsewhere. */
function gradients(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [p, logP, logQ, atCentre, around] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const q = tf.sub(1, p);
  const p2 = tf.square(p);
  const q2 = tf.square(q);
  const right = tf.sub(tf.mul(tf.mul(tf.mul(p, 2), q2), logP), tf.mul(q2, q));
  const wrong = tf.sub(tf.mul(p2, p), tf.mul(tf.mul(tf.mul(p2, 2), q), logQ));
  const slope = tf.add(tf.mul(right, atCentre), tf.mul(wrong, around));
  const none = tf.zerosLike(p);
  return [tf.mul(slope, dy), none, none];
}
