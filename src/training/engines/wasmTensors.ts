/** Access to the `wasm` backend's tensors from within a kernel. */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { tf } from '../tensorflow.js';

/** A kernel's inputs belong to its caller: take a reference, or the surrounding tidy frees them. */
export function borrow(info: tf.TensorInfo): tf.Tensor {
  const { backend } = tf.engine();
  backend.incRef(info.dataId);
  return tf.engine().makeTensorFromTensorInfo(info);
}

/**
 * The values in the backend's own memory, good until the next tensor is made (memory may then grow and move).
 * `readSync` copies: with it reading cost 60 ms a step, more than the sums over what was read.
 */
export function view(info: tf.TensorInfo): Float32Array {
  if (info.dtype !== 'float32') throw new Error(`wasm gradients: ${info.dtype} is not differentiable`);
  return (tf.engine().backend as BackendWasm).typedArrayFromHeap(info) as Float32Array;
}
