/** The parts of tfjs-node's backend, and of the addon under it, that are used here. Neither is typed by its package. */
import type { tf } from '../tensorflow.js';

export interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** A tensor of the addon. Ids count up and are never given twice. */
export interface OutputInfo {
  id: number;
  shape: number[];
  dtype: number;
}

type Constant =
  | 'TF_ATTR_STRING'
  | 'TF_ATTR_INT'
  | 'TF_ATTR_FLOAT'
  | 'TF_ATTR_BOOL'
  | 'TF_ATTR_TYPE'
  | 'TF_ATTR_SHAPE'
  | 'TF_FLOAT';

export interface Binding extends Readonly<Record<Constant, number>> {
  createTensor(shape: number[], dtype: number, values: unknown): number;
  tensorDataSync(id: number): unknown;
  executeOp(name: string, attributes: Attribute[], inputs: number[], outputs: number): OutputInfo[];
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  /** Names are joined by commas. */
  runSavedModel(id: number, inputs: number[], inputNames: string, outputNames: string): OutputInfo[];
}

export interface TensorFlowBackend {
  isUsingGpuDevice: boolean;
  binding: Binding;
  /** The addon's ids; values that wait in JavaScript are handed over first. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  getDTypeInteger(dtype: tf.DataType): number;
  createOutputTensor(info: OutputInfo): tf.Tensor;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}
