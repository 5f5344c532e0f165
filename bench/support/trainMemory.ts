/** A process that trains a small network for many epochs, and says what it held after each. */
import { startEngine } from '../../src/training/engines/index.js';
import type { EngineName } from '../../src/training/protocol.js';
import { train } from '../../src/training/trainer.js';
import { discs, trainingSpec } from '../../test/unit/training/support.js';

/** After the epoch of this index. */
export interface Held {
  tensors: number;
  /** Bytes resident. */
  rss: number;
}

const [engine, epochs] = process.argv.slice(2);
await startEngine(engine as EngineName);
const data = await discs();
const held: Held[] = [];
const spec = await trainingSpec(data, { epochs: Number(epochs) });
await train(spec, {
  signal: new AbortController().signal,
  send: async (message) => {
    if (message.type !== 'epoch') return;
    // What the collector would free some time later is no growth.
    globalThis.gc?.();
    held.push({ tensors: message.tensors, rss: process.memoryUsage.rss() });
  },
});
await data.remove();
process.send!(held, () => process.exit(0));
