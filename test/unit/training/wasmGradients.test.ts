/** The gradients of ours on `wasm` against those of the `cpu` backend, for the same inputs. */
import fc from 'fast-check';
import { startEngine } from '../../../src/training/engines/index.js';
import { registerWasmGradients } from '../../../src/training/engines/wasmGradients.js';
import { replaceWasmKernels } from '../../../src/training/engines/wasmReplacements.js';
import { tf } from '../../../src/training/tensorflow.js';

interface Convolution {
  height: number;
  width: number;
  channels: number;
  /** Output channels of an ordinary convolution, channel multiplier of a depthwise one. */
  outputs: number;
  kernel: [number, number];
  stride: number;
  dilation: number;
  pad: 'same' | 'valid';
  depthwise: boolean;
}

beforeAll(async () => {
  await startEngine('cpu');
  await startEngine('wasm');
});

/** Gradients by input and filter of Σ (conv(x, filter) · weights), computed on one backend. */
async function gradients(backend: 'wasm' | 'cpu', c: Convolution): Promise<Float32Array[]> {
  await tf.setBackend(backend);
  const results = tf.tidy(() => {
    const x = tf.randomNormal<tf.Rank.R4>([2, c.height, c.width, c.channels], 0, 1, 'float32', 1);
    const filter = tf.randomNormal<tf.Rank.R4>([...c.kernel, c.channels, c.outputs], 0, 1, 'float32', 2);
    const convolve = (x: tf.Tensor4D, filter: tf.Tensor4D) =>
      c.depthwise
        ? tf.depthwiseConv2d(x, filter, c.stride, c.pad, 'NHWC', c.dilation)
        : tf.conv2d(x, filter, c.stride, c.pad);
    const weights = tf.randomNormal(convolve(x, filter).shape, 0, 1, 'float32', 3);
    return tf.grads((x, filter) =>
      tf.sum(tf.mul(convolve(x as tf.Tensor4D, filter as tf.Tensor4D), weights)),
    )([x, filter]);
  });
  const values = await Promise.all(results.map((result) => result.data<'float32'>()));
  tf.dispose(results);
  return values.map((array) => Float32Array.from(array));
}

/** The largest difference, as a share of the largest value (of 1 where all are smaller). */
function difference(actual: Float32Array, expected: Float32Array): number {
  expect(actual).toHaveLength(expected.length);
  const magnitude = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
  return actual.reduce((most, v, i) => Math.max(most, Math.abs(v - expected[i]!)), 0) / magnitude;
}

async function compare(c: Convolution): Promise<void> {
  const actual = await gradients('wasm', c);
  const expected = await gradients('cpu', c);
  expect(difference(actual[0]!, expected[0]!)).toBeLessThan(1e-5);
  expect(difference(actual[1]!, expected[1]!)).toBeLessThan(1e-5);
}

describe.each([
  ['conv2d', false],
  ['depthwiseConv2d', true],
])('gradients of %s', (_, depthwise) => {
  const cases = [1, 3, 5].flatMap((k) =>
    [1, 2].flatMap((stride) =>
      (['same', 'valid'] as const).flatMap((pad) => [8, 9].map((size) => [k, stride, pad, size] as const)),
    ),
  );

  it.each(cases)('equal cpu for kernel %i, stride %i, %s, size %i', async (k, stride, pad, size) => {
    const kernel: [number, number] = [k, k];
    const outputs = depthwise ? 1 : 5;
    await compare({
      height: size,
      width: size,
      channels: 3,
      outputs,
      kernel,
      stride,
      dilation: 1,
      pad,
      depthwise,
    });
  });

  it('equal cpu for any shape', async () => {
    const side = fc.integer({ min: 5, max: 12 });
    const kernelSide = fc.integer({ min: 1, max: 5 });
    const shapes = fc.record({
      height: side,
      width: side,
      channels: fc.integer({ min: 1, max: 9 }),
      outputs: fc.integer({ min: 1, max: depthwise ? 3 : 9 }),
      kernel: fc.tuple(kernelSide, kernelSide),
      stride: fc.integer({ min: 1, max: 3 }),
      dilation: fc.constant(1),
      pad: fc.constantFrom('same' as const, 'valid' as const),
      depthwise: fc.constant(depthwise),
    });
    await fc.assert(fc.asyncProperty(shapes, compare), { numRuns: 40 });
  });
});

describe('what is not supported', () => {
  it('dilation, which tfjs-core itself does not differentiate', async () => {
    const base = { height: 9, width: 9, channels: 2, outputs: 1, pad: 'same' as const, depthwise: true };
    await expect(gradients('wasm', { ...base, kernel: [3, 3], stride: 1, dilation: 2 })).rejects.toThrow(
      'dilation',
    );
  });

  it.each([
    ['NCHW', { dataFormat: 'NCHW' }],
    ['dilation', { dilations: [2, 2] }],
  ])('%s, asked of a kernel', async (word, change) => {
    await tf.setBackend('wasm');
    const kernel = tf.getKernel('DepthwiseConv2dNativeBackpropFilter', 'wasm').kernelFunc;
    const attrs = { strides: 1, pad: 'same', filterShape: [1, 1, 1, 1], ...change };
    expect(() => kernel({ inputs: {}, attrs, backend: tf.backend() })).toThrow(word);
  });
});

describe('registration', () => {
  it('can be repeated', async () => {
    const before = tf.getKernel('Conv2DBackpropInput', 'wasm').kernelFunc;
    registerWasmGradients();
    replaceWasmKernels();
    expect(tf.getKernel('Conv2DBackpropInput', 'wasm').kernelFunc).toBe(before);
  });

  it('a clone outlives its original', () => {
    const original = tf.tensor1d([1, 2, 3]);
    const copy = tf.clone(original);
    original.dispose();
    expect(Array.from(copy.dataSync())).toEqual([1, 2, 3]);
    const buffers = tf.memory().numDataBuffers;
    copy.dispose();
    expect(tf.memory().numDataBuffers).toBe(buffers - 1);
  });

  it('keeps no tensor', async () => {
    const before = tf.memory().numTensors;
    await gradients('wasm', {
      height: 8,
      width: 8,
      channels: 3,
      outputs: 2,
      kernel: [3, 3],
      stride: 2,
      dilation: 1,
      pad: 'same',
      depthwise: true,
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
