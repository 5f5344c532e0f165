/** Who may come in: everybody on loopback, or whoever has one of the keys. Full access control comes later. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Config } from '../platform/config.js';
import { isLoopback } from '../platform/config.js';
import { ShingoError } from '../platform/error.js';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** @param authorization `Bearer KEY`. @throws ShingoError UNAUTHENTICATED */
export function checkKey(config: Config, authorization: unknown): void {
  if (config.apiKeys.length === 0) return;
  const given = typeof authorization === 'string' ? /^Bearer (.+)$/i.exec(authorization)?.[1] : undefined;
  // Digests have one length, and every key is compared: the time taken tells nothing of a key.
  const matches = config.apiKeys.filter((key) => timingSafeEqual(digest(key), digest(given ?? '')));
  if (given !== undefined && matches.length > 0) return;
  throw new ShingoError(
    'UNAUTHENTICATED',
    'Send `Authorization: Bearer KEY` with one of the keys of SHINGO_API_KEYS.',
    401,
  );
}

export const ANONYMOUS = 'anonymous';

/**
 * Who asks, for records that say who did what: keys have no names, so the label of one is the beginning of its digest,
 * the same in every process and never the key itself.
 * @param authorization one that checkKey has let in
 */
export function actorOf(config: Config, authorization: unknown): string {
  const key = typeof authorization === 'string' ? /^Bearer (.+)$/i.exec(authorization)?.[1] : undefined;
  if (config.apiKeys.length === 0 || key === undefined) return ANONYMOUS;
  return `key-${digest(key).toString('hex').slice(0, 8)}`;
}

/** Whose limits a connection counts towards: its key's, or its address's where there are no keys. */
export function callerOf(config: Config, authorization: unknown, request: IncomingMessage): string {
  const actor = actorOf(config, authorization);
  return actor === ANONYMOUS ? (request.socket.remoteAddress ?? ANONYMOUS) : actor;
}

const hostName = (host: string | undefined) => (host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

/**
 * Without keys only this machine may ask. A web page elsewhere can point its own name at 127.0.0.1 (DNS rebinding):
 * its requests carry that name, and are refused; a socket opened by a foreign page carries its origin.
 * @throws ShingoError FORBIDDEN
 */
export function checkOrigin(config: Config, request: IncomingMessage): void {
  const { host, origin } = request.headers;
  if (config.apiKeys.length === 0 && !isLoopback(hostName(host))) {
    throw new ShingoError('FORBIDDEN', 'Without API keys the service answers to localhost only.', 403);
  }
  if (origin !== undefined && hostName(URL.canParse(origin) ? new URL(origin).host : '') !== hostName(host)) {
    throw new ShingoError('FORBIDDEN', 'A page of another origin may not use this service.', 403);
  }
}
