/** Chooses what computes. `auto` takes the first engine that works, and says why the ones before it do not. */
import { TrainingError } from '../error.js';
import type { EngineName } from '../protocol.js';
import { tf } from '../tensorflow.js';
import { cpu } from './cpu.js';
import { EngineUnavailable, type EngineDriver } from './engine.js';
import { firstLine } from './packages.js';
import { cuda, native } from './tensorflowNode.js';
import { wasm } from './wasm.js';
import { webgpu } from './webgpu.js';

/** Fastest first: the order in which `auto` tries them. */
export const DRIVERS: readonly EngineDriver[] = [cuda, native, webgpu, wasm, cpu];

export interface Engine {
  name: EngineName;
  /** One sentence: what it runs on, and why each earlier choice was passed over. */
  reason: string;
  release(): Promise<void>;
}

export async function startEngine(
  choice: EngineName | 'auto',
  drivers: readonly EngineDriver[] = DRIVERS,
): Promise<Engine> {
  // Otherwise the backends advertise each other on stderr.
  tf.env().set('PROD', true);
  const passedOver: string[] = [];
  for (const driver of drivers) {
    if (choice !== 'auto' && driver.name !== choice) continue;
    try {
      const started = await driver.start(choice !== 'auto');
      await checkArithmetic();
      const why = choice === 'auto' ? passedOver.map((clause) => `; ${clause}`).join('') : '; chosen by name';
      return {
        name: driver.name,
        reason: `${started.description}${why}.`,
        release: () => started.release(),
      };
    } catch (error) {
      if (choice !== 'auto') throw unavailable(driver, error);
      passedOver.push(`${driver.name} passed over: ${firstLine(error)}`);
    }
  }
  throw new TrainingError('ENGINE_UNAVAILABLE', `No engine works: ${passedOver.join('; ')}.`);
}

function unavailable(driver: EngineDriver, cause: unknown): TrainingError {
  const message = `Engine ${driver.name} cannot be used: ${firstLine(cause)}. To use it, ${driver.remedy}.`;
  return new TrainingError('ENGINE_UNAVAILABLE', message, { cause });
}

/** A driver that loads is not yet one that computes (a wrong GPU driver gives zeros): 2·3 + 3·4 must be 18. */
async function checkArithmetic(): Promise<void> {
  const result = tf.tidy(() => tf.matMul(tf.tensor2d([[2, 3]]), tf.tensor2d([[3], [4]])));
  // Not `dataSync`: WebGPU reads through a canvas then, which Node does not have.
  const [product] = await result.data();
  result.dispose();
  if (product !== 18) throw new EngineUnavailable(`it computes 2·3 + 3·4 = ${product}`);
}
