import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';

import { ApiError, fromGraphQLErrors, hasCode, messageOf } from './errors.js';
import { backOff, type RetryPolicy } from './retry.js';

const HANDSHAKE_MS = 10_000;
const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 10_000;

/** graphql-ws offers no place for socket options; a subclass does. Without the limit a dead host hangs us. */
class Socket extends WebSocket {
  constructor(address: string | URL, protocols?: string | string[]) {
    super(address, protocols, { handshakeTimeout: HANDSHAKE_MS });
  }
}

/**
 * One socket for all subscriptions of a client, opened with the first and closed with the last.
 * It does not retry by itself: it would repeat the first variables, and only the reader knows its last `seq`.
 */
export function createLiveClient(url: string, apiKey?: string): Client {
  let pongLimit: NodeJS.Timeout | undefined;
  const client: Client = createClient({
    url,
    webSocketImpl: Socket,
    connectionParams: apiKey ? { authorization: `Bearer ${apiKey}` } : undefined,
    retryAttempts: 0,
    keepAlive: PING_EVERY_MS,
    connectionAckWaitTimeout: HANDSHAKE_MS,
    on: {
      ping: (received) => {
        // A cable that was pulled closes no socket: an unanswered ping is how one notices.
        if (!received) pongLimit = setTimeout(() => client.terminate(), PONG_WITHIN_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(pongLimit);
      },
      closed: () => clearTimeout(pongLimit),
    },
  });
  return client;
}

export async function* subscribe<T>(
  client: Client,
  query: string,
  variables: Record<string, unknown>,
  signal?: AbortSignal,
): AsyncGenerator<T, void> {
  signal?.throwIfAborted();
  const results = client.iterate<T>({ query, variables });
  const stop = () => void results.return?.();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for await (const result of results) {
      if (signal?.aborted) break;
      if (result.errors?.length) throw fromGraphQLErrors(result.errors);
      if (result.data != null) yield result.data;
    }
  } catch (error) {
    if (!signal?.aborted) throw socketError(error);
  } finally {
    signal?.removeEventListener('abort', stop);
    await results.return?.();
  }
  signal?.throwIfAborted();
}

/** Close codes of graphql-transport-ws that say "this client is not welcome": trying again cannot help. */
const REFUSED: Record<number, string> = {
  4400: 'BAD_REQUEST',
  4401: 'UNAUTHENTICATED',
  4403: 'FORBIDDEN',
  4406: 'SUBPROTOCOL_NOT_ACCEPTABLE',
};

function socketError(error: unknown): unknown {
  if (error instanceof ApiError) return error;
  if (Array.isArray(error)) return fromGraphQLErrors(error);
  const event = error as { code?: number; reason?: string; message?: string; error?: { code?: string } };
  if (typeof event.code === 'number') {
    const refused = REFUSED[event.code];
    // The service closes with its own code as the reason, which says more than 4403 does.
    const code =
      refused && /^[A-Z][A-Z_]+$/.test(event.reason ?? '') ? event.reason! : (refused ?? 'CONNECTION_LOST');
    return new ApiError(code, `the socket was closed: ${event.reason || `code ${event.code}`}`, {
      cause: error,
    });
  }
  // The upgrade itself was refused (a wrong key, a wrong path): the server is there, and says no.
  const refused = /Unexpected server response: (4\d\d)/.exec(event.message ?? '');
  if (refused)
    return new ApiError(`HTTP_${refused[1]}`, 'the server refuses the WebSocket', { cause: error });
  return new ApiError('CONNECTION_LOST', `the socket broke: ${event.message ?? messageOf(error)}`, {
    cause: error,
  });
}

/**
 * Reads from `open()` until `finished()`. A lost or early-ended stream is opened anew, with waits between;
 * every item that arrives proves the way good again and resets the count of failures.
 */
export async function* resuming<T>(
  open: () => AsyncIterable<T>,
  finished: () => boolean,
  policy: RetryPolicy,
  signal?: AbortSignal,
): AsyncGenerator<T, void> {
  for (let failures = 0; ;) {
    let lost: unknown = new ApiError('CONNECTION_LOST', 'the server ended the stream before its last event');
    try {
      for await (const item of open()) {
        failures = 0;
        yield item;
        if (finished()) return;
      }
    } catch (error) {
      // The service is there and its database is not, or the way to the service is cut: both pass.
      if (!hasCode(error, 'CONNECTION_LOST', 'DATABASE_UNAVAILABLE')) throw error;
      lost = error;
    }
    if (finished()) return;
    if (++failures >= policy.attempts) throw lost;
    await backOff(policy, failures, signal);
  }
}
