/** Crops as a batch's tensor: as they are, or as augmentation makes them. */
import type { Augmentation } from '../parameters.js';
import { tf } from '../tensorflow.js';
import { augmented, windowOf, type Draw } from './augment/index.js';
import type { Pictures } from './pictures.js';
import type { Preprocessing } from './preprocessing.js';

/** [indices.length, inputSize, inputSize, 3] */
export function inputBatch(
  { inputSize, data }: Pictures,
  indices: Uint32Array,
  { scale, offset }: Preprocessing,
): tf.Tensor4D {
  const length = inputSize ** 2 * 3;
  const values = new Float32Array(indices.length * length);
  indices.forEach((index, i) => {
    const from = index * length;
    const to = i * length;
    for (let k = 0; k < length; k++) values[to + k] = data[from + k]! * scale + offset;
  });
  return tf.tensor4d(values, [indices.length, inputSize, inputSize, 3]);
}

export interface Augmenting {
  augmentation: Augmentation;
  /** Of each index. */
  draws: (index: number) => Draw;
  /** Whether a picture's mirror image has a label. */
  mayFlip: (index: number) => boolean;
}

/** As `inputBatch`, and which of the pictures were mirrored. */
export function augmentedBatch(
  { inputSize, data }: Pictures,
  indices: Uint32Array,
  { scale, offset }: Preprocessing,
  { augmentation, draws, mayFlip }: Augmenting,
): { x: tf.Tensor4D; flipped: boolean[] } {
  const length = inputSize ** 2 * 3;
  const size = { width: inputSize, height: inputSize };
  const values = new Float32Array(indices.length * length);
  const flipped = Array.from(indices, (index, i) => {
    const draw = draws(index);
    const window = windowOf(augmentation, size, draw, mayFlip(index));
    const bytes = Float32Array.from(data.subarray(index * length, (index + 1) * length));
    const changed = augmented({ data: bytes, ...size }, augmentation, window, draw, false).data;
    const to = i * length;
    for (let k = 0; k < length; k++) values[to + k] = changed[k]! * scale + offset;
    return window.flip;
  });
  return { x: tf.tensor4d(values, [indices.length, inputSize, inputSize, 3]), flipped };
}
