/** Several detectors that were stored, asked about the same frames: each frame is decoded once, and no map is kept. */
import { frameValues, Frames, type DecodedFrame } from '../input/frames.js';
import { yieldToEvents } from '../job.js';
import { loadModel, type LoadedModel } from '../modelFiles.js';
import { decode } from '../tasks/lightDetection/decode.js';
import { gridOf } from '../tasks/lightDetection/geometry.js';
import {
  detectionPreprocessingSchema,
  type DetectionPreprocessing,
} from '../tasks/lightDetection/preprocessing.js';
import { part } from '../tasks/lightDetection/training.js';
import { tf } from '../tensorflow.js';
import type { FrameAnswer } from './detectionDrift.js';

type Detector = LoadedModel<DetectionPreprocessing>;

/** Eight of 512×288 are 14 MB of input, and some 2 MB of maps a model. */
const BATCH = 8;

export class StoredDetectors {
  private constructor(private readonly models: readonly Detector[]) {}

  /** Onto the engine that has been started; all are forms of one model. @throws TrainingError MODEL_INVALID */
  static async load(folders: readonly string[]): Promise<StoredDetectors> {
    const models: Detector[] = [];
    for (const folder of folders) models.push(await loadModel(folder, detectionPreprocessingSchema));
    return new StoredDetectors(models);
  }

  /**
   * Each file's answers, one a model, in the order of both.
   * @throws TrainingError PICTURE_UNREADABLE; the signal's reason
   */
  async *ask(files: readonly string[], signal: AbortSignal): AsyncGenerator<FrameAnswer[], void> {
    const { inputWidth: width, inputHeight: height } = this.models[0]!.preprocessing;
    const frames = new Frames(files, { width, height }, { room: 0 });
    const indices = (from: number) =>
      Uint32Array.from(files.slice(from, from + BATCH).keys(), (index) => from + index);
    try {
      for (let from = 0; from < files.length; from += BATCH) {
        signal.throwIfAborted();
        const decoded = await frames.get(indices(from));
        frames.prefetch(indices(from + BATCH));
        const answers: FrameAnswer[][] = [];
        for (const model of this.models) answers.push(await answersOf(model, decoded));
        for (const at of decoded.keys()) yield answers.map((one) => one[at]!);
        await yieldToEvents();
      }
    } finally {
      frames.close();
    }
  }

  dispose(): void {
    for (const { model } of this.models) model.dispose();
  }
}

async function answersOf(
  { model, classes, preprocessing }: Detector,
  frames: readonly DecodedFrame[],
): Promise<FrameAnswer[]> {
  const { inputWidth: width, inputHeight: height, decoding } = preprocessing;
  const outputs = tf.tidy(
    () =>
      model.apply(
        tf.tensor4d(frameValues(frames, preprocessing), [frames.length, height, width, 3]),
      ) as tf.Tensor[],
  );
  try {
    const [heat, box] = await Promise.all(outputs.map((output) => output.data<'float32'>()));
    const options = { grid: gridOf({ width, height }), classes: classes.length };
    return frames.map(({ native }, i) => {
      const maps = { heat: part(heat!, i, frames.length), box: part(box!, i, frames.length) };
      const { maxDetections } = decoding;
      return { heat: maps.heat, detections: decode(maps, { ...options, native, maxDetections }) };
    });
  } finally {
    tf.dispose(outputs);
  }
}
