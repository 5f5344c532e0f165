/**
 * Removes blobs that nothing refers to, while others store and refer to them.
 *
 * A writer stores the bytes, and in the transaction that refers to them claims them (platform/blobs/claim.ts). A removal
 *   1. takes in one transaction the lock of each blob that no writer has, looks again whether anything refers to it, and
 *      leaves a mark: who claims it from then on is refused until the removal is over, and must find it in the store;
 *   2. removes it from the store;
 *   3. writes into the mark that it is gone.
 * A removal that dies between 1 and 3 leaves a mark that is good for LEASE_SECONDS. Nothing is removed by it later: from
 * the mark on it may begin for BEGIN_MS. Then writers go by what the store has, and the next collection may take it.
 * No step that has a lock waits for another, so that no two of them can wait for each other.
 */
import type { DataSource } from 'typeorm';
import type { BlobStore } from '../platform/blobs.js';
import { BEGIN_MS, LEASE_SECONDS } from '../platform/blobs/claim.js';
import { claimStore } from '../platform/blobs/owner.js';
import { forEachLimited } from '../platform/concurrency.js';
import { ShingoError } from '../platform/error.js';
import { referenceCounts, unreferenced } from './references.js';

export interface Stores {
  db: DataSource;
  blobs: BlobStore;
}

export interface Removed {
  blobs: number;
  bytes: number;
}

/** In one transaction: each takes a lock of the server's shared table, which has room for 6,400 unless it is set up otherwise. */
const BATCH = 500;
const AT_A_TIME = 16;
/** Who has stored bytes refers to them within this time. */
const KEPT_HOURS = 24;

/**
 * Those of these blobs that nothing refers to, and that nobody is about to refer to, are gone afterwards.
 * @throws ShingoError BLOB_STORE_UNAVAILABLE, BLOB_STORE_REFUSED; then some are gone, and another removal goes on;
 *   STORE_OF_ANOTHER_DATABASE, then none is
 */
export async function removeBlobs(stores: Stores, digests: readonly string[]): Promise<Removed> {
  const removed = { blobs: 0, bytes: 0 };
  if (digests.length > 0) await claimStore(stores);
  for (let from = 0; from < digests.length; from += BATCH) {
    const { blobs, bytes } = await removeBatch(stores, digests.slice(from, from + BATCH));
    removed.blobs += blobs;
    removed.bytes += bytes;
  }
  return removed;
}

async function removeBatch({ db, blobs }: Stores, digests: string[]): Promise<Removed> {
  // Before the marks: their time is over sooner than the lease of the marks.
  const until = performance.now() + BEGIN_MS;
  const marks = await mark(db, digests);
  if (marks.startedAt === null) return { blobs: 0, bytes: 0 };
  const removed = { blobs: 0, bytes: 0 };
  const gone: string[] = [];
  await forEachLimited(marks.digests, AT_A_TIME, async (sha256) => {
    const bytes = await sizeOf(blobs, sha256);
    if (performance.now() > until) return;
    await blobs.remove(sha256);
    gone.push(sha256);
    if (bytes === null) return;
    removed.blobs += 1;
    removed.bytes += bytes;
  }).finally(() =>
    db.query(
      `/* blob.removed */ UPDATE blob_removal SET removed_at = clock_timestamp() WHERE sha256 IN (
         SELECT sha256 FROM blob_removal WHERE sha256 = ANY ($1) AND started_at = $2::timestamptz
         FOR UPDATE SKIP LOCKED)`,
      [gone, marks.startedAt],
    ),
  );
  return removed;
}

/**
 * What removeBlobs would remove once these references are gone: those to which there are no others.
 * @param references of each that goes the digest that it names
 */
export async function wouldRemove({ db, blobs }: Stores, references: readonly string[]): Promise<Removed> {
  const going = new Map<string, number>();
  for (const sha256 of references) going.set(sha256, (going.get(sha256) ?? 0) + 1);
  const digests = [...going.keys()];
  const removed = { blobs: 0, bytes: 0 };
  for (let from = 0; from < digests.length; from += BATCH) {
    const batch = digests.slice(from, from + BATCH);
    const counts = await referenceCounts(db, batch);
    const alone = batch.filter((sha256) => counts.get(sha256) === going.get(sha256));
    await forEachLimited(alone, AT_A_TIME, async (sha256) => {
      const bytes = await sizeOf(blobs, sha256);
      if (bytes === null) return;
      removed.blobs += 1;
      removed.bytes += bytes;
    });
  }
  return removed;
}

interface Marks {
  digests: string[];
  /** As PostgreSQL writes it: JavaScript's dates have no microseconds. */
  startedAt: string | null;
}

function mark(db: DataSource, digests: string[]): Promise<Marks> {
  return db.transaction(async (manager) => {
    const free: { sha256: string }[] = await manager.query(
      '/* blob.lock */ SELECT lock_blobs($1) AS sha256',
      [digests],
    );
    // A statement of its own: it sees what those wrote whose locks were free a moment ago.
    const unused = await unreferenced(
      manager,
      free.map(({ sha256 }) => sha256),
    );
    const rows: { sha256: string; started_at: string }[] = await manager.query(
      `/* blob.mark */ INSERT INTO blob_removal (sha256) SELECT d FROM unnest($1::text[]) d WHERE NOT EXISTS (
         SELECT FROM blob_removal r
         WHERE r.sha256 = d AND r.removed_at IS NULL AND r.started_at >= now() - make_interval(secs => $2))
       ON CONFLICT (sha256) DO UPDATE SET started_at = now(), removed_at = NULL
       RETURNING sha256, started_at::text`,
      [unused, LEASE_SECONDS],
    );
    return { digests: rows.map(({ sha256 }) => sha256), startedAt: rows[0]?.started_at ?? null };
  });
}

/** Null: it is not there. */
const sizeOf = (blobs: BlobStore, sha256: string): Promise<number | null> =>
  blobs.size(sha256).catch((error: unknown) => {
    if (error instanceof ShingoError && error.code === 'BLOB_MISSING') return null;
    throw error;
  });

/** At one collection. */
const MOST_UNFINISHED = 10_000;

/** What removals that died have left, unless something refers to it by now; marks that nobody needs any more go. */
export async function finishRemovals(stores: Stores): Promise<Removed> {
  const { db } = stores;
  const rows: { sha256: string }[] = await db.query(
    `/* blob.unfinished */ SELECT sha256 FROM blob_removal
     WHERE removed_at IS NULL AND started_at < now() - make_interval(secs => $1)
     ORDER BY started_at LIMIT ${MOST_UNFINISHED}`,
    [LEASE_SECONDS],
  );
  const removed = await removeBlobs(
    stores,
    rows.map(({ sha256 }) => sha256),
  );
  await db.query(
    `/* blob.forget */ DELETE FROM blob_removal WHERE sha256 IN (SELECT sha256 FROM blob_removal
       WHERE started_at < now() - make_interval(hours => $1) FOR UPDATE SKIP LOCKED)`,
    [KEPT_HOURS],
  );
  return removed;
}
