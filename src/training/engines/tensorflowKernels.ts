/**
 * TensorFlow's own training kernels, which tfjs-node does not offer, for `native` and `cuda`. An operation costs some
 * 25 µs before it computes, and TensorFlow.js composes a training step of MobileNetV2 of 3,400 of them.
 */
import { tf } from '../tensorflow.js';
import { KERNELS } from './trainingKernels.js';

interface Attribute {
  name: string;
  type: number;
  value: unknown;
}
/** The part of tfjs-node's backend that is used here. */
interface TensorFlowBackend {
  binding: Record<'TF_ATTR_TYPE' | 'TF_ATTR_FLOAT' | 'TF_ATTR_STRING' | 'TF_ATTR_BOOL' | 'TF_FLOAT', number>;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}
type Kernel = (args: {
  backend: TensorFlowBackend;
  inputs: Record<string, tf.TensorInfo>;
  attrs: { epsilon: number };
}) => tf.Tensor | tf.Tensor[];

/** Call once the backend `tensorflow` is registered. Calling again changes nothing. */
export function registerTensorFlowKernels(): void {
  const kernels: Record<string, Kernel> = {
    [KERNELS.batchNorm]: batchNorm,
    [KERNELS.batchNormGrad]: batchNormGrad,
    [KERNELS.relu6Grad]: relu6Grad,
  };
  for (const [kernelName, kernelFunc] of Object.entries(kernels))
    if (!tf.getKernel(kernelName, 'tensorflow'))
      tf.registerKernel({
        kernelName,
        backendName: 'tensorflow',
        kernelFunc: kernelFunc as unknown as tf.KernelFunc,
      });
}

const batchNorm: Kernel = ({ backend, inputs, attrs }) => {
  const { x, scale, offset } = inputs as Record<'x' | 'scale' | 'offset', tf.TensorInfo>;
  return tf.tidy(() => {
    // In training TensorFlow takes mean and variance from the batch and wants none given.
    const none = tf.tensor1d([], 'float32');
    const given = [x, scale, offset, none, none];
    const attributes = batchNormAttributes(backend, attrs.epsilon);
    const [y, mean, variance, ...kept] = backend.executeMultipleOutputs(
      'FusedBatchNormV3',
      attributes,
      given,
      6,
    );
    // TensorFlow's is the unbiased one; moving averages are of the plain one on every engine.
    const rows = tf.util.sizeFromShape(x.shape.slice(0, -1));
    return [y!, mean!, tf.mul(variance!, Math.max(rows - 1, 1) / rows), ...kept];
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
