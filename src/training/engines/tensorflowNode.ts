/** `cuda` and `native`: TensorFlow's C library through the tfjs-node addon, with and without an NVIDIA GPU. */
import { createRequire } from 'node:module';
import type * as util from 'node:util';
import { tf } from '../tensorflow.js';
import { EngineUnavailable, type EngineDriver, type StartedEngine } from './engine.js';
import { registerGraphCompiler } from './graphs.js';
import { importOptional } from './packages.js';
import type { TensorFlowBackend } from './tensorflowBackend.js';
import { tensorflowGraphs } from './tensorflowGraph/compiler.js';
import { registerTensorFlowKernels } from './tensorflowKernels.js';

export const cuda: EngineDriver = {
  name: 'cuda',
  remedy: 'run `npm run setup:cuda` on a machine with an NVIDIA driver, or choose the engine auto',
  async start() {
    const started = await startTensorFlow('@tensorflow/tfjs-node-gpu');
    // Without a usable GPU the addon loads all the same and computes on the CPU.
    if (!backend().isUsingGpuDevice) throw new EngineUnavailable('TensorFlow sees no CUDA device');
    return { ...started, description: 'TensorFlow on a CUDA device' };
  },
};

export const native: EngineDriver = {
  name: 'native',
  remedy: 'run `npm run setup:native`, or choose the engine auto',
  async start() {
    const started = await startTensorFlow('@tensorflow/tfjs-node');
    // What a session gives back comes through the host's memory: on a GPU that was never measured.
    if (!backend().isUsingGpuDevice) registerGraphCompiler('tensorflow', tensorflowGraphs);
    return { ...started, description: 'TensorFlow on the CPU' };
  },
};

const backend = () => tf.backend() as unknown as TensorFlowBackend;

async function startTensorFlow(packageName: string): Promise<StartedEngine> {
  restoreUtil();
  // One library a process: where `cuda` found no device, its own computes on the CPU for `native`.
  if (!tf.findBackendFactory('tensorflow')) await importOptional(packageName, ['@tensorflow/tfjs']);
  if (!(await tf.setBackend('tensorflow'))) throw new EngineUnavailable(`${packageName} does not start`);
  registerTensorFlowKernels();
  return { description: packageName, release: async () => undefined };
}

/**
 * tfjs-node 4.22 calls `util.isNullOrUndefined` and its like, which Node 23 removed. They go onto the module object
 * that `require('util')` gives, before the addon is loaded.
 */
export function restoreUtil(): void {
  const module = createRequire(import.meta.url)('node:util') as typeof util & Record<string, unknown>;
  const removed: Record<string, (value: unknown) => boolean> = {
    isNullOrUndefined: (value) => value === null || value === undefined,
    isArray: (value) => Array.isArray(value),
    isString: (value) => typeof value === 'string',
    isNumber: (value) => typeof value === 'number',
    isBoolean: (value) => typeof value === 'boolean',
    isObject: (value) => typeof value === 'object' && value !== null,
    isFunction: (value) => typeof value === 'function',
    isUndefined: (value) => value === undefined,
  };
  for (const [name, test] of Object.entries(removed)) (module as Record<string, unknown>)[name] ??= test;
}
