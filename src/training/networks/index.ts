/** Every network by the name that `algorithm` gives it; another network is one more file and one more line. */
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
export type BuildNetwork = (options: NetworkOptions) => tfl.LayersModel;

export const NETWORKS = { mobilenetv2 } satisfies Record<string, BuildNetwork>;
export type NetworkName = keyof typeof NETWORKS;
