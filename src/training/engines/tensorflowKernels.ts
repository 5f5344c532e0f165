/**
 * TensorFlow's own training kernels, which tfjs-node does not offer, for `native` and `cuda`. An operation costs some
 * 25 µs before it computes, and TensorFlow.js composes a training step of MobileNetV2 of 3,400 of them.
 */
import { tf } from '../tensorflow.js';
import type { Attribute, TensorFlowBackend } from './tensorflowBackend.js';
import { KERNELS } from './trainingKernels.js';

type Kernel = (args: {
  backend: TensorFlowBackend;
  inputs: Record<string, tf.TensorInfo>;
  attrs: { epsilon: number };
}) => tf.Tensor | tf.Tensor[];

/** Call once the backend `tensorflow` is registered. Calling again changes nothing. */
export function registerTensorFlowKernels(): void {
  if (tf.getKernel(KERNELS.batchNorm, 'tensorflow')) return;
  register(KERNELS.batchNorm, batchNorm as unknown as tf.KernelFunc);
  register(KERNELS.batchNormGrad, batchNormGrad as unknown as tf.KernelFunc);
  register(KERNELS.relu6Grad, relu6Grad as unknown as tf.KernelFunc);
  const original = tf.getKernel('Reshape', 'tensorflow').kernelFunc;
  tf.unregisterKernel('Reshape', 'tensorflow');
  register('Reshape', (args) => sameShape(args) ?? original(args));
}

const register = (kernelName: string, kernelFunc: tf.KernelFunc) =>
  tf.registerKernel({ kernelName, backendName: 'tensorflow', kernelFunc });

/** To the shape that it has: a counted reference serves. The optimiser asks for it 200 times a step. */
function sameShape({ inputs, attrs, backend }: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | null {
  const { dataId, shape, dtype } = inputs.x!;
  const wanted = (attrs as unknown as { shape: number[] }).shape;
  if (!tf.util.arraysEqual(tf.util.inferFromImplicitShape(wanted, tf.util.sizeFromShape(shape)), shape))
    return null;
  (backend as tf.KernelBackend).incRef(dataId);
  return { dataId, shape, dtype };
}

const batchNorm: Kernel = ({ backend, inputs, attrs }) => {
  const { x, scale, offset } = inputs as Record<'x' | 'scale' | 'offset', tf.TensorInfo>;
  return tf.tidy(() => {
    // In training TensorFlow takes mean and variance from the batch and wants none given.
    const none = tf.tensor1d([], 'float32');
    const given = [x, scale, offset, none, none];
    const attributes = batchNormAttributes(backend, attrs.epsilon);
    const outputs = backend.executeMultipleOutputs('FusedBatchNormV3', attributes, given, 6);
    const [y, mean, unbiased, ...kept] = outputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    // Moving averages are of the plain variance on every engine. On the CPU it is what the gradient needs.
    const rows = tf.util.sizeFromShape(x.shape.slice(0, -1));
    const plain = () => tf.mul(unbiased, Math.max(rows - 1, 1) / rows);
    return [y, mean, backend.isUsingGpuDevice ? plain() : tf.clone(kept[1]), ...kept];
  });
};

const batchNormGrad: Kernel = ({ backend, inputs, attrs }) => {
  const [dy, x, scale, ...kept] = ['dy', 'x', 'scale', 'kept0', 'kept1', 'kept2'].map(
    (name) => inputs[name]!,
  );
  const attributes = batchNormAttributes(backend, attrs.epsilon);
  const given = [dy!, x!, scale!, ...kept];
  const [dx, dScale, dOffset, ...rest] = backend.executeMultipleOutputs(
    'FusedBatchNormGradV3',
    attributes,
    given,
    5,
  );
  tf.dispose(rest);
  return [dx!, dScale!, dOffset!];
};

const relu6Grad: Kernel = ({ backend, inputs }) => {
  const { TF_ATTR_TYPE, TF_FLOAT } = backend.binding;
  const attributes = [{ name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT }];
  return backend.executeSingleOutput('Relu6Grad', attributes, [inputs.dy!, inputs.y!]);
};

function batchNormAttributes({ binding }: TensorFlowBackend, epsilon: number): Attribute[] {
  return [
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'U', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'epsilon', type: binding.TF_ATTR_FLOAT, value: epsilon },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'is_training', type: binding.TF_ATTR_BOOL, value: true },
  ];
}
