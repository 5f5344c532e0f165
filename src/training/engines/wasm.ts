/**
 * `wasm`: XNNPACK compiled to WebAssembly, with the gradient kernels of ours. Runs anywhere. One thread: the backend
 * does not start its threaded build under Node, and forced to (its loader replaced), with 2 threads asked for it
 * still reported one and trained no faster (92 images/s against 91).
 */
import { tf } from '../tensorflow.js';
import { EngineUnavailable, type EngineDriver } from './engine.js';
import { importOptional } from './packages.js';
import { registerWasmGradients } from './wasmGradients.js';
import { replaceWasmKernels } from './wasmReplacements.js';

export const wasm: EngineDriver = {
  name: 'wasm',
  remedy: 'install @tensorflow/tfjs-backend-wasm, or choose the engine cpu',
  async start() {
    await importOptional('@tensorflow/tfjs-backend-wasm', ['@tensorflow/tfjs-backend-wasm']);
    const restore = keepListeners();
    const started = await tf.setBackend('wasm');
    restore();
    if (!started) throw new EngineUnavailable('the WebAssembly backend does not start');
    registerWasmGradients();
    replaceWasmKernels();
    const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
    return {
      description: simd ? 'WebAssembly with SIMD' : 'WebAssembly without SIMD',
      release: async () => undefined,
    };
  },
};

/**
 * Emscripten's start-up code adds process-wide handlers that rethrow whatever they are given, so that a failure
 * would bypass the trainer's own handler. Returns a function that removes what has been added since.
 */
function keepListeners(): () => void {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set(process.listeners(event as 'uncaughtException')));
  return () =>
    events.forEach((event, i) => {
      for (const listener of process.listeners(event as 'uncaughtException'))
        if (!before[i]!.has(listener)) process.removeListener(event, listener);
    });
}
