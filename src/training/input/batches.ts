/** Which samples form which batch, and their tensors. */
import { generator, mixSeeds, permutation } from '../random.js';
import { tf } from '../tensorflow.js';
import type { Pictures } from './pictures.js';
import type { Preprocessing } from './preprocessing.js';

/**
 * Splits indices into batches whose sizes differ by at most one and never exceed `batchSize`: cutting off full
 * batches could leave one sample alone, of which batch normalisation can make nothing.
 */
export function evenBatches(indices: Uint32Array, batchSize: number): Uint32Array[] {
  const count = Math.ceil(indices.length / batchSize);
  return Array.from({ length: count }, (_, i) =>
    indices.subarray(
      Math.floor((i * indices.length) / count),
      Math.floor(((i + 1) * indices.length) / count),
    ),
  );
}

/** The order of an epoch follows from seed and epoch alone, so a resumed run needs no generator state. */
export function shuffled(indices: Uint32Array, seed: number, epoch: number): Uint32Array {
  const order = permutation(indices.length, generator(mixSeeds(seed, epoch)));
  return order.map((i) => indices[i]!);
}

/** How a training crop is varied: drawn anew for every sample and epoch. */
export interface Jitter {
  dx: number;
  dy: number;
  flip: boolean;
  gain: number;
}
export const jitterOf = (random: () => number): Jitter => ({
  dx: Math.floor(random() * (2 * MAXS + 1)) - MAXS,
  dy: Math.floor(random() * (2 * MAXS + 1)) - MAXS,
  flip: random() < 0.5 && !!process.env.FLIP,
  gain: 1 + (random() * 2 - 1) * Number(process.env.GAIN ?? 0),
});
const MAXS = Number(process.env.SHIFT ?? 0);

/** [indices.length, inputSize, inputSize, 3] */
export function inputBatch(
  pictures: Pictures,
  indices: Uint32Array,
  { scale, offset }: Preprocessing,
  jitter?: () => number,
): tf.Tensor4D {
  const { inputSize, data } = pictures;
  const size = inputSize ** 2 * 3;
  const values = new Float32Array(indices.length * size);
  const last = inputSize - 1;
  indices.forEach((index, i) => {
    const from = index * size;
    let to = i * size;
    if (!jitter) {
      for (let k = 0; k < size; k++) values[to + k] = data[from + k]! * scale + offset;
      return;
    }
    const { dx, dy, flip, gain } = jitterOf(jitter);
    for (let y = 0; y <= last; y++) {
      const row = from + Math.min(Math.max(y + dy, 0), last) * inputSize * 3;
      for (let x = 0; x <= last; x++) {
        const source = Math.min(Math.max(x + dx, 0), last);
        const pixel = row + (flip ? last - source : source) * 3;
        for (let c = 0; c < 3; c++) values[to++] = Math.min(255, data[pixel + c]! * gain) * scale + offset;
      }
    }
  });
  return tf.tensor4d(values, [indices.length, inputSize, inputSize, 3]);
}
