/** A pool's child that does what it is told: for tests of what the parent does about it. */
import { serveRequests } from '../../src/platform/poolChild.js';

export interface Order {
  does: 'answer' | 'hang' | 'spin' | 'abort' | 'exit' | 'eat';
  value?: number;
}

const eaten: Buffer[] = [];

serveRequests<Order, { value: number | undefined; pid: number }>(300 * 2 ** 20, async ({ does, value }) => {
  if (does === 'hang') await new Promise(() => setInterval(() => undefined, 1000));
  if (does === 'spin') for (;;);
  if (does === 'abort') process.kill(process.pid, 'SIGABRT');
  if (does === 'exit') process.exit(3);
  // A little at a time, as decoders do.
  while (does === 'eat') {
    eaten.push(Buffer.alloc(2 ** 20, 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { value, pid: process.pid };
});
