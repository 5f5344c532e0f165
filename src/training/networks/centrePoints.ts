/**
 * A centre-point detector (Zhou et al. 2019, "Objects as Points") on MobileNetV2. Small lights need fine cells and the
 * context of coarse ones: a path back up from stride 32 to 4 (Lin et al. 2017, "Feature Pyramid Networks", figure 3).
 */
import { tfl } from '../tensorflow.js';
import { body, Builder, stridesFor } from './mobilenetv2.js';

export interface CentrePointOptions {
  inputWidth: number;
  inputHeight: number;
  /** Factor on the channels of MobileNetV2's layers. */
  widthMultiplier: number;
  /** Channels of the path back up. */
  headChannels: number;
  classes: number;
  seed: number;
}

/** What a cell says before it has learnt anything: with 0.5 the first steps would go into unlearning it. */
const PRIOR = 0.01;
/** Strides of the path back up; the paper's strides of MobileNetV2, so sides must be multiples of 32. */
const STRIDES = [16, 8, 4] as const;
const DEEPEST = 32;

/**
 * [batch, inputHeight, inputWidth, 3] in -1…1 → `heat` [batch, inputHeight / 4, inputWidth / 4, classes], probabilities
 * whose logits are the layer `heat_logits`, and `box` [… , 4]: width and height in cells, the centre's place in its cell.
 */
export function centrePoints(options: CentrePointOptions): tfl.LayersModel {
  const { inputWidth, inputHeight, widthMultiplier, headChannels, classes, seed } = options;
  const input = tfl.input({ shape: [inputHeight, inputWidth, 3], name: 'picture' });
  const b = new Builder(seed);
  const { features } = body(b, input, widthMultiplier, stridesFor(Infinity));
  let x = b.convolution(`up${DEEPEST}`, features.get(DEEPEST)!, headChannels, 1, 1);
  for (const stride of STRIDES) {
    const name = `up${stride}`;
    const beside = b.convolution(`${name}_side`, features.get(stride)!, headChannels, 1, 1);
    x = b.relu6(
      name,
      tfl.layers.add({ name: `${name}_add` }).apply([doubled(name, x), beside]) as tfl.SymbolicTensor,
    );
    x = separable(b, `${name}_mix`, x, headChannels);
  }
  const heatLogits = output(
    separable(b, 'heat', x, headChannels),
    'heat_logits',
    classes,
    seed,
    logit(PRIOR),
  );
  const heat = tfl.layers.activation({ name: 'heat', activation: 'sigmoid' }).apply(heatLogits);
  const box = output(separable(b, 'box', x, headChannels), 'box', 4, seed + 1, 0.5);
  return tfl.model({ inputs: input, outputs: [heat, box] as tfl.SymbolicTensor[], name: 'centre_points' });
}

const logit = (p: number) => Math.log(p / (1 - p));

const doubled = (name: string, x: tfl.SymbolicTensor) =>
  tfl.layers
    .upSampling2d({ name: `${name}_double`, size: [2, 2], interpolation: 'nearest' })
    .apply(x) as tfl.SymbolicTensor;

/** A 3×3 convolution as depthwise and 1×1: on `wasm` a full one's gradient is a plain loop, and costs ten times as much. */
function separable(b: Builder, name: string, x: tfl.SymbolicTensor, channels: number): tfl.SymbolicTensor {
  const y = b.relu6(`${name}_depthwise`, b.depthwise(`${name}_depthwise`, x, 1));
  return b.relu6(name, b.convolution(name, y, channels, 1, 1));
}

/** Small weights, so that every cell begins with what the bias says. */
function output(x: tfl.SymbolicTensor, name: string, filters: number, seed: number, bias: number) {
  return tfl.layers
    .conv2d({
      name,
      filters,
      kernelSize: 1,
      kernelInitializer: tfl.initializers.randomNormal({ mean: 0, stddev: 0.01, seed }),
      biasInitializer: tfl.initializers.constant({ value: bias }),
    })
    .apply(x) as tfl.SymbolicTensor;
}
