/** Which items form which batch. */
import { generator, mixSeeds, permutation } from '../random.js';

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
