/**
 * ReLU6 as the stock `relu6` activation layer, as which it is saved, with a cheaper training step: TensorFlow.js
 * composes it of relu and minimum, whose gradient compares in the `wasm` backend's slow boolean kernels (1.4 ms
 * for 400k values, where one float pass takes 0.07 ms).
 */
import { hasKernel, runKernel } from '../engines/trainingKernels.js';
import { tf, tfl } from '../tensorflow.js';

export function relu6(name: string): tfl.layers.Layer {
  const layer = tfl.layers.activation({ name, activation: 'relu6' });
  const infer = layer.call.bind(layer);
  layer.call = (inputs, kwargs) =>
    kwargs.training ? clip(Array.isArray(inputs) ? inputs[0]! : inputs) : infer(inputs, kwargs);
  return layer;
}

/** min(max(x, 0), 6); the slope is 1 strictly between and 0 elsewhere. */
export const clip = tf.customGrad((...args) => {
  const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
  const value = tf.relu6(x);
  save([value]);
  return { value, gradFunc: (dy, saved) => slope(dy, saved[0]!) };
});

const slope = (dy: tf.Tensor, y: tf.Tensor): tf.Tensor =>
  hasKernel('relu6Grad') ? runKernel('relu6Grad', { dy, y })[0]! : tf.mul(dy, tf.mul(...inside(y)));

const inside = (y: tf.Tensor): [tf.Tensor, tf.Tensor] => [tf.step(y), tf.step(tf.sub(6, y))];
