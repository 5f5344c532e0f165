import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log.js';

/** Does `work` now and again `ms` after it has ended, until stopped; a failure is logged and the next turn comes. */
export function every(ms: number, what: string, log: Log, work: () => Promise<unknown>): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = (async () => {
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        log.warn({ err: error }, `${what} failed`);
      }
      await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
    }
  })();
  return async () => {
    stopping.abort();
    await loop;
  };
}
