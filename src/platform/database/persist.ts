import { setTimeout as sleep } from 'node:timers/promises';
import { QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { pgError } from './errors.js';
import { messageOf } from '../error.js';
import type { Log } from '../log.js';

/** The server is going or gone, has no connection left, or two transactions met: the same again may well succeed. */
const PASSING = /^(08|57P|53|40)/;
const NETWORK = /ECONN|EPIPE|ETIMEDOUT|timeout|terminated|Connection ended|not queryable/i;

const isPassing = (error: unknown): boolean => {
  // The connection broke between two statements of a transaction, and TypeORM has given it back.
  if (
    error instanceof QueryRunnerProviderAlreadyReleasedError ||
    error instanceof QueryRunnerAlreadyReleasedError
  )
    return true;
  const pg = pgError(error);
  return pg?.code ? PASSING.test(pg.code) : NETWORK.test(messageOf(error));
};

/** Tries again for a while what fails because the database is away: neither a training nor a reader must die of its restart. */
export async function persist<T>(log: Log, work: () => Promise<T>, forMs: number): Promise<T> {
  const until = Date.now() + forMs;
  for (let wait = 200; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || Date.now() + wait > until) throw error;
      log.warn({ reason: messageOf(error) }, 'the database is away; trying again');
      await sleep(wait);
    }
  }
}
