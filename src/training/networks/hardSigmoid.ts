/**
 * MobileNetV3's gates, relu6(x + 3)/6 and a map times its channels' gates, made of stock layers, as which they are
 * saved. Keras' own hard sigmoid has another slope (0.2), and on `wasm` clips through the slow boolean kernels.
 */
import { tf, tfl } from '../tensorflow.js';
import { relu6 } from './relu6.js';

/** relu6(x + 3)/6: 0 up to -3, 1 from 3. */
export function hardSigmoid(name: string, x: tfl.SymbolicTensor): tfl.SymbolicTensor {
  const shift = tfl.layers.rescaling({ name: `${name}_shift`, scale: 1, offset: 3 });
  const scale = tfl.layers.rescaling({ name: `${name}_scale`, scale: 1 / 6, offset: 0 });
  return scale.apply(relu6(`${name}_relu6`).apply(shift.apply(x))) as tfl.SymbolicTensor;
}

/** Stock `multiply` of [batch, height, width, channels] and [batch, 1, 1, channels]. */
export function scaleChannels(name: string): tfl.layers.Layer {
  const layer = tfl.layers.multiply({ name });
  const infer = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => {
    if (!kwargs.training) return infer(inputs, kwargs);
    const [x, gate] = inputs as [tf.Tensor4D, tf.Tensor4D];
    return scaled(x, gate);
  };
  return layer;
}

/** The gate's gradient is a sum over each map, which pooling takes 15 times faster than `tf.sum` on `wasm`. */
const scaled = tf.customGrad((...args) => {
  const [x, gate, save] = args as [tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc];
  save([x, gate]);
  const [, height, width] = x.shape;
  return {
    value: tf.mul(x, gate),
    gradFunc: (dy, saved) => {
      const [x, gate] = saved as [tf.Tensor4D, tf.Tensor4D];
      const means = tf.avgPool(tf.mul<tf.Tensor4D>(dy, x), [height, width], 1, 'valid');
      return [tf.mul(dy, gate), tf.mul(means, height * width)];
    },
  };
});
