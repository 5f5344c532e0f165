/** A network with its optimiser: takes batches, returns sums. */
import { TrainingError } from './error.js';
import { buildClassifier } from './networks/build.js';
import { createOptimizer, type Optimizer } from './optimizers.js';
import type { TrainingParameters } from './protocol.js';
import { tf, tfl } from './tensorflow.js';

export interface BatchResult {
  /** Cross-entropy in nats, summed over the batch. */
  lossSum: number;
  /** The most probable class of each sample. */
  predicted: number[];
}

/** A guess at random costs ln(classes), about 1, and a confident mistake 10 to 100; at a thousand the run is lost. */
const EXPLODED = 1e3;

export class Learner {
  readonly model: tfl.LayersModel;
  readonly optimizer: Optimizer;
  /** The same weights without the softmax: cross-entropy of logits neither overflows nor hides behind a clip. */
  private readonly logits: tfl.LayersModel;
  private readonly variables: tf.Variable[];

  constructor(
    parameters: TrainingParameters,
    private readonly classes: number,
  ) {
    this.model = buildClassifier(parameters, classes);
    this.logits = tfl.model({ inputs: this.model.inputs, outputs: this.logitsOutput() });
    this.variables = this.model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    this.optimizer = createOptimizer(parameters, this.variables);
  }

  /** One optimiser step. x [batch, size, size, 3]. */
  async train(x: tf.Tensor4D, labels: readonly number[], learningRate: number): Promise<BatchResult> {
    let logits!: tf.Tensor2D;
    const { value, grads } = tf.variableGrads(() => {
      logits = tf.keep(this.logits.apply(x, { training: true }) as tf.Tensor2D);
      return this.loss(logits, labels);
    }, this.variables);
    try {
      const result = await this.read(value, logits, labels.length);
      this.optimizer.apply(
        this.variables.map((variable) => grads[variable.name]!),
        learningRate,
      );
      return result;
    } finally {
      tf.dispose([value, logits, grads]);
    }
  }

  /** Loss and predictions with the moving averages of batch normalisation; changes nothing. */
  async validate(x: tf.Tensor4D, labels: readonly number[]): Promise<BatchResult> {
    const [loss, logits] = tf.tidy(() => {
      const logits = this.logits.apply(x) as tf.Tensor2D;
      return [this.loss(logits, labels), logits];
    });
    try {
      return await this.read(loss, logits, labels.length);
    } finally {
      tf.dispose([loss, logits]);
    }
  }

  dispose(): void {
    this.optimizer.dispose();
    this.model.dispose();
  }

  private loss(logits: tf.Tensor2D, labels: readonly number[]): tf.Scalar {
    const oneHot = tf.oneHot(tf.tensor1d([...labels], 'int32'), this.classes);
    return tf.losses.softmaxCrossEntropy(oneHot, logits);
  }

  private async read(loss: tf.Tensor, logits: tf.Tensor2D, n: number): Promise<BatchResult> {
    const [[mean], values] = await Promise.all([loss.data(), logits.data()]);
    if (!Number.isFinite(mean) || mean! > EXPLODED)
      throw new TrainingError(
        'LOSS_NOT_FINITE',
        `The loss became ${mean}. A smaller learning rate usually helps.`,
      );
    return { lossSum: mean! * n, predicted: argmaxRows(values, this.classes) };
  }

  private logitsOutput(): tfl.SymbolicTensor {
    return this.model.getLayer('logits').output as tfl.SymbolicTensor;
  }
}

/** Of equal values the first wins. */
export function argmaxRows(values: ArrayLike<number>, columns: number): number[] {
  return Array.from({ length: values.length / columns }, (_, row) => {
    let best = 0;
    for (let c = 1; c < columns; c++)
      if (values[row * columns + c]! > values[row * columns + best]!) best = c;
    return best;
  });
}
