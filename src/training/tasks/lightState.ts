/** LIGHT_STATE: the colour of the light in a crop. */
import { TrainingError } from '../error.js';
import { crossEntropy, objective } from '../classificationLoss.js';
import { mirroredLabels, type Draw } from '../input/augment/index.js';
import { augmentedBatch, inputBatch } from '../input/lightBatch.js';
import { LazyPictures, loadPictures, type LoadOptions, type Pictures } from '../input/pictures.js';
import { defaultPreprocessing, preprocessingSchema, type Preprocessing } from '../input/preprocessing.js';
import { readSamples } from '../input/samples.js';
import { itemWeights } from '../input/weighting.js';
import { argmaxRows } from '../learner.js';
import { count, emptyTally, lossMetric, metricsOf, type Tally } from '../metrics.js';
import type { LoadedModel } from '../modelFiles.js';
import { buildClassifier } from '../networks/build.js';
import type { Metric, Sample, TrainingSpec } from '../protocol.js';
import { tf, tfl } from '../tensorflow.js';
import type { Batch, Forward, Inputs, Predictor, Task, TrainingTask } from './task.js';

export const lightState: Task<Sample, Preprocessing> = {
  preprocessing: preprocessingSchema,
  readItems: (source) => readSamples(source.samplesFile, source),
  training: (spec, samples) => new LightStateTraining(spec, samples),
  predictor: (spec, samples, loaded) => new LightStatePredictor(samples, loaded),
};

interface LightBatch extends Batch {
  samples: Sample[];
  /** Its loss is another than cross-entropy, which is then counted beside it. */
  shaped: boolean;
}

/** The TRAIN split's also hold the objective, where that is not the cross-entropy. */
interface LightTally extends Tally {
  objectiveSum?: number;
}

class LightStateTraining implements TrainingTask<LightBatch, LightTally> {
  readonly model: tfl.LayersModel;
  readonly about: { classes: readonly string[]; preprocessing: Preprocessing };
  /** The same weights without the softmax: cross-entropy of logits neither overflows nor hides behind a clip. */
  private readonly logits: tfl.LayersModel;
  private readonly pictures: LazyPictures;
  /** For each class the one that its mirror image is of. */
  private readonly mirrored: (number | null)[];
  /** Of each sample of TRAIN, by its index; null: all count the same. */
  private readonly weights: Map<number, number> | null;

  constructor(
    private readonly spec: TrainingSpec,
    private readonly samples: readonly Sample[],
  ) {
    const { parameters, classes } = spec;
    checkSamples(samples, classes);
    this.mirrored = mirroredLabels(classes);
    this.weights = weightsOf(samples, spec);
    this.about = { classes, preprocessing: defaultPreprocessing(parameters.inputSize) };
    this.pictures = new LazyPictures(samples, this.about.preprocessing, spec.decodedCache);
    this.model = buildClassifier(parameters, classes.length);
    const outputs = this.model.getLayer('logits').output as tfl.SymbolicTensor;
    this.logits = tfl.model({ inputs: this.model.inputs, outputs });
  }

  /** Begun, not awaited: training starts with the first batch that is there. What fails is said by `batch`. */
  async load({ signal }: LoadOptions): Promise<void> {
    this.pictures.all({ signal }).catch(() => undefined);
  }

  prefetch(indices: Uint32Array): void {
    this.pictures.prefetch(indices);
  }

  async batch(indices: Uint32Array, draws: ((index: number) => Draw) | null): Promise<LightBatch> {
    const { pictures, mirrored } = this;
    const { preprocessing } = this.about;
    await pictures.ready(indices);
    const chosen = Array.from(indices, (index) => this.samples[index]!);
    if (!draws) return this.labelled(chosen, inputBatch(pictures, indices, preprocessing), null);
    const { x, flipped } = augmentedBatch(pictures, indices, preprocessing, {
      augmentation: this.spec.parameters.augmentation,
      draws,
      mayFlip: (index) => mirrored[this.samples[index]!.label] !== null,
    });
    const seen = chosen.map((sample, i) =>
      flipped[i] ? { ...sample, label: mirrored[sample.label]! } : sample,
    );
    const weights = this.weights && Array.from(indices, (index) => this.weights!.get(index)!);
    return { ...this.labelled(seen, x, weights), shaped: !this.isPlain };
  }

  private labelled(samples: Sample[], x: tf.Tensor4D, weights: number[] | null): LightBatch {
    const labels = tf.tensor1d(
      samples.map(({ label }) => label),
      'int32',
    );
    const targets = weights ? [labels, tf.tensor1d(weights)] : [labels];
    return { size: samples.length, samples, x, targets, shaped: false };
  }

  /** In training the objective; in validation always the plain cross-entropy in nats, so that trainings compare. */
  forward({ x, targets }: Inputs, training: boolean): Forward {
    const logits = this.logits.apply(x, { training }) as tf.Tensor2D;
    const [labels, weights = tf.ones([x.shape[0]])] = targets as [tf.Tensor1D, tf.Tensor1D?];
    if (!training || this.isPlain) return { loss: crossEntropy(logits, labels), outputs: [logits] };
    return { loss: objective(logits, labels, weights, this.spec.parameters), outputs: [logits] };
  }

  private get isPlain(): boolean {
    const { focalGamma, labelSmoothing } = this.spec.parameters;
    return focalGamma === 0 && labelSmoothing === 0 && this.weights === null;
  }

  emptyTally(): LightTally {
    return emptyTally(this.spec.conditions.length);
  }

  count(tally: LightTally, batch: LightBatch, loss: number, [logits]: readonly Float32Array[]): void {
    const { samples, shaped } = batch;
    const classes = this.spec.classes.length;
    if (shaped) tally.objectiveSum = (tally.objectiveSum ?? 0) + loss * samples.length;
    const losses = crossEntropies(logits!, samples, classes);
    const lossSum = shaped ? losses.reduce((sum, one) => sum + one, 0) : loss * samples.length;
    count(tally, samples, { lossSum, losses, predicted: argmaxRows(logits!, classes) });
  }

  metrics(tally: LightTally, split: Metric['split']): Metric[] {
    const metrics = metricsOf(tally, split, split === 'VALIDATION' ? this.spec.conditions : []);
    const { objectiveSum, n } = tally;
    if (objectiveSum === undefined || n === 0) return metrics;
    return [...metrics, lossMetric('objective', split, objectiveSum / n, n)];
  }

  dispose(): void {
    this.pictures.close();
    this.model.dispose();
  }
}

/** Of each sample, in nats. */
function crossEntropies(logits: Float32Array, samples: readonly Sample[], classes: number): number[] {
  return samples.map(({ label }, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const most = Math.max(...row);
    const total = row.reduce((all, logit) => all + Math.exp(logit - most), 0);
    return Math.log(total) + most - row[label]!;
  });
}

function weightsOf(samples: readonly Sample[], spec: TrainingSpec): Map<number, number> | null {
  const train = [...samples.entries()].filter(([, { split }]) => split === 'TRAIN');
  const items = train.map(([, sample]) => sample);
  const weights = itemWeights(items, spec.classes, spec.conditions, spec.parameters);
  return weights && new Map(train.map(([index], i) => [index, weights[i]!]));
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
