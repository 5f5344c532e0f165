/**
 * A centre-point detector (Zhou et al. 2019, "Objects as Points") on the features of any network. Small lights need fine
 * cells and the context of coarse ones: a path back up from stride 32 to 4 (Lin et al. 2017, "Feature Pyramid Networks",
 * figure 3).
 */
import { tfl } from '../tensorflow.js';
import { buildBody, type Chosen } from './build.js';
import type { Layers } from './layers.js';
import type { InputShape } from './network.js';

export interface CentrePointOptions {
  /** Both sides multiples of 32. */
  input: InputShape;
  /** Channels of the path back up. */
  headChannels: number;
  classes: number;
}

/** What a cell says before it has learnt anything: with 0.5 the first steps would go into unlearning it. */
const PRIOR = 0.01;
const DEEPEST = 32;
const UPWARDS = [16, 8, 4] as const;

type X = tfl.SymbolicTensor;

/**
 * [batch, height, width, 3] in -1…1 → `heat` [batch, height / 4, width / 4, classes], probabilities whose logits are the
 * layer `heat_logits`, and `box` [batch, height / 4, width / 4, 4]: logarithms of width and height in units of 4
 * cells, the centre's place in its cell. The same seed gives the same initial weights on every engine.
 */
export function centrePoints(
  chosen: Chosen & { seed: number },
  { input, headChannels: filters, classes }: CentrePointOptions,
): tfl.LayersModel {
  const body = buildBody(chosen, input);
  const { layers } = body;
  let x = layers.convolution(`up${DEEPEST}`, body.features(DEEPEST), { filters, kernelSize: 1 });
  for (const stride of UPWARDS) {
    const name = `up${stride}`;
    const beside = layers.convolution(`${name}_side`, body.features(stride), { filters, kernelSize: 1 });
    x = separable(layers, name, layers.relu6(name, layers.add(name, doubled(name, x), beside)), filters);
  }
  const logits = layers.output('heat_logits', separable(layers, 'heat', x, filters), classes, logit(PRIOR));
  const heat = tfl.layers.activation({ name: 'heat', activation: 'sigmoid' }).apply(logits) as X;
  const box = layers.output('box', separable(layers, 'box_mix', x, filters), 4, 0);
  return tfl.model({ inputs: body.input, outputs: [heat, box], name: 'centre_points' });
}

const logit = (p: number) => Math.log(p / (1 - p));

const doubled = (name: string, x: X) =>
  tfl.layers.upSampling2d({ name: `${name}_double`, size: [2, 2], interpolation: 'nearest' }).apply(x) as X;

/** A 3×3 convolution as depthwise and 1×1: the gradient of a full one is a plain loop on `wasm`. */
function separable(layers: Layers, name: string, x: X, filters: number): X {
  const y = layers.relu6(`${name}_depthwise`, layers.depthwise(`${name}_depthwise`, x, 3, 1));
  return layers.relu6(`${name}_mix`, layers.convolution(`${name}_mix`, y, { filters, kernelSize: 1 }));
}
