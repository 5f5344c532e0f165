/**
 * Files that arrive in pieces: one a name, in a folder of their own. What a file has is what it is long, so nothing
 * beside it can disagree with it, and a crash at any point leaves a file that the next piece goes on from.
 */
import { mkdir, open, readdir, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { BlobStore } from './blobs.js';
import { ShingoError } from './error.js';
import { Partials, checkName, checkOffset, checkTotal, type Piece } from './partials.js';

export class PartialFiles extends Partials {
  constructor(private readonly folder: string) {
    super();
  }

  path(name: string): string {
    checkName(name);
    return join(this.folder, name);
  }

  async size(name: string): Promise<number> {
    return stat(this.path(name)).then(
      ({ size }) => size,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return 0;
        throw error;
      },
    );
  }

  async append(name: string, source: Readable, { offset, total, signal }: Piece): Promise<number> {
    const size = await this.size(name);
    checkOffset(offset, size);
    await mkdir(this.folder, { recursive: true });
    const file = await open(this.path(name), offset && size ? 'r+' : 'w', 0o600);
    const stop = () => source.destroy(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    let at = offset ?? 0;
    try {
      signal.throwIfAborted();
      for await (const chunk of source as AsyncIterable<Buffer>) {
        checkTotal(at + chunk.length, total);
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

  async idle(): Promise<string[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names.filter((name) => this.isIdle(name));
  }

  takeInto(blobs: BlobStore, name: string, sha256: string): Promise<void> {
    return blobs.take(this.path(name), sha256);
  }

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
