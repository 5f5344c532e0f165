/** One step of a training: operation by operation, or as one graph where the engine makes graphs. */
import { graphCompiler, GraphRefused, type Graph } from './engines/graphs.js';
import type { MovingAverage } from './movingAverage.js';
import type { Optimizer } from './optimizers.js';
import type { Forward, Inputs, TrainingTask } from './tasks/task.js';
import { tf } from './tensorflow.js';

/** A step whose loss is known and whose weights are not changed yet. */
export interface Taken extends Forward {
  finish(): void;
  dispose(): void;
}

export interface Step {
  /** @param numbers scalars: those of the optimiser, then those of the moving average */
  take(inputs: Inputs, numbers: readonly tf.Scalar[]): Taken;
  dispose(): void;
}

interface Parts {
  task: TrainingTask;
  /** What is learnt. */
  variables: tf.Variable[];
  optimizer: Optimizer;
  average: MovingAverage | null;
}

/** @param say one sentence for the job's log */
export function stepOf(parts: Parts, say: (message: string) => void): Step {
  const eager = new EagerStep(parts);
  const compiler = graphCompiler();
  return compiler ? new GraphStep(eager, compiler, say) : eager;
}

class EagerStep implements Step {
  constructor(private readonly parts: Parts) {}

  take({ x, targets }: Inputs, numbers: readonly tf.Scalar[]): Taken {
    const { task, variables } = this.parts;
    let outputs!: tf.Tensor[];
    const { value, grads } = tf.variableGrads(() => {
      const forward = task.forward({ x, targets }, true);
      outputs = forward.outputs.map((output) => tf.keep(output));
      return forward.loss;
    }, variables);
    return {
      loss: value,
      outputs,
      finish: () => this.update(grads, numbers),
      dispose: () => tf.dispose([value, outputs, grads]),
    };
  }

  private update(gradients: tf.NamedTensorMap, numbers: readonly tf.Scalar[]): void {
    const { variables, optimizer, average } = this.parts;
    const own = optimizer.numbers;
    optimizer.update(
      variables.map(({ name }) => gradients[name]!),
      numbers.slice(0, own),
    );
    average?.update(numbers.slice(own));
  }

  /** All that a step changes. */
  state(): tf.Variable[] {
    const { task, optimizer, average } = this.parts;
    const weights = task.model.weights.map((weight) => weight.read() as tf.Variable);
    return [...weights, ...optimizer.state, ...(average ? [average.average] : [])];
  }

  dispose(): void {
    // Its parts belong to the learner.
  }
}

/** An epoch has batches of two sizes at most. */
const GRAPHS = 4;

/**
 * A graph for every set of shapes. It takes its very first step as well, and what was computed to record it is thrown
 * away: eager steps round differently, and a training that is resumed would begin with other ones.
 */
class GraphStep implements Step {
  /** By shapes, the one used last at the end; null: these are computed operation by operation. */
  private readonly graphs = new Map<string, Graph | null>();

  constructor(
    private readonly eager: EagerStep,
    private readonly compiler: NonNullable<ReturnType<typeof graphCompiler>>,
    private readonly say: (message: string) => void,
  ) {}

  take(inputs: Inputs, numbers: readonly tf.Scalar[]): Taken {
    const state = this.eager.state();
    const feeds = [inputs.x, ...inputs.targets, ...numbers, ...state];
    const graph = this.graphFor(inputs, numbers, feeds);
    if (!graph) return this.eager.take(inputs, numbers);
    const [loss, ...rest] = graph.run(feeds) as [tf.Scalar, ...tf.Tensor[]];
    const outputs = rest.slice(0, rest.length - state.length);
    const next = rest.slice(outputs.length);
    return {
      loss,
      outputs,
      finish: () => assign(state, next),
      dispose: () => tf.dispose([loss, rest]),
    };
  }

  private graphFor(inputs: Inputs, numbers: readonly tf.Scalar[], feeds: tf.Tensor[]): Graph | null {
    const key = [inputs.x, ...inputs.targets].map(({ shape }) => shape.join('×')).join(', ');
    const known = this.graphs.get(key);
    const graph = known === undefined ? this.compiled(inputs, numbers, feeds) : known;
    this.graphs.delete(key);
    this.graphs.set(key, graph);
    if (this.graphs.size > GRAPHS) {
      const [oldest, least] = this.graphs.entries().next().value!;
      least?.dispose();
      this.graphs.delete(oldest);
    }
    return graph;
  }

  private compiled(inputs: Inputs, numbers: readonly tf.Scalar[], feeds: tf.Tensor[]): Graph | null {
    const of = `batches of ${inputs.x.shape.join('×')}`;
    const start = performance.now();
    try {
      const graph = this.compiler.compile(() => this.record(inputs, numbers), feeds);
      const took = ((performance.now() - start) / 1000).toFixed(1);
      this.say(`A step for ${of} runs as one graph of ${graph.operations} operations, made in ${took} s.`);
      return graph;
    } catch (error) {
      if (!(error instanceof GraphRefused)) throw error;
      this.say(`A step for ${of} runs operation by operation: ${error.message}.`);
      return null;
    }
  }

  /** An eager step that leaves everything as it was. */
  private record(inputs: Inputs, numbers: readonly tf.Scalar[]): tf.Tensor[] {
    const state = this.eager.state();
    const before = state.map((variable) => tf.clone<tf.Tensor>(variable));
    try {
      const taken = this.eager.take(inputs, numbers);
      try {
        taken.finish();
        return [taken.loss, ...taken.outputs, ...state].map((tensor) => tf.clone<tf.Tensor>(tensor));
      } finally {
        taken.dispose();
      }
    } finally {
      assign(state, before);
      tf.dispose(before);
    }
  }

  dispose(): void {
    for (const graph of this.graphs.values()) graph?.dispose();
    this.graphs.clear();
  }
}

function assign(variables: readonly tf.Variable[], values: readonly tf.Tensor[]): void {
  variables.forEach((variable, i) => {
    const value = values[i]!;
    if (value.dataId !== variable.dataId) variable.assign(value);
  });
}
