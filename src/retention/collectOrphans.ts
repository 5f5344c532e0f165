/** Looks through the whole blob store for what nothing refers to: long work, for a job. */
import type { BlobStore, StoredBlob } from '../platform/blobs.js';
import { claimStore, takeStore } from '../platform/blobs/owner.js';
import { openPartials } from '../platform/openPartials.js';
import type { TaskContext } from '../platform/task.js';
import { sweepUploads } from '../catalog/upload/sweep.js';
import { unreferenced } from './references.js';
import { finishRemovals, removeBlobs, type Removed, type Stores } from './removal.js';

export interface OrphansQuestion {
  /** Only counts. */
  dryRun: boolean;
  /** Younger blobs stay: whoever has stored them may be about to refer to them. */
  graceHours: number;
  /** The store is this database's from now on, whosever it was. */
  takeStore: boolean;
}

export interface OrphansReport {
  looked: number;
  young: number;
  removed: number;
  bytes: number;
  dryRun: boolean;
}

export interface OrphansCheckpoint {
  after: string;
  counts: Pick<OrphansReport, 'looked' | 'young' | 'removed' | 'bytes'>;
}

const PAGE = 500;
const HOUR_MS = 3_600_000;

/** @throws ShingoError BLOB_STORE_UNAVAILABLE, BLOB_STORE_REFUSED, STORE_OF_ANOTHER_DATABASE */
export async function collectOrphans(
  task: TaskContext<OrphansCheckpoint>,
  { dryRun, graceHours, takeStore: takes }: OrphansQuestion,
): Promise<OrphansReport> {
  const { blobs, signal } = task;
  const before = Date.now() - graceHours * HOUR_MS;
  const counts = task.checkpoint?.counts ?? { looked: 0, young: 0, removed: 0, bytes: 0 };
  const count = (found: Removed) => {
    counts.removed += found.blobs;
    counts.bytes += found.bytes;
  };
  // A dry run says what would go if it were taken, and leaves it whose it is.
  if (takes && !dryRun && !task.checkpoint) await takeStore(task);
  if (!(takes && dryRun)) await claimStore(task);
  if (!dryRun) count(await finishRemovals(task));
  for (let after = task.checkpoint?.after ?? null; ;) {
    signal.throwIfAborted();
    const page = await blobs.list(after, PAGE);
    const old = page.filter(({ changedAt }) => changedAt.getTime() < before);
    count(await (dryRun ? wouldRemove(task, old) : removeBlobs(task, old.map(digestOf))));
    counts.looked += page.length;
    counts.young += page.length - old.length;
    after = page.at(-1)?.sha256 ?? after;
    if (after !== null) {
      await task.transaction(async () => undefined, { after, counts });
      task.progress('COLLECTING', counts.looked, Math.round(counts.looked / shareBefore(after)));
    }
    if (page.length < PAGE) break;
  }
  if (!dryRun) await sweep(task);
  return { ...counts, dryRun };
}

const digestOf = ({ sha256 }: StoredBlob): string => sha256;

async function wouldRemove({ db }: Stores, old: StoredBlob[]): Promise<Removed> {
  const orphans = new Set(await unreferenced(db, old.map(digestOf)));
  const found = old.filter(({ sha256 }) => orphans.has(sha256));
  return { blobs: found.length, bytes: found.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Digests are spread evenly: how far one is, is how much of the store is done. */
const shareBefore = (digest: string): number => (parseInt(digest.slice(0, 8), 16) + 1) / 2 ** 32;

/** What has no digest: rests of writes that broke off, and of uploads that nobody goes on with. */
async function sweep({ db, blobs }: { db: Stores['db']; blobs: BlobStore }): Promise<void> {
  await blobs.sweep();
  await sweepUploads({ db, blobs, partials: openPartials(blobs) });
}
