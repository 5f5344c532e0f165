/** Starts the embedded PostgreSQL again when it has died: nobody else would, and its service would answer errors for ever. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { EmbeddedPostgres } from './embedded.js';
import { every } from '../every.js';
import { messageOf } from '../error.js';
import type { Log } from '../log.js';

const LOOK_MS = 1_000;
/** A server that dies more often within so long is broken, not unlucky: then a person is needed. */
const MOST_STARTS = 5;
const WITHIN_MS = 10 * 60_000;

export function keepUp(embedded: EmbeddedPostgres, log: Log): Pick<EmbeddedPostgres, 'url' | 'stop'> {
  let starts: number[] = [];
  let givenUp = false;
  const stopLooking = every(LOOK_MS, 'the start of the embedded PostgreSQL', log, async () => {
    if (givenUp || (await listens(embedded.port))) return;
    starts = starts.filter((at) => performance.now() - at < WITHIN_MS);
    if (starts.length >= MOST_STARTS) {
      givenUp = true;
      log.error(
        { starts: MOST_STARTS },
        'the embedded PostgreSQL does not stay up; see postgres.log, and start Shingo again',
      );
      return;
    }
    starts.push(performance.now());
    log.warn('the embedded PostgreSQL has died; starting it again');
    await embedded.revive().then(
      () => log.info('the embedded PostgreSQL is up again'),
      (error: unknown) => log.warn({ reason: messageOf(error) }, 'the embedded PostgreSQL did not start'),
    );
  });
  return {
    url: embedded.url,
    stop: async () => {
      await stopLooking();
      await embedded.stop();
    },
  };
}

/** False only if the machine itself says that nobody does: a server that is busy is not restarted. */
async function listens(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(5_000) });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}
