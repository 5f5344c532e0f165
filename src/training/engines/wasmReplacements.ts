/**
 * Three kernels of tfjs-backend-wasm 4.22 for which a better one is at hand. Without them a step of MobileNetV2
 * α 0.35 at 32 px takes twice as long.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { tf } from '../tensorflow.js';
import { composed, isPointwise, type ConvAttributes, type KernelArguments } from './wasmGradients.js';
import { borrow, view } from './wasmTensors.js';

type KernelCall = Parameters<tf.KernelFunc>[0];
interface SplitAttributes {
  numOrSizeSplits: number[] | number;
  axis: number;
}

const replaced = Symbol.for('shingo.wasm.replaced');

/** Call once the `wasm` backend is registered. Calling again changes nothing. */
export function replaceWasmKernels(): void {
  replace('Identity', () => identity);
  replace('SplitV', (original) => (args) => (splitsRows(args) ? splitRows(args) : original(args)));
  replace('Conv2DBackpropInput', (original) => {
    const pointwise = composed(pointwiseBackpropInput);
    return (args) => {
      const attributes = args.attrs as unknown as ConvAttributes;
      return isPointwise(args.inputs.filter!.shape, attributes) ? pointwise(args) : original(args);
    };
  });
}

function replace(kernelName: string, better: (original: tf.KernelFunc) => tf.KernelFunc): void {
  const original = tf.getKernel(kernelName, 'wasm')?.kernelFunc;
  if (!original || replaced in original) return;
  const kernelFunc = Object.assign(better(original), { [replaced]: true });
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
}

/**
 * The backend copies; every value kept for the gradient passes through here, 30 ms a step. Tensors never change
 * in place, so a counted reference serves, as on the `cpu` backend.
 */
const identity: tf.KernelFunc = ({ inputs, backend }) => {
  const { dataId, shape, dtype } = inputs.x!;
  (backend as tf.KernelBackend).incRef(dataId);
  return { dataId, shape, dtype };
};

const splitsRows: (args: KernelCall) => boolean = ({ inputs, attrs }) =>
  inputs.x!.dtype === 'float32' && (attrs as unknown as SplitAttributes).axis === 0;

/** The backend copies the whole of x out for each part: 150 ms a step, for the optimiser's split into 158 weights. */
const splitRows: tf.KernelFunc = ({ inputs, attrs, backend }) => {
  const x = inputs.x!;
  const { numOrSizeSplits, axis } = attrs as unknown as SplitAttributes;
  const sizes = tf.backend_util.prepareSplitSize(x, numOrSizeSplits, axis);
  const parts = sizes.map((size) =>
    (backend as BackendWasm).makeOutput([size, ...x.shape.slice(1)], 'float32'),
  );
  // Memory has moved where it grew for a part: it is looked up once all are there.
  const values = view(x);
  let from = 0;
  for (const part of parts) {
    const size = tf.util.sizeFromShape(part.shape);
    view(part).set(values.subarray(from, (from += size)));
  }
  return parts;
};

/** The backend's kernel is a plain loop; a matrix product runs on XNNPACK's SIMD code, 3 to 10 times faster. */
function pointwiseBackpropInput({ inputs }: KernelArguments): tf.Tensor {
  const dy = borrow(inputs.dy!);
  const [, , inChannels, outChannels] = inputs.filter!.shape as [number, number, number, number];
  const filter = tf.reshape(borrow(inputs.filter!), [inChannels, outChannels]);
  const dx = tf.matMul(tf.reshape(dy, [-1, outChannels]), tf.transpose(filter));
  return tf.reshape(dx, [...dy.shape.slice(0, 3), inChannels]);
}
