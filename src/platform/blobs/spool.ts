/** Bytes on their way into a store: into a file of their own first, counted and hashed. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { mismatch, type Received, type ReceiveOptions } from '../blobs.js';
import { ShingoError } from '../error.js';

/**
 * @param adopt gives the file its name in the store; it may move it away
 * @throws ShingoError BLOB_TOO_LARGE, SHA256_MISMATCH, BLOB_STORE_FULL, or whatever `inspect` or `adopt` throws
 */
export async function spool<T>(
  folder: string,
  source: Readable,
  options: ReceiveOptions<T>,
  adopt: (file: string, sha256: string, bytes: number) => Promise<void>,
): Promise<Received<T>> {
  // A source that fails before the pipeline listens to it would end the process: hence no waiting here.
  mkdirSync(folder, { recursive: true });
  const partial = join(folder, randomUUID());
  const hash = createHash('sha256');
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > options.maxBytes) {
        done(tooLarge(options.maxBytes));
        return;
      }
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await orFull(pipeline(source, meter, createWriteStream(partial, { flags: 'wx' })));
    const sha256 = hash.digest('hex');
    if (options.sha256 !== undefined && options.sha256 !== sha256) throw mismatch(sha256);
    const facts = await options.inspect?.(partial);
    await orFull(adopt(partial, sha256, bytes));
    return { sha256, bytes, facts };
  } finally {
    await rm(partial, { force: true });
  }
}

const tooLarge = (maxBytes: number) =>
  new ShingoError('BLOB_TOO_LARGE', `More than ${maxBytes} bytes; raise SHINGO_MAX_UPLOAD_BYTES.`, 413);

/** A full disk by its name. @throws ShingoError BLOB_STORE_FULL */
export async function orFull<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new ShingoError(
      'BLOB_STORE_FULL',
      'The disk of the blob store is full; nothing of this was kept. Make room and send it again.',
      507,
    );
  }
}

export async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}
