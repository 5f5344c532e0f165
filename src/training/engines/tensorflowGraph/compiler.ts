/**
 * Graphs for `native`: what tfjs-node executes is recorded, written as a SavedModel and run by TensorFlow's own session,
 * which optimises it once, runs what is independent at the same time and frees each tensor after its last use.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tf } from '../../tensorflow.js';
import { GraphRefused, type Graph, type GraphCompiler } from '../graphs.js';
import { firstLine } from '../packages.js';
import type { Binding, TensorFlowBackend } from '../tensorflowBackend.js';
import { Recorder } from './recorder.js';
import { encodeSavedModel, TAG } from './savedModel.js';

export const tensorflowGraphs: GraphCompiler = {
  compile(compute, feeds) {
    const backend = tf.backend() as unknown as TensorFlowBackend;
    const recorder = new Recorder(backend.binding);
    // Handed over before, or the values of a batch would be recorded as constants.
    const ids = backend.getInputTensorIds(feeds);
    const inputs = feeds.map(({ dtype, shape }, i) =>
      recorder.input(ids[i]!, backend.getDTypeInteger(dtype), shape),
    );
    const outputs = recorded(backend, recorder, compute);
    return tried(new SessionGraph(backend, recorder, inputs, outputs), feeds);
  },
};

/** Names of what `compute` returns. */
function recorded(backend: TensorFlowBackend, recorder: Recorder, compute: () => tf.Tensor[]): string[] {
  const { binding } = backend;
  backend.binding = recorder.binding();
  try {
    return tf.tidy(() => backend.getInputTensorIds(compute()).map((id) => recorder.nameOf(id)));
  } finally {
    backend.binding = binding;
  }
}

/** TensorFlow chooses kernels at the first run, and may miss one. What it computes then is thrown away. */
function tried(graph: Graph, feeds: readonly tf.Tensor[]): Graph {
  try {
    tf.dispose(graph.run(feeds));
    return graph;
  } catch (cause) {
    graph.dispose();
    throw new GraphRefused(`TensorFlow does not run the graph (${firstLine(cause)})`, { cause });
  }
}

class SessionGraph implements Graph {
  readonly operations: number;
  private readonly model: number;
  /** Positions among the feeds of those that the graph reads, each once. */
  private readonly fed: number[];
  private readonly fedNames: string;
  /** Names among `inputs` are not fetched: TensorFlow refuses to give back what it was given. */
  private readonly fetched: string[];

  constructor(
    private readonly backend: TensorFlowBackend,
    { nodes, operations }: Recorder,
    private readonly inputs: readonly string[],
    private readonly outputs: readonly string[],
  ) {
    this.operations = operations;
    const read = new Set(nodes.flatMap(({ input }) => input));
    const firsts = [...new Set(inputs)].filter((name) => read.has(name));
    this.fed = firsts.map((name) => inputs.indexOf(name));
    this.fedNames = firsts.map((name) => `${name}:0`).join(',');
    this.fetched = [...new Set(outputs)].filter((name) => !inputs.includes(name));
    this.model = load(backend.binding, encodeSavedModel(nodes));
  }

  run(feeds: readonly tf.Tensor[]): tf.Tensor[] {
    const { backend, fed, fetched, inputs, outputs } = this;
    const ids = backend.getInputTensorIds(fed.map((position) => feeds[position]!));
    const names = fetched.map((name) => (name.includes(':') ? name : `${name}:0`)).join(',');
    const results = backend.binding.runSavedModel(this.model, ids, this.fedNames, names);
    return tf.tidy(() => {
      const tensors = new Map(results.map((info, i) => [fetched[i]!, backend.createOutputTensor(info)]));
      return outputs.map((name) => tf.clone(tensors.get(name) ?? feeds[inputs.indexOf(name)]!));
    });
  }

  dispose(): void {
    this.backend.binding.deleteSavedModel(this.model);
  }
}

function load(binding: Binding, savedModel: Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), 'shingo-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), savedModel);
    return binding.loadSavedModel(folder, TAG);
  } catch (cause) {
    throw new GraphRefused(`TensorFlow does not take the graph (${firstLine(cause)})`, { cause });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
