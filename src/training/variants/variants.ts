/** Writes a model in one of the forms in which it leaves. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TrainingError } from '../error.js';
import { writeFolderAtomic } from '../files.js';
import type { tf } from '../tensorflow.js';
import type { Variant } from './names.js';
import { quantise, type Quantised } from './quantise.js';

const DTYPE: Partial<Record<Variant, Quantised>> = { UINT8: 'uint8', FLOAT16: 'float16' };

const modelJsonSchema = z.looseObject({
  weightsManifest: z
    .array(
      z.looseObject({
        weights: z.array(z.looseObject({ name: z.string(), shape: z.array(z.int()), dtype: z.string() })),
      }),
    )
    .length(1),
});

/**
 * Kernels only, which are nearly all of the bytes: a bias or a statistic of batch normalisation is one of few numbers,
 * and a variance that a coarse scale turns into 0 makes the layer after it explode.
 */
const isKernel = ({ shape, dtype }: { shape: number[]; dtype: string }) =>
  dtype === 'float32' && shape.length >= 2;

/** Writes a model folder anew in this form. @returns bytes of its weights @throws TrainingError MODEL_INVALID */
export async function writeVariant(source: string, target: string, variant: Variant): Promise<number> {
  try {
    const names = ['model.json', 'weights.bin', 'classes.json', 'preprocessing.json'];
    const [json, weights, classes, preprocessing] = await Promise.all(
      names.map((name) => readFile(join(source, name))),
    );
    const model = modelJsonSchema.parse(JSON.parse(json!.toString('utf8')));
    const to = DTYPE[variant];
    const stored = to
      ? requantised(model.weightsManifest[0]!.weights, weights!, to)
      : new Uint8Array(weights!);
    await writeFolderAtomic(target, {
      'model.json': JSON.stringify(model),
      'weights.bin': stored,
      'classes.json': classes!,
      'preprocessing.json': preprocessing!,
    });
    return stored.byteLength;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TrainingError('MODEL_INVALID', `Model ${source} cannot be written as ${variant}: ${why}`, {
      cause,
    });
  }
}

/** The weights' bytes in their order; what is quantised says so in its manifest entry. */
function requantised(
  entries: { name: string; shape: number[]; dtype: string; quantization?: unknown }[],
  weights: Buffer,
  to: Quantised,
): Uint8Array {
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const entry of entries) {
    if (entry.dtype !== 'float32' || entry.quantization)
      throw new Error(`weight ${entry.name} is ${entry.quantization ? 'quantised already' : entry.dtype}`);
    const bytes = 4 * entry.shape.reduce((product, side) => product * side, 1);
    const values = new Float32Array(Uint8Array.from(weights.subarray(offset, offset + bytes)).buffer);
    offset += bytes;
    if (!isKernel(entry)) {
      parts.push(new Uint8Array(values.buffer));
      continue;
    }
    const { data, quantization } = quantise(values, to);
    entry.quantization = quantization satisfies tf.io.WeightsManifestEntry['quantization'];
    parts.push(data);
  }
  if (offset !== weights.byteLength)
    throw new Error(`weights.bin has ${weights.byteLength} bytes, not ${offset}`);
  return Buffer.concat(parts);
}
