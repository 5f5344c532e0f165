/** All weights of a model (trainable and moving averages) as one flat array, in the order of `model.weights`. */
import { tf, type tfl } from './tensorflow.js';

export async function readWeights(model: tfl.LayersModel): Promise<Float32Array> {
  const parts = await Promise.all(model.weights.map((weight) => weight.read().data<'float32'>()));
  const flat = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    flat.set(part, offset);
    offset += part.length;
  }
  return flat;
}

export function writeWeights(model: tfl.LayersModel, flat: Float32Array): void {
  let offset = 0;
  for (const weight of model.weights) {
    const shape = weight.shape as number[];
    const size = tf.util.sizeFromShape(shape);
    tf.tidy(() => void weight.write(tf.tensor(flat.slice(offset, offset + size), shape)));
    offset += size;
  }
}
