/**
 * A model folder is self-contained: model.json and weights.bin in the TensorFlow.js layers format (loadable with
 * `tf.loadLayersModel` over HTTP), classes.json, preprocessing.json.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TrainingError } from './error.js';
import { writeFolderAtomic } from './files.js';
import { preprocessingSchema, type Preprocessing } from './input/preprocessing.js';
import { tf, tfl } from './tensorflow.js';

export interface LoadedModel<P = Preprocessing> {
  model: tfl.LayersModel;
  classes: string[];
  /** How its input is made: each task has its own. */
  preprocessing: P;
}

export interface ModelDescription {
  classes: readonly string[];
  preprocessing: object;
}

export const toJson = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

export async function saveModel(
  folder: string,
  model: tfl.LayersModel,
  about: ModelDescription,
): Promise<void> {
  await model.save(
    tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      await writeFolderAtomic(folder, {
        'model.json': JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest }),
        'weights.bin': new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)),
        'classes.json': toJson(about.classes),
        'preprocessing.json': toJson(about.preprocessing),
      });
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
}

const modelJsonSchema = z.object({
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: z.array(z.object({ paths: z.array(z.string()), weights: z.array(z.unknown()) })).length(1),
});

export async function loadModel(folder: string): Promise<LoadedModel>;
export async function loadModel<P>(folder: string, preprocessing: z.ZodType<P>): Promise<LoadedModel<P>>;
export async function loadModel(folder: string, schema: z.ZodType = preprocessingSchema) {
  try {
    const readJson = async (name: string): Promise<unknown> =>
      JSON.parse(await readFile(join(folder, name), 'utf8'));
    const { modelTopology, weightsManifest } = modelJsonSchema.parse(await readJson('model.json'));
    const classes = z.array(z.string()).parse(await readJson('classes.json'));
    const preprocessing = schema.parse(await readJson('preprocessing.json'));
    const weightSpecs = weightsManifest[0]!.weights as tf.io.WeightsManifestEntry[];
    // A copy: a Buffer may be a window into a larger pool.
    const weightData = Uint8Array.from(await readFile(join(folder, 'weights.bin'))).buffer;
    const model = await tfl.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
    return { model, classes, preprocessing };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TrainingError('MODEL_INVALID', `Model ${folder} cannot be loaded: ${why}`, { cause });
  }
}
