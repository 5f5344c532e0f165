import type { Services } from '../../graphql/context.js';
import { endable } from '../../platform/hub.js';
import { ShingoError } from '../../platform/error.js';
import { persist } from '../../jobs/retry.js';
import { EXPERIMENT_TOPIC, isFinal } from '../../jobs/vocabulary.js';
import type { ExperimentEvent } from './event.js';
import { logHead, readEvents } from './log.js';

/** A page is what one slow reader makes the server hold. */
const PAGE = 500;
/** A database that is away for longer ends the reading with an error; the reader comes back with its cursor. */
const AWAY_MS = 60_000;

/**
 * Every event after `afterSeq`, in order, none twice; then those to come; ends after DONE, or when the reader has
 * gone. The reader pulls: a slow one costs a page of memory and nothing else.
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT
 */
export async function followExperiment(
  services: Pick<Services, 'db' | 'hub' | 'log'>,
  experimentUuid: string,
  afterSeq: number,
  gone: AbortSignal,
): Promise<AsyncIterableIterator<ExperimentEvent, void>> {
  const head = await logHead(services.db, experimentUuid);
  if (!head) throw new ShingoError('NOT_FOUND', 'There is no such experiment.', 404);
  if (afterSeq < 0 || afterSeq > head.lastSeq) {
    // A cursor of another experiment would silently skip what comes next.
    const message = `afterSeq is ${afterSeq}, but the log of this experiment goes from 1 to ${head.lastSeq}; 0 is all of it.`;
    throw new ShingoError('BAD_USER_INPUT', message);
  }
  return endable(gone, (signal) => events(services, experimentUuid, afterSeq, signal));
}

async function* events(
  { db, hub, log }: Pick<Services, 'db' | 'hub' | 'log'>,
  experimentUuid: string,
  afterSeq: number,
  signal: AbortSignal,
): AsyncGenerator<ExperimentEvent, void> {
  const hints = hub.listen(EXPERIMENT_TOPIC, experimentUuid, signal);
  const steady = <T>(question: string, ask: () => Promise<T>) =>
    persist(log, () => hub.together(`experiment ${experimentUuid} ${question}`, ask), AWAY_MS);
  let cursor = afterSeq;
  try {
    while (!hints.closed) {
      const head = await steady('head', () => logHead(db, experimentUuid));
      if (!head) return;
      while (cursor < head.lastSeq) {
        const page = await steady(`after ${cursor}`, () => readEvents(db, experimentUuid, cursor, PAGE));
        if (page.length === 0) return; // Deleted since.
        for (const event of page) {
          if (hints.closed) return;
          cursor = event.seq;
          yield event;
        }
      }
      if (isFinal(head.state)) return;
      await hints.wait();
    }
  } finally {
    hints.close();
  }
}
