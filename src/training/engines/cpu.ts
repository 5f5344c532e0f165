/** `cpu`: plain JavaScript. The reference for gradients, and the last resort: some 70 times slower than `wasm`. */
import { tf } from '../tensorflow.js';
import { EngineUnavailable, type EngineDriver } from './engine.js';
import { importOptional } from './packages.js';

export const cpu: EngineDriver = {
  name: 'cpu',
  remedy: 'install @tensorflow/tfjs-backend-cpu',
  async start() {
    await importOptional('@tensorflow/tfjs-backend-cpu', ['@tensorflow/tfjs-backend-cpu']);
    if (!(await tf.setBackend('cpu'))) throw new EngineUnavailable('the CPU backend does not start');
    return { description: 'plain JavaScript', release: async () => undefined };
  },
};
