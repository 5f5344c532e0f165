/**
 * The blob store: bytes under the SHA-256 of their content, so that storing twice is storing once and a damaged
 * file can be told. Two of them do the same: a folder (blobs/folder.ts) and an S3 bucket (blobs/s3.ts).
 */
import type { Readable } from 'node:stream';
import { ShingoError } from './error.js';

const SHA256 = /^[0-9a-f]{64}$/;

/** First and last byte, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface ReceiveOptions<T> {
  maxBytes: number;
  /** What the bytes are said to be. */
  sha256?: string;
  /** Looks at the file before it has its name; what it throws refuses the blob. */
  inspect?: (path: string) => Promise<T>;
}

export interface Received<T> {
  sha256: string;
  bytes: number;
  facts: T | undefined;
}

/** As a listing has it. */
export interface StoredBlob {
  sha256: string;
  bytes: number;
  /** When it was written last, by the clock of the store. */
  changedAt: Date;
}

/** A removal that takes longer has failed: whoever counts on it (see claim.ts) knows when it is over. */
export const REMOVE_MS = 30_000;

/**
 * Every method that is given a name throws ShingoError SHA256_INVALID where it is none, and every one throws
 * BLOB_STORE_UNAVAILABLE (503) when the store cannot be reached within its patience.
 */
export interface BlobStore {
  has(sha256: string): Promise<boolean>;
  /** Bytes. @throws ShingoError BLOB_MISSING */
  size(sha256: string): Promise<number>;
  /** A stream that fails, rather than ends, where the bytes are not all there. @throws ShingoError BLOB_MISSING */
  read(sha256: string, range?: ByteRange): Promise<Readable>;
  /**
   * Receives bytes, checks size and (if given) digest, lets `inspect` look at them, and only then gives them their
   * name: a blob is there in full or not at all.
   * @throws ShingoError BLOB_TOO_LARGE, SHA256_MISMATCH, BLOB_STORE_FULL, or whatever `inspect` throws
   */
  receive<T>(source: Readable, options: ReceiveOptions<T>): Promise<Received<T>>;
  /**
   * Takes a whole file into the store; the file is gone from where it was.
   * @throws ShingoError SHA256_MISMATCH, BLOB_STORE_FULL; then the file stays where it is
   */
  take(file: string, sha256: string): Promise<void>;
  /**
   * Absolute path of a copy to be read, never written, for ten minutes at least.
   * @throws ShingoError BLOB_MISSING, BLOB_DAMAGED
   */
  file(sha256: string): Promise<string>;
  /** The same for as long as `work` takes: what many blobs one after another are read by. @throws as `file` does */
  use<T>(sha256: string, work: (path: string) => Promise<T>): Promise<T>;
  /**
   * The same for as long as `folder` is there, in which it may come to lie.
   * @throws as `file` does, where the store has to look
   */
  keep(sha256: string, folder: string): Promise<string>;
  /**
   * The blobs after a digest, in the order of digests; fewer than `limit`: there are no more.
   * @param after null: from the start
   */
  list(after: string | null, limit: number): Promise<StoredBlob[]>;
  /**
   * It is not there any more, if it was; copies on hosts may be, which harms nobody. Within REMOVE_MS or not at all: a
   * store that is away is not waited for.
   */
  remove(sha256: string): Promise<void>;
  /**
   * Whose the store is: `claimant`'s if it was nobody's, or whosever it was with `takeOver`. See blobs/owner.ts.
   */
  owner(claimant: string, takeOver?: boolean): Promise<string>;
  /** The same store, which waits so long for one that is away: a training must not die of its restart. */
  patient(ms: number): BlobStore;
  /** Ends the waiting of a store that `patient` gave: its process is asked to stop. */
  hurry(): void;
  /** Where files that arrive in pieces may be kept, so that every process that has this store finds them. */
  readonly pieces: Pieces;
  /** Looks whether the store answers. @throws ShingoError BLOB_STORE_UNAVAILABLE, BLOB_STORE_REFUSED */
  check(): Promise<void>;
  /** Removes what broken-off writes have left for a day. Returns how much. */
  sweep(): Promise<number>;
}

/** Small objects beside the blobs; where the store is a folder, files do. */
export type Pieces = PieceStore | { folder: string };

export interface PieceStore {
  /** Names under a prefix, with bytes; in order. */
  list(prefix: string): Promise<{ name: string; bytes: number }[]>;
  put(name: string, bytes: Buffer): Promise<void>;
  read(name: string): Promise<Readable>;
  remove(names: string[]): Promise<void>;
}

/** Several at a time, for as long as `work` takes; paths by digest. @throws as `use` does */
export async function useAll<T>(
  blobs: BlobStore,
  digests: string[],
  work: (paths: Map<string, string>) => Promise<T>,
): Promise<T> {
  const over = Promise.withResolvers<void>();
  const uses: Promise<unknown>[] = [];
  const path = (sha256: string) =>
    new Promise<[string, string]>((resolve, reject) => {
      const use = blobs.use(sha256, (file) => {
        resolve([sha256, file]);
        return over.promise;
      });
      uses.push(use.catch(reject));
    });
  try {
    return await work(new Map(await Promise.all([...new Set(digests)].map(path))));
  } finally {
    over.resolve();
    await Promise.all(uses);
  }
}

export const isDigest = (text: string): boolean => SHA256.test(text);

/** @throws ShingoError SHA256_INVALID */
export function checkDigest(sha256: string): void {
  if (isDigest(sha256)) return;
  throw new ShingoError(
    'SHA256_INVALID',
    'A blob is named by its SHA-256: 64 lower-case hexadecimal digits.',
  );
}

/** Where it lies below the root: the first two digits as a folder keep folders small. */
export function blobPath(sha256: string): [string, string] {
  checkDigest(sha256);
  return [sha256.slice(0, 2), sha256.slice(2)];
}

export const mismatch = (sha256: string) =>
  new ShingoError(
    'SHA256_MISMATCH',
    `The bytes received have SHA-256 ${sha256}, not the one announced.`,
    422,
  );

export const missing = (sha256: string) =>
  new ShingoError('BLOB_MISSING', `The blob store has no ${sha256}: send it again.`, 404);

export const unavailable = (why: string) =>
  new ShingoError(
    'BLOB_STORE_UNAVAILABLE',
    `The blob store cannot be reached (${why}); try again in a while.`,
    503,
  );

export const isUnavailable = (error: unknown): boolean =>
  error instanceof ShingoError && error.code === 'BLOB_STORE_UNAVAILABLE';
