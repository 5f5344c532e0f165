/**
 * MobileNetV3 + CenterNet, trained on COCO: a TensorFlow.js graph model that the npm package @vladmandic/human (MIT)
 * ships. Read from node_modules, never from a network.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadGraphModel, type GraphModel } from '@tensorflow/tfjs-converter';
import { TrainingError } from '../error.js';
import { entryOf } from '../engines/packages.js';
import { tf } from '../tensorflow.js';

const PACKAGE = '@vladmandic/human';
/** [1, 100, 6]: left, top, right, bottom in pixels of the 512 × 512 input, score, class. */
export const OUTPUT = 'tower_0/detections';

/** On the current engine. @throws TrainingError MODEL_INVALID */
export async function loadNetwork(): Promise<GraphModel> {
  const entry = entryOf(PACKAGE);
  if (!entry) throw new TrainingError('MODEL_INVALID', `The package ${PACKAGE} is missing: run npm ci.`);
  // Its package.json exports no models; they lie beside the folder of its entry file.
  const folder = join(dirname(entry), '..', 'models');
  try {
    const graph = JSON.parse(await readFile(join(folder, 'centernet.json'), 'utf8'));
    const weights = await readFile(join(folder, 'centernet.bin'));
    return await loadGraphModel(
      tf.io.fromMemory({
        modelTopology: graph.modelTopology,
        signature: graph.signature,
        weightSpecs: graph.weightsManifest[0].weights,
        weightData: new Uint8Array(weights).buffer,
      }),
    );
  } catch (cause) {
    throw new TrainingError('MODEL_INVALID', `The detector of ${PACKAGE} does not load from ${folder}.`, {
      cause,
    });
  }
}
