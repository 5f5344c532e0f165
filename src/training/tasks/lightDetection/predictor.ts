import { frameValues, Frames, type Size } from '../../input/frames.js';
import type { LoadedModel } from '../../modelFiles.js';
import type { Frame } from '../../protocol.js';
import { tf } from '../../tensorflow.js';
import type { Predictor } from '../task.js';
import { decode, type Detection } from './decode.js';
import { gridOf } from './geometry.js';
import type { DetectionPreprocessing } from './preprocessing.js';
import { part } from './training.js';

export class DetectionPredictor implements Predictor {
  private readonly pictures: Frames;
  private readonly size: Size;

  constructor(
    private readonly frames: readonly Frame[],
    private readonly loaded: LoadedModel<DetectionPreprocessing>,
  ) {
    const { inputWidth: width, inputHeight: height } = loaded.preprocessing;
    this.size = { width, height };
    // Each is looked at once: nothing to keep.
    this.pictures = new Frames(
      frames.map(({ file }) => file),
      this.size,
      { room: 0 },
    );
  }

  load(): Promise<void> {
    return Promise.resolve();
  }

  prefetch(indices: Uint32Array): void {
    this.pictures.prefetch(indices);
  }

  close(): void {
    this.pictures.close();
  }

  /** {id, detections} */
  async predict(indices: Uint32Array): Promise<object[]> {
    const found = await detectIn(this.loaded, await this.pictures.get(indices));
    return found.map(({ detections }, i) => {
      const { id } = this.frames[indices[i]!]!;
      return { id, detections: detections.map(rounded) };
    });
  }
}

/** Of one frame. */
export interface FrameAnswer {
  /** [grid height, grid width, classes], 0 to 1. */
  heat: Float32Array;
  /** Best first, at most the model's own number. */
  detections: Detection[];
}

/** What a detector says of decoded frames, in their order. */
export async function detectIn(
  { model, classes, preprocessing }: LoadedModel<DetectionPreprocessing>,
  frames: readonly { pixels: Uint8Array; native: Size }[],
): Promise<FrameAnswer[]> {
  const { inputWidth: width, inputHeight: height, decoding } = preprocessing;
  const values = frameValues(frames, preprocessing);
  const outputs = tf.tidy(
    () => model.apply(tf.tensor4d(values, [frames.length, height, width, 3])) as tf.Tensor[],
  );
  try {
    const [heat, box] = await Promise.all(outputs.map((output) => output.data<'float32'>()));
    const grid = gridOf({ width, height });
    return frames.map(({ native }, i) => {
      const maps = { heat: part(heat!, i, frames.length), box: part(box!, i, frames.length) };
      const { maxDetections } = decoding;
      const options = { grid, classes: classes.length, native, maxDetections };
      return { heat: maps.heat, detections: decode(maps, options) };
    });
  } finally {
    tf.dispose(outputs);
  }
}

/** Hundredths of a pixel are finer than any label; edges are rounded down, so that a box stays in its picture. */
const hundredth = (value: number) => Math.floor(value * 100) / 100;

/** Float32 holds no more than seven digits. */
function rounded({ label, score, x, y, width, height }: Detection): Detection {
  const [left, top] = [hundredth(x), hundredth(y)];
  const side = (from: number, to: number) => Math.max(0.01, +(hundredth(to) - from).toFixed(2));
  return {
    ...{ label, score: +score.toFixed(7) },
    ...{ x: left, y: top, width: side(left, x + width), height: side(top, y + height) },
  };
}
