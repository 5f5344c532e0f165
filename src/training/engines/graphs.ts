/**
 * One call for many operations, where an engine can: it records what a function computes once, and runs that as one graph
 * from then on. An engine that can registers its compiler when it starts; the others compute operation by operation.
 */
import { tf } from '../tensorflow.js';

export interface Graph {
  /** @param feeds of the shapes that it was compiled for, in that order @returns what `compute` returned */
  run(feeds: readonly tf.Tensor[]): tf.Tensor[];
  /** Operations recorded, for the log. */
  operations: number;
  dispose(): void;
}

export interface GraphCompiler {
  /**
   * Runs `compute` once, eagerly, and records it. It may depend on the values of nothing but `feeds`.
   * @throws GraphRefused where it cannot be a graph
   */
  compile(compute: () => tf.Tensor[], feeds: readonly tf.Tensor[]): Graph;
}

/** Why something is computed operation by operation: a clause without full stop. */
export class GraphRefused extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'GraphRefused';
  }
}

const compilers = new Map<string, GraphCompiler>();

/** @param backend TensorFlow.js' name of it */
export const registerGraphCompiler = (backend: string, compiler: GraphCompiler) =>
  void compilers.set(backend, compiler);

/** From then on this backend computes operation by operation: to measure what graphs are worth. */
export const forgetGraphCompiler = (backend: string) => void compilers.delete(backend);

/** Of the current engine; null where it has none. */
export const graphCompiler = (): GraphCompiler | null => compilers.get(tf.getBackend()) ?? null;
