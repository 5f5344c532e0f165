/** Files that arrive in pieces, wherever they are kept until they are whole. */
import type { Readable } from 'node:stream';
import type { BlobStore } from './blobs.js';
import { ShingoError } from './error.js';

const NAME = /^[0-9a-f-]{36}$/;

/** Who writes to a file now. */
interface Writer {
  abort: AbortController;
  done: Promise<unknown>;
}

export interface Piece {
  /** Where it begins: where the file ends. Null begins anew. */
  offset: number | null;
  /** What the whole file may have. */
  total: number;
  signal: AbortSignal;
}

export abstract class Partials {
  private readonly writers = new Map<string, Writer>();

  /** Bytes that have arrived. */
  abstract size(name: string): Promise<number>;

  /**
   * Appends at `offset`, and keeps what arrived even when the source breaks off. To be called within `alone`.
   * @returns what the file has now
   * @throws ShingoError UPLOAD_OFFSET, UPLOAD_TOO_LONG, STORAGE_FULL, BLOB_STORE_UNAVAILABLE; or what the source fails with
   */
  abstract append(name: string, source: Readable, piece: Piece): Promise<number>;

  /** The whole file becomes a blob. @throws ShingoError as BlobStore.take does */
  abstract takeInto(blobs: BlobStore, name: string, sha256: string): Promise<void>;

  abstract remove(name: string): Promise<void>;

  /** Names of the files that are there and that nobody writes to in this process. */
  abstract idle(): Promise<string[]>;

  /** Bytes that there is room for. */
  abstract free(): Promise<number>;

  /**
   * Runs `work` as the only user of the file in this process. A writer that is at it is ended first: whoever comes
   * anew does so because the old connection is of no use any more, even where this side has not noticed.
   */
  async alone<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    const before = this.writers.get(name);
    before?.abort.abort(new ShingoError('UPLOAD_TAKEN_OVER', 'A newer request goes on with this file.', 409));
    const done = (before?.done ?? Promise.resolve()).then(async () => {
      abort.signal.throwIfAborted();
      return work(abort.signal);
    });
    const writer = { abort, done: done.catch(() => undefined) };
    this.writers.set(name, writer);
    try {
      return await done;
    } finally {
      if (this.writers.get(name) === writer) this.writers.delete(name);
    }
  }

  protected isIdle(name: string): boolean {
    return NAME.test(name) && !this.writers.has(name);
  }
}

export function checkName(name: string): void {
  if (!NAME.test(name)) throw new Error(`${name} is no name of a partial file.`);
}

/** @throws ShingoError UPLOAD_OFFSET */
export function checkOffset(offset: number | null, size: number): void {
  if (offset === null || offset === size) return;
  throw new ShingoError(
    'UPLOAD_OFFSET',
    `The file has ${size} bytes; a piece that begins at ${offset} does not follow on.`,
    409,
  );
}

/** @throws ShingoError UPLOAD_TOO_LONG */
export function checkTotal(bytes: number, total: number): void {
  if (bytes > total)
    throw new ShingoError('UPLOAD_TOO_LONG', `More than the ${total} bytes that were announced.`, 413);
}
