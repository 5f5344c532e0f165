import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseAway, pgError } from './errors.js';
import { messageOf } from '../error.js';
import type { Log } from '../log.js';

/** The server is gone, has no room for the moment, or two transactions met: the same again may well succeed. */
const isPassing = (error: unknown): boolean =>
  isDatabaseAway(error) || /^(53|40)/.test(pgError(error)?.code ?? '');

/** Tries again for a while what fails because the database is away: neither a training nor a reader must die of its restart. */
export async function persist<T>(
  log: Log,
  work: () => Promise<T>,
  /** A function, where it may become less. */
  forMs: number | (() => number),
): Promise<T> {
  const began = performance.now();
  const most = typeof forMs === 'number' ? () => forMs : forMs;
  for (let wait = 200; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || performance.now() - began + wait > most()) throw error;
      log.warn({ reason: messageOf(error) }, 'the database is away; trying again');
      await sleep(wait);
    }
  }
}
