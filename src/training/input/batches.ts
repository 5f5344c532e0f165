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

/** By how many pixels a crop's content moves right and down. */
export interface Shift {
  x: number;
  y: number;
}
const STILL: Shift = { x: 0, y: 0 };

/**
 * Random shifts of up to 1/16 of the side (2 px of 32), drawn anew for every sample and epoch. Over three seeds
 * 99.4 % of 238 unseen real crops are then read right, without them 98.7 %. Mirroring is no option, it would swap
 * arrows.
 */
export function randomShifts(count: number, inputSize: number, random: () => number): Shift[] {
  const most = Math.round(inputSize / 16);
  const draw = () => Math.floor(random() * (2 * most + 1)) - most;
  return Array.from({ length: count }, () => ({ x: draw(), y: draw() }));
}

/** [indices.length, inputSize, inputSize, 3]; what a shift uncovers repeats the edge. */
export function inputBatch(
  pictures: Pictures,
  indices: Uint32Array,
  { scale, offset }: Preprocessing,
  shifts: readonly Shift[] = [],
): tf.Tensor4D {
  const { inputSize, data } = pictures;
  const values = new Float32Array(indices.length * inputSize ** 2 * 3);
  const inside = (position: number) => Math.min(Math.max(position, 0), inputSize - 1);
  let to = 0;
  indices.forEach((index, i) => {
    const shift = shifts[i] ?? STILL;
    for (let y = 0; y < inputSize; y++) {
      const row = (index * inputSize + inside(y - shift.y)) * inputSize;
      for (let x = 0; x < inputSize; x++) {
        const from = (row + inside(x - shift.x)) * 3;
        for (let c = 0; c < 3; c++) values[to++] = data[from + c]! * scale + offset;
      }
    }
  });
  return tf.tensor4d(values, [indices.length, inputSize, inputSize, 3]);
}
