/**
 * Adam, AdamW and SGD on one flat vector of all gradients. tf.train's optimisers run a dozen small operations for each
 * of MobileNetV2's 158 variables (21 ms a step on `wasm`, where a whole step is 130), and Adam's checkpoint loses the
 * exact powers of its betas, so that a resumed run would drift from an uninterrupted one.
 */
import { tf } from './tensorflow.js';
import type { TrainingParameters } from './protocol.js';

export interface OptimizerState {
  /** Steps taken. */
  step: number;
  /** One value per trainable weight, in the order of the variables. */
  vectors: Float32Array[];
}

/** From gradient, state and step (counted from 1): the direction to go back on, and the state that follows. */
type Rule = (
  gradient: tf.Tensor,
  state: tf.Tensor[],
  step: number,
) => { direction: tf.Tensor; next: tf.Tensor[] };

export interface OptimizerOptions {
  /** The gradient of all variables together is shortened to this length; null: never. */
  clipNorm?: number | null;
  /** Share of every kernel that goes at each step, times the learning rate (Loshchilov & Hutter 2019, algorithm 2). */
  weightDecay?: number;
}

export class Optimizer {
  private readonly sizes: number[];
  private readonly decaying: boolean[];
  private readonly clipNorm: number | null;
  private readonly weightDecay: number;
  private state: tf.Tensor[];
  private step = 0;

  constructor(
    private readonly variables: readonly tf.Variable[],
    private readonly rule: Rule,
    vectors: number,
    { clipNorm = null, weightDecay = 0 }: OptimizerOptions = {},
  ) {
    this.sizes = variables.map((variable) => variable.size);
    // Kernels only: scales, offsets and biases are vectors, and pulling those to zero helps nobody.
    this.decaying = variables.map(({ rank }) => weightDecay > 0 && rank > 1);
    this.clipNorm = clipNorm;
    this.weightDecay = weightDecay;
    const length = this.sizes.reduce((a, b) => a + b, 0);
    this.state = Array.from({ length: vectors }, () => tf.zeros([length]));
  }

  /** Changes the variables; `gradients` in their order. */
  apply(gradients: readonly tf.Tensor[], learningRate: number): void {
    this.step += 1;
    const next = tf.tidy(() => {
      const flat = this.clipped(tf.concat(gradients.map((gradient) => tf.reshape(gradient, [-1]))));
      const { direction, next } = this.rule(flat, this.state, this.step);
      tf.split(tf.mul(direction, learningRate), this.sizes).forEach((part, i) => {
        const variable = this.variables[i]!;
        const kept = this.decaying[i] ? tf.mul(variable, 1 - learningRate * this.weightDecay) : variable;
        variable.assign(tf.sub(kept, tf.reshape(part, variable.shape)));
      });
      return next;
    });
    tf.dispose(this.state);
    this.state = next;
  }

  /** Pascanu et al. 2013, algorithm 1. Stays on the engine: to look at the length would wait for it. */
  private clipped(gradient: tf.Tensor): tf.Tensor {
    if (this.clipNorm === null) return gradient;
    const length = tf.sqrt(tf.sum(tf.square(gradient)));
    return tf.mul(gradient, tf.div(this.clipNorm, tf.maximum(length, this.clipNorm)));
  }

  async save(): Promise<OptimizerState> {
    const vectors = await Promise.all(this.state.map((vector) => vector.data<'float32'>()));
    return { step: this.step, vectors: vectors.map((vector) => Float32Array.from(vector)) };
  }

  restore({ step, vectors }: OptimizerState): void {
    this.step = step;
    tf.dispose(this.state);
    this.state = vectors.map((vector) => tf.tensor1d(vector));
  }

  dispose(): void {
    tf.dispose(this.state);
  }
}

/** Kingma & Ba 2015, algorithm 1. State: first and second moment. */
export function adam(beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7): Rule {
  return (gradient, [first, second], step) => {
    const m = tf.add(tf.mul(first!, beta1), tf.mul(gradient, 1 - beta1));
    const v = tf.add(tf.mul(second!, beta2), tf.mul(tf.square(gradient), 1 - beta2));
    const root = tf.add(tf.sqrt(tf.div(v, 1 - beta2 ** step)), epsilon);
    return { direction: tf.div(tf.div(m, 1 - beta1 ** step), root), next: [m, v] };
  };
}

/** Sutskever et al. 2013, without Nesterov. State: velocity. */
export function sgd(momentum: number): Rule {
  return (gradient, [velocity]) => {
    const next = tf.add(tf.mul(velocity!, momentum), gradient);
    return { direction: next, next: [next] };
  };
}

export function createOptimizer(
  { optimizer, momentum, weightDecay, clipNorm }: TrainingParameters,
  variables: readonly tf.Variable[],
): Optimizer {
  switch (optimizer) {
    case 'Adam':
      return new Optimizer(variables, adam(), 2, { clipNorm });
    case 'AdamW':
      return new Optimizer(variables, adam(), 2, { clipNorm, weightDecay });
    case 'SGD':
      return new Optimizer(variables, sgd(momentum), 1, { clipNorm });
  }
}
