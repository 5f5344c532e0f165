import { detectionParametersSchema, type DetectionParameters } from '../../detectionParameters.js';
import { TrainingError } from '../../error.js';
import { mirroredLabels, type Draw } from '../../input/augment/index.js';
import { frameValues, Frames, type Size } from '../../input/frames.js';
import { centrePoints } from '../../networks/centrePoints.js';
import type { Frame, Metric, TrainingSpec } from '../../protocol.js';
import { tf, tfl } from '../../tensorflow.js';
import type { Batch, Forward, Inputs, TrainingTask } from '../task.js';
import { showAtRandom, type Shown } from './augment.js';
import { cutAtRandom } from './cut.js';
import { decode } from './decode.js';
import { countFrame, countLosses, emptyTally, metricsOf, type DetectionTally } from './figures.js';
import { gridOf } from './geometry.js';
import { frameLosses, lossSums, type Maps, type TargetTensors } from './loss.js';
import { detectionPreprocessing, type DetectionPreprocessing } from './preprocessing.js';
import { addTargets, emptyTargets } from './targets.js';

interface FrameBatch extends Batch {
  frames: Frame[];
  natives: Size[];
  /** Centres in the targets. */
  objects: number;
}

export class DetectionTraining implements TrainingTask<FrameBatch, DetectionTally> {
  readonly model: tfl.LayersModel;
  readonly about: { classes: readonly string[]; preprocessing: DetectionPreprocessing };
  private readonly parameters: DetectionParameters;
  /** Of the input. */
  private readonly size: Size;
  private readonly grid: Size;
  /** Of what training sees; null: whole frames. The network has no fully connected layer: its weights fit any size. */
  private readonly window: Size | null;
  private readonly pictures: Frames;
  /** The same weights without the sigmoid: its gradient and the loss's together neither overflow nor vanish. */
  private readonly maps: tfl.LayersModel;

  constructor(
    private readonly spec: TrainingSpec,
    private readonly frames: readonly Frame[],
  ) {
    const { classes, parameters } = spec;
    checkFrames(frames, classes);
    this.parameters = detectionParametersSchema.parse(parameters);
    this.size = { width: this.parameters.inputWidth, height: this.parameters.inputHeight };
    this.grid = gridOf(this.size);
    this.window = windowOf(this.parameters);
    this.pictures = new Frames(
      frames.map(({ file }) => file),
      this.size,
      { cache: spec.decodedCache },
    );
    this.about = { classes, preprocessing: detectionPreprocessing(this.parameters) };
    const { headChannels } = this.parameters;
    this.model = centrePoints(parameters, { input: this.size, headChannels, classes: classes.length });
    const outputs = ['heat_logits', 'box'].map(
      (name) => this.model.getLayer(name).output as tfl.SymbolicTensor,
    );
    this.maps = tfl.model({ inputs: this.model.inputs, outputs });
  }

  /** Frames are decoded when their batch is made. */
  load(): Promise<void> {
    return Promise.resolve();
  }

  prefetch(indices: Uint32Array): void {
    this.pictures.prefetch(indices);
  }

  async batch(indices: Uint32Array, draws: ((index: number) => Draw) | null): Promise<FrameBatch> {
    const frames = Array.from(indices, (index) => this.frames[index]!);
    const decoded = await this.pictures.get(indices);
    const { augmentation } = this.spec.parameters;
    const mirrored = mirroredLabels(this.spec.classes);
    const shown = frames.flatMap(({ boxes }, i): Shown[] => {
      const draw = draws?.(indices[i]!);
      if (!draw) return [{ ...decoded[i]!, boxes }];
      const whole = showAtRandom(decoded[i]!, boxes, this.size, { augmentation, draw, mirrored });
      return this.window ? this.windowsOf(whole, this.window, draw('cut')) : [whole];
    });
    const seen = draws && this.window ? this.window : this.size;
    const values = frameValues(shown, this.about.preprocessing);
    return {
      size: shown.length,
      frames,
      natives: shown.map(({ native }) => native),
      x: tf.tensor4d(values, [shown.length, seen.height, seen.width, 3]),
      ...this.targets(shown, gridOf(seen)),
    };
  }

  private windowsOf(whole: Shown, window: Size, random: () => number): Shown[] {
    const count = this.parameters.windowsPerFrame;
    return Array.from({ length: count }, () => cutAtRandom(whole, this.size, window, random));
  }

  private targets(shown: Shown[], grid: Size): { targets: tf.Tensor[]; objects: number } {
    const { spec } = this;
    const classes = spec.classes.length;
    const targets = emptyTargets(shown.length, grid, classes);
    shown.forEach(({ boxes, native }, i) => addTargets(targets, i, boxes, native, grid, classes));
    const map = (values: Float32Array, depth: number) =>
      tf.tensor4d(values, [shown.length, grid.height, grid.width, depth]);
    const { heat, judged, box, boxWeight, objects } = targets;
    // The loss is per light; frames without any count as one, or a batch of empty ones would outweigh all others.
    const share = tf.scalar(Math.max(objects, shown.length));
    const maps = [map(heat, classes), map(judged, classes), map(box, 4), map(boxWeight, 4)];
    return { targets: [...maps, share], objects };
  }

  forward({ x, targets }: Inputs, training: boolean): Forward {
    const [logits, box] = this.maps.apply(x, { training }) as tf.Tensor4D[];
    const [heat, judged, boxes, boxWeight, share] = targets as tf.Tensor4D[];
    const maps = { logits, box } as Maps;
    const truth = { heat, judged, box: boxes, boxWeight } as TargetTensors;
    const sums = training ? lossSums(maps, truth) : frameLosses(maps, truth);
    const { sizeWeight, offsetWeight } = this.parameters;
    const places = tf.add(tf.mul(sums.size, sizeWeight), tf.mul(sums.offset, offsetWeight));
    const losses = tf.div(tf.add(sums.heat, places), share!);
    const parts = [sums.heat, sums.size, sums.offset];
    if (training) return { loss: losses as tf.Scalar, outputs: parts };
    return { loss: tf.sum(losses), outputs: [...parts, tf.sigmoid(logits!), box!, losses] };
  }

  emptyTally(): DetectionTally {
    return emptyTally();
  }

  count(tally: DetectionTally, batch: FrameBatch, loss: number, outputs: readonly Float32Array[]): void {
    const [heat, size, offset, heatMaps, boxMaps, losses] = outputs;
    const sum = (values: Float32Array) => values.reduce((all, one) => all + one, 0);
    tally.lossSum += loss * batch.size;
    tally.n += batch.size;
    tally.heat += sum(heat!);
    tally.size += sum(size!);
    tally.offset += sum(offset!);
    tally.objects += batch.objects;
    if (heatMaps && boxMaps) this.judge(tally, batch, heatMaps, boxMaps);
    // A frame's share of its batch's loss: of a condition that every frame is in, the loss is that of the split.
    if (losses)
      countLosses(
        tally,
        batch.frames,
        losses.map((one) => one * batch.size),
        this.spec.conditions.length,
      );
  }

  private judge(tally: DetectionTally, batch: FrameBatch, heat: Float32Array, box: Float32Array): void {
    const { grid, spec } = this;
    const classes = spec.classes.length;
    const { maxDetections } = this.parameters;
    batch.frames.forEach((frame, i) => {
      const maps = { heat: part(heat, i, batch.size), box: part(box, i, batch.size) };
      const native = batch.natives[i]!;
      const detections = decode(maps, { grid, classes, native, maxDetections });
      countFrame(tally, frame, detections, { classes, conditions: spec.conditions.length, maxDetections });
    });
  }

  metrics(tally: DetectionTally, split: Metric['split']): Metric[] {
    return metricsOf(tally, split, this.spec.conditions);
  }

  dispose(): void {
    this.pictures.close();
    this.model.dispose();
  }
}

function windowOf({ windowWidth, windowHeight, inputWidth, inputHeight }: DetectionParameters): Size | null {
  if (windowWidth === 0 && windowHeight === 0) return null;
  return {
    width: Math.min(windowWidth || inputWidth, inputWidth),
    height: Math.min(windowHeight || inputHeight, inputHeight),
  };
}

/** The i-th of n equal parts. */
export function part(values: Float32Array, i: number, n: number): Float32Array {
  const length = values.length / n;
  return values.subarray(i * length, (i + 1) * length);
}

/** A colour that training never sees cannot be found. Frames without a light are welcome, but not alone. */
function checkFrames(frames: readonly Frame[], classes: readonly string[]): void {
  const boxes = frames.flatMap(({ split, boxes }) => (split === 'TRAIN' ? boxes : []));
  const seen = new Set(boxes.flatMap(({ label, ignore }) => (ignore ? [] : [label])));
  if (!seen.size) throw new TrainingError('SPLIT_EMPTY', 'The TRAIN split has no box to learn from.');
  const missing = classes.filter((_, label) => !seen.has(label));
  if (missing.length)
    throw new TrainingError(
      'SPLIT_CLASS_EMPTY',
      `The TRAIN split has no box of class ${missing.join(', ')}.`,
    );
}
