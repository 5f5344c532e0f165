/**
 * MobileNetV2 (Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2).
 */
import { tf, tfl } from '../tensorflow.js';
import type { NetworkOptions } from './index.js';

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
const STEM_CHANNELS = 32;
const HEAD_CHANNELS = 1280;

/**
 * Keras' 0.999 needs thousands of steps before the moving statistics mean anything; a small data set has some
 * 30 steps an epoch, and 0.9 forgets its start (0.9^30 = 4 %) within the first one.
 */
const BATCH_NORM = { momentum: 0.9, epsilon: 1e-3 } as const;

/** Channels as the reference code rounds them: to a multiple of 8, never more than 10 % down. */
export function makeDivisible(channels: number, divisor = 8): number {
  const rounded = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}
const plan = (process.env.PLAN ?? '2,1,2,2,2,1,2,1').split(',').map(Number);

/** [batch, inputSize, inputSize, 3] in -1…1 → [batch, classes] softmax. */
export function mobilenetv2(options: NetworkOptions): tfl.LayersModel {
  const { inputSize, widthMultiplier, classes } = options;
  let seed = options.seed;
  const he = (fanIn: number) =>
    tfl.initializers.randomNormal({ mean: 0, stddev: Math.sqrt(2 / fanIn), seed: (seed += 1) });
  const normal = (x: tf.SymbolicTensor) => tfl.layers.batchNormalization(BATCH_NORM).apply(x) as tf.SymbolicTensor;
  const conv = (x: tf.SymbolicTensor, filters: number, kernelSize: number, strides: number) =>
    tfl.layers
      .conv2d({
        filters,
        kernelSize,
        strides,
        padding: 'same',
        useBias: false,
        kernelInitializer: he(kernelSize * kernelSize * x.shape[3]!),
      })
      .apply(x) as tf.SymbolicTensor;
  const relu6 = (x: tf.SymbolicTensor) => tfl.layers.reLU({ maxValue: 6 }).apply(x) as tf.SymbolicTensor;
  const depthwise = (x: tf.SymbolicTensor, strides: number) =>
    tfl.layers
      .depthwiseConv2d({ kernelSize: 3, strides, padding: 'same', useBias: false, depthwiseInitializer: he(9) })
      .apply(x) as tf.SymbolicTensor;
  const input = tfl.input({ shape: [inputSize, inputSize, 3] });
  let x = relu6(normal(conv(input, makeDivisible(STEM_CHANNELS * widthMultiplier), 3, plan[0]!)));
  STAGES.forEach(({ t, c, n }, i) => {
    const out = makeDivisible(c * widthMultiplier);
    for (let r = 0; r < n; r++) {
      const stride = r === 0 ? plan[i + 1]! : 1;
      const inc = x.shape[3]!;
      let y = x;
      if (t > 1) y = relu6(normal(conv(y, inc * t, 1, 1)));
      y = relu6(normal(depthwise(y, stride)));
      y = normal(conv(y, out, 1, 1));
      x = stride === 1 && inc === out ? (tfl.layers.add().apply([x, y]) as tf.SymbolicTensor) : y;
    }
  });
  x = relu6(normal(conv(x, HEAD_CHANNELS * Math.max(1, widthMultiplier), 1, 1)));
  x = tfl.layers.globalAveragePooling2d({}).apply(x) as tf.SymbolicTensor;
  x = tfl.layers
    .dense({ units: classes, activation: 'softmax', kernelInitializer: tfl.initializers.randomNormal({ mean: 0, stddev: 0.01, seed: seed + 1 }) })
    .apply(x) as tf.SymbolicTensor;
  return tfl.model({ inputs: input, outputs: x });
}
