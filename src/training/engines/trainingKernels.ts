/**
 * Steps of training that an engine may do in one kernel of its own, where TensorFlow.js composes it of a dozen. A layer
 * asks for the kernel of the current engine by these names and composes the step itself where there is none.
 */
import { tf } from '../tensorflow.js';

export const KERNELS = {
  /** {x [n, height, width, channels], scale, offset [channels]}, {epsilon} → [y, mean, variance, …kept] */
  batchNorm: 'ShingoBatchNorm',
  /** {dy, x, scale, kept0, kept1, …}, {epsilon} → gradients by [x, scale, offset] */
  batchNormGrad: 'ShingoBatchNormGrad',
  /** {dy, y} → dy where 0 < y < 6, else 0 */
  relu6Grad: 'ShingoRelu6Grad',
} as const;

export type KernelName = keyof typeof KERNELS;

/** Whether the current engine has a kernel for this step. */
export const hasKernel = (name: KernelName): boolean =>
  tf.getKernel(KERNELS[name], tf.getBackend()) !== undefined;

export function runKernel(
  name: KernelName,
  inputs: Record<string, tf.Tensor>,
  attributes: Record<string, number> = {},
): tf.Tensor[] {
  const result = tf.engine().runKernel(KERNELS[name], inputs, attributes);
  return Array.isArray(result) ? result : [result];
}
