/** The layers with hand-written training steps against the ones that TensorFlow.js differentiates itself. */
import { startEngine } from '../../../src/training/engines/index.js';
import { engineEntry } from '../../../src/training/engines/packages.js';
import { batchNormalization, normalize } from '../../../src/training/networks/batchNormalization.js';
import { clip } from '../../../src/training/networks/relu6.js';
import { tf, tfl } from '../../../src/training/tensorflow.js';

const largest = (a: tf.Tensor, b: tf.Tensor) => tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!);
const random = (shape: number[], seed: number, mean = 0) => tf.randomNormal(shape, mean, 1, 'float32', seed);

/** `native` has kernels of its own for these steps; where it was not set up there is nothing to compare. */
const ENGINES = engineEntry('@tensorflow/tfjs-node')
  ? (['wasm', 'cpu', 'native'] as const)
  : (['wasm', 'cpu'] as const);

describe.each(ENGINES)('on %s', (engine) => {
  beforeAll(() => startEngine(engine));

  it('batch normalisation gives the stock values and gradients', () => {
    const inputs = [random([50, 2, 2, 6], 1, 3), random([6], 2, 1), random([6], 3)];
    const dy = random([50, 2, 2, 6], 4);
    const stock = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      const inverse = tf.rsqrt(tf.add(variance, 1e-3));
      return tf.add(tf.mul(tf.mul(tf.sub(x, mean), inverse), gamma), beta);
    };
    const ours = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => normalize(x, gamma, beta, 1e-3).y;
    const [x, gamma, beta] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
    expect(largest(ours(x, gamma, beta), stock(x, gamma, beta))).toBeLessThan(1e-5);
    const expected = tf.grads(stock)(inputs, dy);
    tf.grads(ours)(inputs, dy).forEach((gradient, i) => {
      // Gradients of gamma and beta are sums over 200 rows: some 30 in size.
      expect(largest(gradient, expected[i]!)).toBeLessThan(1e-4);
    });
  });

  it('batch normalisation moves its averages as the stock layer does', () => {
    const x = random([4, 3, 3, 5], 5, 2);
    const options = { name: 'bn', momentum: 0.9, epsilon: 1e-3 };
    const ours = batchNormalization(options);
    const stock = tfl.layers.batchNormalization(options);
    const [y, expected] = [ours, stock].map((layer) => layer.apply(x, { training: true }) as tf.Tensor);
    expect(largest(y!, expected!)).toBeLessThan(1e-5);
    ours
      .getWeights()
      .forEach((weight, i) => expect(largest(weight, stock.getWeights()[i]!)).toBeLessThan(1e-5));
    expect(largest(ours.apply(x) as tf.Tensor, stock.apply(x) as tf.Tensor)).toBeLessThan(1e-5);
    expect(ours.getClassName()).toBe('BatchNormalization');
  });

  it('relu6 has slope 1 between 0 and 6 only', () => {
    const x = tf.tensor1d([-1, 0, 1e-3, 3, 5.999, 6, 7]);
    const { value, grad } = tf.valueAndGrad((x) => clip(x))(x, tf.fill([7], 2));
    expect(largest(value, tf.tensor1d([0, 0, 1e-3, 3, 5.999, 6, 6]))).toBe(0);
    expect(Array.from(grad.dataSync())).toEqual([0, 0, 2, 2, 2, 0, 0]);
  });
});
