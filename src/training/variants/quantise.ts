/**
 * Weights in fewer bytes, in the form that TensorFlow.js reads by itself: the manifest's `quantization` says how to get
 * back. The formulas are those of tensorflowjs_converter (tfjs-converter/python/tensorflowjs/quantization.py, Apache-2.0).
 */
import type { tf } from '../tensorflow.js';

export type Quantised = 'uint8' | 'float16';

export interface QuantisedWeight {
  data: Uint8Array;
  /** As the converter writes it; TensorFlow.js itself goes by the entry's own dtype. */
  quantization: NonNullable<tf.io.WeightsManifestEntry['quantization']> & { original_dtype: 'float32' };
}

const LEVELS = 255;

/** @param values of one tensor */
export function quantise(values: Float32Array, to: Quantised): QuantisedWeight {
  return to === 'uint8' ? affine(values) : half(values);
}

/**
 * value ≈ level × scale + min, one scale a tensor: scale = (max - min) / 255. Where 0 is in the range, min is nudged so
 * that 0 is a level of its own: padding must stay nothing. All equal: levels of 0, and min is the value.
 */
function affine(values: Float32Array): QuantisedWeight {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const data = new Uint8Array(values.length);
  if (!(low < high)) {
    const min = values.length > 0 ? low : 0;
    return { data, quantization: { dtype: 'uint8', min, scale: 1, original_dtype: 'float32' } };
  }
  const scale = (high - low) / LEVELS;
  const min = low <= 0 && high >= 0 ? -Math.round(-low / scale) * scale : low;
  values.forEach((value, at) => {
    data[at] = Math.min(LEVELS, Math.max(0, Math.round((value - min) / scale)));
  });
  return { data, quantization: { dtype: 'uint8', min, scale, original_dtype: 'float32' } };
}

/** IEEE 754 binary16, little endian, rounded to the nearest; beyond 65,504 it is infinite. */
function half(values: Float32Array): QuantisedWeight {
  const halves = Float16Array.from(values);
  const data = new Uint8Array(halves.buffer);
  return { data, quantization: { dtype: 'float16', original_dtype: 'float32' } };
}
