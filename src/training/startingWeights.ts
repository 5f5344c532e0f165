/** Where a training begins: weights from an earlier one, and blocks that keep theirs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TrainingError } from './error.js';
import { tf, type tfl } from './tensorflow.js';

const modelJsonSchema = z.object({
  weightsManifest: z
    .array(
      z.object({
        weights: z.array(
          z.object({ name: z.string(), shape: z.array(z.int()), dtype: z.literal('float32') }),
        ),
      }),
    )
    .length(1),
});

interface Weight {
  shape: number[];
  values: Float32Array;
}

export interface Taken {
  /** Layers that took their weights from the folder. */
  taken: string[];
  /** Layers with weights that did not. */
  fresh: string[];
}

/** Layers whose outputs are classes: they fit only where the classes are the same, in the same order. */
const OF_CLASSES = ['logits', 'heat_logits'];

/**
 * Every layer all of whose weights are there by name and shape takes them; the others stay as they are.
 * @param folder of a model, as modelFiles.ts writes it
 * @throws TrainingError MODEL_INVALID where it cannot be read, or no layer fits
 */
export async function takeWeights(
  model: tfl.LayersModel,
  classes: readonly string[],
  folder: string,
): Promise<Taken> {
  const { weights, classes: theirs } = await readWeightsFile(folder);
  const sameClasses = JSON.stringify(theirs) === JSON.stringify(classes);
  const result: Taken = { taken: [], fresh: [] };
  for (const layer of model.layers) {
    if (layer.weights.length === 0) continue;
    const found = layer.weights.map((weight) => fitting(weight, weights));
    const fits = found.every((one) => one !== null) && (sameClasses || !OF_CLASSES.includes(layer.name));
    if (fits)
      layer.weights.forEach((weight, i) => {
        const { values, shape } = found[i]!;
        tf.tidy(() => void weight.write(tf.tensor(values, shape)));
      });
    (fits ? result.taken : result.fresh).push(layer.name);
  }
  if (result.taken.length === 0)
    throw new TrainingError(
      'MODEL_INVALID',
      'No layer of the network has the name and shape of one of the model to start from; is it of another network?',
    );
  return result;
}

function fitting(weight: tfl.LayerVariable, weights: Map<string, Weight>): Weight | null {
  const found = weights.get(weight.originalName);
  return found && JSON.stringify(found.shape) === JSON.stringify(weight.shape) ? found : null;
}

async function readWeightsFile(folder: string): Promise<{ weights: Map<string, Weight>; classes: string[] }> {
  try {
    const json = async (name: string): Promise<unknown> =>
      JSON.parse(await readFile(join(folder, name), 'utf8'));
    const { weightsManifest } = modelJsonSchema.parse(await json('model.json'));
    const classes = z.array(z.string()).parse(await json('classes.json'));
    // A copy: a Buffer may be a window into a larger pool.
    const { buffer } = Uint8Array.from(await readFile(join(folder, 'weights.bin')));
    let offset = 0;
    const weights = new Map<string, Weight>();
    for (const { name, shape } of weightsManifest[0]!.weights) {
      const length = shape.reduce((a, b) => a * b, 1);
      weights.set(name, { shape, values: new Float32Array(buffer, offset, length) });
      offset += 4 * length;
    }
    return { weights, classes };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TrainingError('MODEL_INVALID', `Model ${folder} cannot be read: ${why}`, { cause });
  }
}

/** The layers of these blocks keep their weights, and the moving statistics of their normalisation. */
export function freeze(model: tfl.LayersModel, blocks: readonly string[]): void {
  for (const layer of model.layers)
    if (blocks.some((block) => layer.name.startsWith(`${block}_`))) layer.trainable = false;
}
