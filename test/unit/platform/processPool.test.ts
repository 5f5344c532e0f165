/** Whatever a child does, its parent hears of it, and the next request is answered. */
import { fileURLToPath } from 'node:url';
import { PoolError, ProcessPool, type PoolOptions } from '../../../src/platform/processPool.js';
import type { Order } from '../../support/poolFixture.js';

const module = fileURLToPath(new URL('../../support/poolFixture.js', import.meta.url));
let pool: ProcessPool<Order, { value: number; pid: number }>;
const open = (options: Partial<PoolOptions> = {}) =>
  (pool = new ProcessPool({
    module,
    size: 2,
    idleMs: 10_000,
    maxWaiting: 100,
    timeoutMs: 10_000,
    ...options,
  }));
afterEach(() => pool.stop());

const failureOf = (order: Order) =>
  pool.run(order).then(
    () => null,
    (error: unknown) => (error as PoolError).failure,
  );
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('every request gets its own answer, from no more processes than allowed', async () => {
  open();
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, value) => pool.run({ does: 'answer', value })),
  );
  expect(replies.map(({ value }) => value)).toEqual(Array.from({ length: 50 }, (_, value) => value));
  expect(new Set(replies.map(({ pid }) => pid)).size).toBeLessThanOrEqual(2);
});

test.each<[Order['does'], object]>([
  ['abort', { reason: 'CRASH', exit: 'SIGABRT' }],
  ['exit', { reason: 'CRASH', exit: 'exit code 3' }],
  ['eat', { reason: 'MEMORY' }],
])('a child that does %s fails its own request only', async (does, failure) => {
  open({ size: 1 });
  const [failed, after] = await Promise.all([failureOf({ does }), pool.run({ does: 'answer', value: 1 })]);
  expect([failed, after.value]).toEqual([failure, 1]);
});

test.each<Order['does']>(['hang', 'spin'])('a child that does %s for too long is ended', async (does) => {
  open({ size: 1, timeoutMs: 1500 });
  const { pid } = await pool.run({ does: 'answer' });
  expect(await failureOf({ does })).toEqual({ reason: 'TIMEOUT' });
  expect((await pool.run({ does: 'answer', value: 2 })).value).toBe(2);
  while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
});

test('more requests than may wait are refused', async () => {
  open({ size: 1, maxWaiting: 3 });
  const orders = Array.from({ length: 6 }, (_, value): Order => ({ does: 'answer', value }));
  const settled = await Promise.all(orders.map(failureOf));
  // One is being worked on, three wait.
  expect(settled).toEqual([null, null, null, null, { reason: 'BUSY' }, { reason: 'BUSY' }]);
});

test('a process with nothing to do ends, and is started again', async () => {
  open({ idleMs: 1 });
  const { pid } = await pool.run({ does: 'answer' });
  while (pool.pids.length > 0) await new Promise((resolve) => setImmediate(resolve));
  expect((await pool.run({ does: 'answer' })).pid).not.toBe(pid);
});
