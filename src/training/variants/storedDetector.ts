/** Several detectors that were stored, asked about the same frames: each frame is decoded once, and no map is kept. */
import { Frames } from '../input/frames.js';
import { yieldToEvents } from '../job.js';
import { loadModel, type LoadedModel } from '../modelFiles.js';
import {
  detectionPreprocessingSchema,
  type DetectionPreprocessing,
} from '../tasks/lightDetection/preprocessing.js';
import { detectIn, type FrameAnswer } from '../tasks/lightDetection/predictor.js';

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
        for (const model of this.models) answers.push(await detectIn(model, decoded));
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
