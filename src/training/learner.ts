/** A task's network with its optimiser: takes batches, returns their losses. */
import { TrainingError } from './error.js';
import { MovingAverage } from './movingAverage.js';
import { createOptimizer, type Optimizer } from './optimizers.js';
import type { TrainingParameters } from './protocol.js';
import { stepOf, type Step } from './step.js';
import type { Batch, Forward, TrainingTask } from './tasks/task.js';
import { tf, type tfl } from './tensorflow.js';
import { readWeights, writeWeights } from './weights.js';

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
  /** Of the weights, where one is asked for: it is then what is evaluated and saved. */
  readonly average: MovingAverage | null;
  private readonly step: Step;

  /** @param say one sentence for the job's log */
  constructor(
    parameters: TrainingParameters,
    private readonly task: TrainingTask,
    say: (message: string) => void = () => undefined,
  ) {
    const variables = task.model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    this.optimizer = createOptimizer(parameters, variables);
    const { emaDecay } = parameters;
    this.average = emaDecay === null ? null : new MovingAverage(task.model, emaDecay);
    const { optimizer, average } = this;
    this.step = stepOf({ task, variables, optimizer, average }, say);
  }

  get model(): tfl.LayersModel {
    return this.task.model;
  }

  /** One optimiser step. */
  async train({ x, targets }: Batch, learningRate: number): Promise<BatchResult> {
    const counted = [...this.optimizer.begin(learningRate), ...(this.average?.begin() ?? [])];
    const numbers = counted.map((number) => tf.scalar(number));
    const taken = this.step.take({ x, targets }, numbers);
    try {
      const result = await read(taken);
      taken.finish();
      return result;
    } finally {
      taken.dispose();
      tf.dispose(numbers);
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

  /** The weights to judge the network by. */
  async judged(): Promise<Float32Array> {
    return this.average ? this.average.read() : readWeights(this.model);
  }

  /** Runs `work` with the weights to judge by, then puts back those that training goes on from. */
  async judging<T>(work: () => Promise<T>): Promise<T> {
    if (!this.average) return work();
    const learning = await readWeights(this.model);
    writeWeights(this.model, await this.average.read());
    try {
      return await work();
    } finally {
      writeWeights(this.model, learning);
    }
  }

  dispose(): void {
    this.step.dispose();
    this.optimizer.dispose();
    this.average?.dispose();
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
