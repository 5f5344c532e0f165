/**
 * Whoever writes a row that refers to a blob claims the blob within the same transaction, after its bytes are stored;
 * whoever removes blobs (src/retention/removal.ts) takes none that is claimed, and leaves a mark in `blob_removal`
 * before it takes one. So either the removal sees the reference, or whoever refers sees the mark.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from 'typeorm';
import { missing, REMOVE_MS, type BlobStore } from '../blobs.js';
import { ShingoError } from '../error.js';

/** After its mark a removal begins to remove for so long, and no longer: a process that was held up removes nothing more. */
export const BEGIN_MS = 30_000;
/** Whatever has no end by then has none: its remover is dead, or has given up. Twice what a removal takes at most. */
export const LEASE_SECONDS = (2 * (BEGIN_MS + REMOVE_MS)) / 1000;

interface Mark {
  sha256: string;
  removed: boolean;
  seconds: number;
}

/**
 * Until the transaction ends, none of these blobs is removed; afterwards they are referred to. One short statement where
 * nothing was removed lately. Not more than some hundreds at a time: each takes a lock.
 * @throws ShingoError BLOB_BEING_REMOVED, BLOB_MISSING
 */
export async function claimBlobs(
  manager: EntityManager,
  blobs: Pick<BlobStore, 'has'>,
  digests: readonly string[],
): Promise<void> {
  if (digests.length === 0) return;
  const marks: Mark[] = await manager.query('/* blob.claim */ SELECT * FROM claim_blobs($1)', [digests]);
  for (const { sha256, removed, seconds } of marks) {
    if (!removed && seconds < LEASE_SECONDS) throw beingRemoved(sha256);
    // Sent again since, or never removed.
    if (!(await blobs.has(sha256))) throw missing(sha256);
  }
}

const beingRemoved = (sha256: string) =>
  new ShingoError(
    'BLOB_BEING_REMOVED',
    `${sha256} is being removed from the blob store, because nothing referred to it: send it again in ${LEASE_SECONDS / 60} minutes.`,
    503,
  );

const AGAIN_MS = 250;
/** It takes a removal that comes after each. */
const MOST_MISSING = 3;

/**
 * For who has the bytes: stores them, and writes what refers to them; both again where they were removed in between,
 * because they had lain in the store for long and nothing referred to them until now.
 * @throws what the two throw
 */
export async function storeAndRefer<S, T>(
  store: () => Promise<S>,
  refer: (stored: S) => Promise<T>,
): Promise<T> {
  const until = Date.now() + LEASE_SECONDS * 1000;
  for (let missed = 0; ;) {
    const stored = await store();
    try {
      return await refer(stored);
    } catch (error) {
      const code = error instanceof ShingoError ? error.code : null;
      const removing = code === 'BLOB_BEING_REMOVED' && Date.now() < until;
      if (!removing && !(code === 'BLOB_MISSING' && (missed += 1) < MOST_MISSING)) throw error;
      if (removing) await sleep(AGAIN_MS);
    }
  }
}
