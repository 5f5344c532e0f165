/** A task's network with its optimiser: takes batches, returns their losses. */
import { TrainingError } from './error.js';
import { createOptimizer, type Optimizer } from './optimizers.js';
import type { TrainingParameters } from './protocol.js';
import type { Batch, Forward, TrainingTask } from './tasks/task.js';
import { tf, type tfl } from './tensorflow.js';

export interface BatchResult {
  /** The mean over the batch. */
  loss: number;
  /** What the task asked to see, in its order. */
  outputs: Float32Array[];
}

/** A guess at random costs ln(classes), about 1, and a confident mistake 10 to 100; at a thousand the run is lost. */
const EXPLODED = 1e3;

export class Learner {
  readonly optimizer: Optimizer;
  private readonly variables: tf.Variable[];

  constructor(
    parameters: TrainingParameters,
    private readonly task: TrainingTask,
  ) {
    this.variables = task.model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    this.optimizer = createOptimizer(parameters, this.variables);
  }

  get model(): tfl.LayersModel {
    return this.task.model;
  }

  /** One optimiser step. */
  async train(batch: Batch, learningRate: number): Promise<BatchResult> {
    let outputs!: tf.Tensor[];
    const { value, grads } = tf.variableGrads(() => {
      const forward = this.task.forward(batch, true);
      outputs = forward.outputs.map((output) => tf.keep(output));
      return forward.loss;
    }, this.variables);
    try {
      const result = await read({ loss: value, outputs });
      this.optimizer.apply(
        this.variables.map((variable) => grads[variable.name]!),
        learningRate,
      );
      return result;
    } finally {
      tf.dispose([value, outputs, grads]);
    }
  }

  /** With the moving averages of batch normalisation; changes nothing. */
  async validate(batch: Batch): Promise<BatchResult> {
    const forward = tf.tidy(() => ({ ...this.task.forward(batch, false) }));
    try {
      return await read(forward);
    } finally {
      tf.dispose([forward.loss, forward.outputs]);
    }
  }

  dispose(): void {
    this.optimizer.dispose();
  }
}

async function read({ loss, outputs }: Forward): Promise<BatchResult> {
  const [[mean], ...values] = await Promise.all([
    loss.data<'float32'>(),
    ...outputs.map((output) => output.data<'float32'>()),
  ]);
  if (!Number.isFinite(mean) || mean! > EXPLODED)
    throw new TrainingError(
      'LOSS_NOT_FINITE',
      `The loss became ${mean}. A smaller learning rate usually helps.`,
    );
  return { loss: mean!, outputs: values };
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
