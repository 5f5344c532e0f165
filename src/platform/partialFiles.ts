/**
 * Files that arrive in pieces: one a name, in a folder of their own. What a file has is what it is long, so nothing
 * beside it can disagree with it, and a crash at any point leaves a file that the next piece goes on from.
 */
import { mkdir, open, readdir, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ShingoError } from './error.js';

const NAME = /^[0-9a-f-]{36}$/;

/** Who writes to a file now. */
interface Writer {
  abort: AbortController;
  done: Promise<unknown>;
}

export class PartialFiles {
  private readonly writers = new Map<string, Writer>();

  constructor(private readonly folder: string) {}

  path(name: string): string {
    if (!NAME.test(name)) throw new Error(`${name} is no name of a partial file.`);
    return join(this.folder, name);
  }

  /** Bytes that have arrived. */
  async size(name: string): Promise<number> {
    return stat(this.path(name)).then(
      ({ size }) => size,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return 0;
        throw error;
      },
    );
  }

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

  /**
   * Appends at `offset`, which must be where the file ends (null begins anew), and leaves on disk what arrived even
   * when the source breaks off. To be called within `alone`.
   * @param total what the whole file may have
   * @returns what the file has now
   * @throws ShingoError UPLOAD_OFFSET, UPLOAD_TOO_LONG, STORAGE_FULL; or what the source fails with
   */
  async append(
    name: string,
    source: Readable,
    { offset, total, signal }: { offset: number | null; total: number; signal: AbortSignal },
  ): Promise<number> {
    const size = await this.size(name);
    if (offset !== null && offset !== size) {
      throw new ShingoError(
        'UPLOAD_OFFSET',
        `The file has ${size} bytes; a piece that begins at ${offset} does not follow on.`,
        409,
      );
    }
    await mkdir(this.folder, { recursive: true });
    const file = await open(this.path(name), offset && size ? 'r+' : 'w', 0o600);
    const stop = () => source.destroy(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    let at = offset ?? 0;
    try {
      signal.throwIfAborted();
      for await (const chunk of source as AsyncIterable<Buffer>) {
        if (at + chunk.length > total) {
          throw new ShingoError('UPLOAD_TOO_LONG', `More than the ${total} bytes that were announced.`, 413);
        }
        await writeAt(file, chunk, at);
        at += chunk.length;
      }
      return at;
    } finally {
      signal.removeEventListener('abort', stop);
      // What is acknowledged is on the platter: a client that is told an offset throws the bytes before it away.
      await file.datasync().finally(() => file.close());
    }
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name), { force: true });
  }

  /** Names of the files that are there and that nobody writes to. */
  async idle(): Promise<string[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names.filter((name) => NAME.test(name) && !this.writers.has(name));
  }

  /** Bytes that the disk has left. */
  async free(): Promise<number> {
    await mkdir(this.folder, { recursive: true });
    const { bavail, bsize } = await statfs(this.folder);
    return bavail * bsize;
  }
}

async function writeAt(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  try {
    for (let written = 0; written < chunk.length;) {
      written += (await file.write(chunk, written, chunk.length - written, position + written)).bytesWritten;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new ShingoError('STORAGE_FULL', 'The disk of the service is full; what arrived is kept.', 507);
  }
}
