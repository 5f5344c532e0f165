/** Fetches a file that the service has made, and goes on where it broke off; it is there whole and right, or not at all. */
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { pipeline } from 'node:stream/promises';
import { ApiError, type ShingoClient } from './api.js';
import { messageOf } from './errors.js';
import { sha256Of } from '../platform/digest.js';
import { backOff, REQUEST_POLICY } from './retry.js';

export interface Wanted {
  /** Path on the service. */
  url: string;
  sha256: string;
  bytes: number;
}

/** @throws ApiError */
export async function download(client: ShingoClient, wanted: Wanted, target: string): Promise<void> {
  const partial = `${target}.part`;
  for (let failures = 0; ;) {
    const have = await stat(partial).then(
      ({ size }) => size,
      () => 0,
    );
    if (have >= wanted.bytes) break;
    try {
      await append(client, wanted, partial, have);
    } catch (error) {
      if (client.signal?.aborted || (error instanceof ApiError && error.status !== undefined)) throw error;
      failures += 1;
      if (failures >= REQUEST_POLICY.attempts)
        throw new ApiError('CONNECTION_LOST', `${wanted.url}: ${messageOf(error)}`);
      await backOff(REQUEST_POLICY, failures, client.signal);
    }
  }
  const actual = await sha256Of(partial);
  if (actual !== wanted.sha256) {
    await rm(partial, { force: true });
    throw new ApiError('SHA256_MISMATCH', `${wanted.url} arrived with SHA-256 ${actual}; fetch it again`);
  }
  await rename(partial, target);
}

async function append(client: ShingoClient, { url }: Wanted, partial: string, from: number): Promise<void> {
  const response = await client.fetch(url, from > 0 ? { range: `bytes=${from}-` } : {});
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new ApiError(`HTTP_${response.status}`, `GET ${url}: HTTP ${response.status}`, {
      status: response.status,
    });
  }
  // A server that does not know ranges sends all: begin anew.
  const flags = response.status === 206 ? 'a' : 'w';
  await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(partial, { flags }), {
    signal: client.signal,
  });
}
