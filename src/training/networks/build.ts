/** Networks as models. */
import { tfl } from '../tensorflow.js';
import { NETWORKS, type Algorithm } from './index.js';
import { Layers } from './layers.js';
import type { Body, InputShape, Network } from './network.js';

/** The network's name, and its parameters among others. */
export interface Chosen {
  algorithm: Algorithm;
}

/** The network by its name; its parameters are checked by its own schema, so they need no type here. */
export const networkOf = ({ algorithm }: Chosen): Network => NETWORKS[algorithm];

/**
 * [batch, inputSize, inputSize, 3] in -1…1 → [batch, classes] softmax, whose input is the layer named `logits`.
 * The same seed gives the same initial weights on every engine.
 */
export function buildClassifier(
  chosen: Chosen & { inputSize: number; seed: number },
  classes: number,
): tfl.LayersModel {
  const network = networkOf(chosen);
  const layers = new Layers(chosen.seed);
  const { inputSize } = chosen;
  const body = network.body(layers, { height: inputSize, width: inputSize }, { ...chosen });
  const outputs = layers.classifier(network.pooled(layers, body.last, { ...chosen }), classes);
  return tfl.model({ inputs: body.input, outputs, name: network.name });
}

/** The body for another head to sit on, with the `layers` that go on drawing its seeds. */
export function buildBody(chosen: Chosen & { seed: number }, shape: InputShape): Body & { layers: Layers } {
  const layers = new Layers(chosen.seed);
  return { ...networkOf(chosen).body(layers, shape, { ...chosen }), layers };
}
