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

interface Rule {
  /** What depends on the step alone (counted from 1). */
  numbers(step: number): number[];
  /** From gradient, state and `numbers`: the direction to go back on, and the state that follows. */
  move(
    gradient: tf.Tensor,
    state: readonly tf.Tensor[],
    numbers: readonly tf.Scalar[],
  ): { direction: tf.Tensor; next: tf.Tensor[] };
}

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
  /** Changed by each step, as the variables are. */
  readonly state: readonly tf.Variable[];
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
    this.state = Array.from({ length: vectors }, () => tf.tidy(() => tf.variable(tf.zeros([length]), false)));
  }

  /** Counts a step and changes the variables; `gradients` in their order. */
  apply(gradients: readonly tf.Tensor[], learningRate: number): void {
    tf.tidy(() => {
      const numbers = this.begin(learningRate).map((number) => tf.scalar(number));
      this.update(gradients, numbers);
    });
  }

  /** How many `begin` says. */
  get numbers(): number {
    return 2 + this.rule.numbers(1).length;
  }

  /** Counts a step, and says what `update` needs of it besides gradients: tensors then, so that one graph serves all steps. */
  begin(learningRate: number): number[] {
    this.step += 1;
    return [learningRate, 1 - learningRate * this.weightDecay, ...this.rule.numbers(this.step)];
  }

  /** Changes the variables and the state. @param numbers what `begin` said */
  update(gradients: readonly tf.Tensor[], numbers: readonly tf.Scalar[]): void {
    const [rate, shrunk, ...ofRule] = numbers as [tf.Scalar, tf.Scalar, ...tf.Scalar[]];
    tf.tidy(() => {
      const flat = this.clipped(tf.concat(gradients.map((gradient) => tf.reshape(gradient, [-1]))));
      const { direction, next } = this.rule.move(flat, this.state, ofRule);
      tf.split(tf.mul(direction, rate), this.sizes).forEach((part, i) => {
        const variable = this.variables[i]!;
        const kept = this.decaying[i] ? tf.mul(variable, shrunk) : variable;
        variable.assign(tf.sub(kept, tf.reshape(part, variable.shape)));
      });
      next.forEach((vector, i) => this.state[i]!.assign(vector));
    });
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
    tf.tidy(() => vectors.forEach((vector, i) => this.state[i]!.assign(tf.tensor1d(vector))));
  }

  dispose(): void {
    tf.dispose([...this.state]);
  }
}

/** Kingma & Ba 2015, algorithm 1. State: first and second moment. */
export function adam(beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7): Rule {
  return {
    numbers: (step) => [1 - beta1 ** step, 1 - beta2 ** step],
    move(gradient, [first, second], [left, rest]) {
      const m = tf.add(tf.mul(first!, beta1), tf.mul(gradient, 1 - beta1));
      const v = tf.add(tf.mul(second!, beta2), tf.mul(tf.square(gradient), 1 - beta2));
      const root = tf.add(tf.sqrt(tf.div(v, rest!)), epsilon);
      return { direction: tf.div(tf.div(m, left!), root), next: [m, v] };
    },
  };
}

/** Sutskever et al. 2013, without Nesterov. State: velocity. */
export function sgd(momentum: number): Rule {
  return {
    numbers: () => [],
    move(gradient, [velocity]) {
      const next = tf.add(tf.mul(velocity!, momentum), gradient);
      return { direction: next, next: [next] };
    },
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
