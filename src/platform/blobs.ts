/**
 * The blob store: bytes under the SHA-256 of their content, so that storing twice is storing once and a damaged
 * file can be told. This one is a folder; the layout (first two hex digits as sub-folder) keeps directories small.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { access, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ShingoError } from './error.js';

const SHA256 = /^[0-9a-f]{64}$/;

export class BlobStore {
  constructor(private readonly folder: string) {}

  /** Absolute path of a blob, whether it is there or not. @throws ShingoError SHA256_INVALID */
  path(sha256: string): string {
    if (!SHA256.test(sha256)) {
      throw new ShingoError(
        'SHA256_INVALID',
        'A blob is named by its SHA-256: 64 lower-case hexadecimal digits.',
      );
    }
    return join(this.folder, sha256.slice(0, 2), sha256.slice(2));
  }

  async has(sha256: string): Promise<boolean> {
    return access(this.path(sha256)).then(
      () => true,
      () => false,
    );
  }

  async size(sha256: string): Promise<number> {
    return (await stat(this.path(sha256))).size;
  }

  read(sha256: string): Readable {
    return createReadStream(this.path(sha256));
  }

  /**
   * Receives bytes into a file of their own, checks size and (if given) digest, lets `inspect` look at the file,
   * and only then gives it its name: a blob is there in full or not at all.
   * @throws ShingoError BLOB_TOO_LARGE, SHA256_MISMATCH, or whatever `inspect` throws
   */
  async receive<T>(
    source: Readable,
    options: { maxBytes: number; sha256?: string; inspect?: (path: string) => Promise<T> },
  ): Promise<{ sha256: string; bytes: number; facts: T | undefined }> {
    const incoming = join(this.folder, 'incoming');
    // Not awaited: a source that fails before the pipeline listens to it would end the process.
    mkdirSync(incoming, { recursive: true });
    const partial = join(incoming, randomUUID());
    const hash = createHash('sha256');
    let bytes = 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        if (bytes > options.maxBytes) {
          done(
            new ShingoError(
              'BLOB_TOO_LARGE',
              `More than ${options.maxBytes} bytes; raise SHINGO_MAX_UPLOAD_BYTES.`,
              413,
            ),
          );
          return;
        }
        hash.update(chunk);
        done(null, chunk);
      },
    });
    try {
      await pipeline(source, meter, createWriteStream(partial, { flags: 'wx' }));
      const sha256 = hash.digest('hex');
      if (options.sha256 !== undefined && options.sha256 !== sha256) throw mismatch(sha256);
      const facts = await options.inspect?.(partial);
      await this.adopt(partial, sha256);
      return { sha256, bytes, facts };
    } finally {
      await rm(partial, { force: true });
    }
  }

  /**
   * Takes a whole file into the store; the file is gone from where it was.
   * @throws ShingoError SHA256_MISMATCH; then the file stays where it is
   */
  async take(file: string, sha256: string): Promise<void> {
    const hash = createHash('sha256');
    await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash);
    const actual = hash.digest('hex');
    if (actual !== sha256) throw mismatch(actual);
    await this.adopt(file, sha256);
  }

  /** Takes a finished file into the store by renaming it (same disk) after it is on the platter. */
  private async adopt(partial: string, sha256: string): Promise<void> {
    const target = this.path(sha256);
    await mkdir(dirname(target), { recursive: true });
    const file = await open(partial, 'r+');
    await file.sync().finally(() => file.close());
    await rename(partial, target);
    const folder = await open(dirname(target), 'r');
    await folder.sync().finally(() => folder.close());
  }
}

const mismatch = (sha256: string) =>
  new ShingoError(
    'SHA256_MISMATCH',
    `The bytes received have SHA-256 ${sha256}, not the one announced.`,
    422,
  );
