/** LIGHT_STATE: the colour of the light in a crop. */
import { TrainingError } from '../error.js';
import { inputBatch, randomShifts } from '../input/batches.js';
import { loadPictures, type LoadOptions, type Pictures } from '../input/pictures.js';
import { defaultPreprocessing, preprocessingSchema, type Preprocessing } from '../input/preprocessing.js';
import { readSamples } from '../input/samples.js';
import { argmaxRows } from '../learner.js';
import { count, emptyTally, metricsOf, type Tally } from '../metrics.js';
import type { LoadedModel } from '../modelFiles.js';
import { buildClassifier } from '../networks/build.js';
import type { Metric, Sample, TrainingSpec } from '../protocol.js';
import { tf, tfl } from '../tensorflow.js';
import type { Batch, Forward, Predictor, Task, TrainingTask } from './task.js';

export const lightState: Task<Sample, Preprocessing> = {
  preprocessing: preprocessingSchema,
  readItems: (source) => readSamples(source.samplesFile, source),
  training: (spec, samples) => new LightStateTraining(spec, samples),
  predictor: (spec, samples, loaded) => new LightStatePredictor(samples, loaded),
};

interface LightBatch extends Batch {
  samples: Sample[];
}

class LightStateTraining implements TrainingTask<LightBatch, Tally> {
  readonly model: tfl.LayersModel;
  readonly about: { classes: readonly string[]; preprocessing: Preprocessing };
  /** The same weights without the softmax: cross-entropy of logits neither overflows nor hides behind a clip. */
  private readonly logits: tfl.LayersModel;
  private pictures!: Pictures;

  constructor(
    private readonly spec: TrainingSpec,
    private readonly samples: readonly Sample[],
  ) {
    const { parameters, classes } = spec;
    checkSamples(samples, classes);
    this.about = { classes, preprocessing: defaultPreprocessing(parameters.inputSize) };
    this.model = buildClassifier(parameters, classes.length);
    const outputs = this.model.getLayer('logits').output as tfl.SymbolicTensor;
    this.logits = tfl.model({ inputs: this.model.inputs, outputs });
  }

  async load(options: LoadOptions): Promise<void> {
    this.pictures = await loadPictures(this.samples, this.about.preprocessing, options);
  }

  async batch(indices: Uint32Array, random: (() => number) | null): Promise<LightBatch> {
    const { inputSize } = this.spec.parameters;
    const shifts = random ? randomShifts(indices.length, inputSize, random) : [];
    const samples = Array.from(indices, (index) => this.samples[index]!);
    const labels = samples.map(({ label }) => label);
    return {
      size: samples.length,
      samples,
      x: inputBatch(this.pictures, indices, this.about.preprocessing, shifts),
      targets: [tf.tensor1d(labels, 'int32')],
    };
  }

  /** Cross-entropy in nats. */
  forward({ x, targets }: LightBatch, training: boolean): Forward {
    const logits = this.logits.apply(x, { training }) as tf.Tensor2D;
    const oneHot = tf.oneHot(targets[0] as tf.Tensor1D, this.spec.classes.length);
    return { loss: tf.losses.softmaxCrossEntropy(oneHot, logits), outputs: [logits] };
  }

  emptyTally(): Tally {
    return emptyTally(this.spec.conditions.length);
  }

  count(tally: Tally, { samples }: LightBatch, loss: number, [logits]: readonly Float32Array[]): void {
    count(tally, samples, loss * samples.length, argmaxRows(logits!, this.spec.classes.length));
  }

  metrics(tally: Tally, split: Metric['split']): Metric[] {
    return metricsOf(tally, split, split === 'VALIDATION' ? this.spec.conditions : []);
  }

  dispose(): void {
    this.model.dispose();
  }
}

/** A class that training never sees cannot be learnt. An empty validation split is allowed. */
function checkSamples(samples: readonly Sample[], classes: readonly string[]): void {
  const train = samples.filter(({ split }) => split === 'TRAIN');
  if (!train.length) throw new TrainingError('SPLIT_EMPTY', 'The TRAIN split has no sample.');
  const seen = new Set(train.map(({ label }) => label));
  const missing = classes.filter((_, label) => !seen.has(label));
  if (missing.length)
    throw new TrainingError(
      'SPLIT_CLASS_EMPTY',
      `The TRAIN split has no sample of class ${missing.join(', ')}.`,
    );
}

class LightStatePredictor implements Predictor {
  private pictures!: Pictures;

  constructor(
    private readonly samples: readonly Sample[],
    private readonly loaded: LoadedModel<Preprocessing>,
  ) {}

  async load(options: LoadOptions): Promise<void> {
    this.pictures = await loadPictures(this.samples, this.loaded.preprocessing, options);
  }

  /** {id, label, predicted, scores} */
  async predict(indices: Uint32Array): Promise<object[]> {
    const { model, preprocessing, classes } = this.loaded;
    const output = tf.tidy(
      () => model.apply(inputBatch(this.pictures, indices, preprocessing)) as tf.Tensor2D,
    );
    const scores = await output.data();
    output.dispose();
    const predicted = argmaxRows(scores, classes.length);
    return Array.from(indices, (index, i) => {
      const { id, label } = this.samples[index]!;
      const row = scores.subarray(i * classes.length, (i + 1) * classes.length);
      // Float32 holds no more than seven digits.
      return { id, label, predicted: predicted[i], scores: Array.from(row, (s) => +s.toFixed(7)) };
    });
  }
}
