import { shared } from '../../graphql/answers.js';
import type { Services } from '../../graphql/context.js';
import { endable } from '../../platform/hub.js';
import { ShingoError } from '../../platform/error.js';
import { persist } from '../../platform/database/persist.js';
import { EXPERIMENT_TOPIC, isFinal } from '../../jobs/vocabulary.js';
import type { ExperimentEvent } from './event.js';
import { logHeads, readAfter } from './log.js';

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
  const head = (await logHeads(services.db, [experimentUuid])).get(experimentUuid);
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
  const read = (cursor: number) =>
    hub.together(`experiment ${experimentUuid} after ${cursor}`, async () => {
      const found = await readAfter(db, experimentUuid, cursor, PAGE);
      found?.events.forEach(shared);
      return found;
    });
  let cursor = afterSeq;
  try {
    while (!hints.closed) {
      const found = await persist(log, () => read(cursor), AWAY_MS);
      // Deleted, before or since.
      if (!found || (found.events.length === 0 && cursor < found.lastSeq)) return;
      for (const event of found.events) {
        if (hints.closed) return;
        cursor = event.seq;
        yield event;
      }
      if (cursor < found.lastSeq) continue;
      if (isFinal(found.state)) return;
      await hints.wait();
    }
  } finally {
    hints.close();
  }
}
