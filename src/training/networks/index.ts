/** Every network by the name that `algorithm` gives it; another network is one more file and one more line. */
import type { TrainingParameters } from '../protocol.js';
import type { tfl } from '../tensorflow.js';
import { mobilenetv2 } from './mobilenetv2.js';

export interface NetworkOptions {
  /** Side of the square input, pixels. */
  inputSize: number;
  /** Factor on the channels of every layer. */
  widthMultiplier: number;
  classes: number;
  /** The same seed gives the same initial weights on every engine. */
  seed: number;
}

/** [batch, inputSize, inputSize, 3] in -1…1 → [batch, classes] softmax, whose input is the layer named `logits`. */
export type BuildNetwork = (options: NetworkOptions) => tfl.LayersModel;

export const NETWORKS: Record<TrainingParameters['algorithm'], BuildNetwork> = { mobilenetv2 };
