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

/** [indices.length, inputSize, inputSize, 3] */
export function inputBatch(
  pictures: Pictures,
  indices: Uint32Array,
  { scale, offset }: Preprocessing,
): tf.Tensor4D {
  const { inputSize } = pictures;
  const size = inputSize ** 2 * 3;
  const values = new Float32Array(indices.length * size);
  indices.forEach((index, i) => {
    const from = index * size;
    const to = i * size;
    for (let k = 0; k < size; k++) values[to + k] = pictures.data[from + k]! * scale + offset;
  });
  return tf.tensor4d(values, [indices.length, inputSize, inputSize, 3]);
}
