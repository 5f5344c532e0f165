import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import {
  RandomAccessReader,
  fromRandomAccessReaderPromise,
  getFileNameLowLevel,
  type Entry,
  type ZipFile,
} from 'yauzl';
import { ShingoError, messageOf } from '../error.js';
import { damaged, otherKind, quoted, type Guard } from './guard.js';
import type { ArchiveEntry } from './index.js';

const READ_BYTES = 2 ** 16;

/** From the central directory at the end of the file. yauzl refuses a file that unpacks to another size than it says. */
export async function* zipEntries(localFile: string, guard: Guard): AsyncGenerator<ArchiveEntry, void> {
  const file = await open(localFile, 'r');
  try {
    const { size } = await file.stat();
    // Names are decoded here, so that a bad one is refused with a code and not in the library's words.
    const options = { decodeStrings: false, autoClose: false };
    const zip = await fromRandomAccessReaderPromise(new FileReader(file), size, options).catch(fail);
    const listed = zip.eachEntry();
    for (;;) {
      const { value: entry, done } = await listed.next().catch(fail);
      if (done) return;
      const found = check(zip, entry, guard);
      if (found) yield found;
    }
  } finally {
    await file.close();
  }
}

/** yauzl's own reader ends the process when a stream is destroyed before it was read to its end. */
class FileReader extends RandomAccessReader {
  constructor(private readonly file: FileHandle) {
    super();
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.range(start, end), { objectMode: false });
  }

  private async *range(start: number, end: number): AsyncGenerator<Buffer, void> {
    for (let at = start; at < end;) {
      const length = Math.min(READ_BYTES, end - at);
      const { buffer, bytesRead } = await this.file.read(Buffer.allocUnsafe(length), 0, length, at);
      if (bytesRead === 0) throw new Error('unexpected end of file');
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.file
      .read(buffer, offset, length, position)
      .then(
        ({ bytesRead }) => callback(bytesRead < length ? new Error('unexpected end of file') : null),
        callback,
      );
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

function check(zip: ZipFile, entry: Entry, guard: Guard): ArchiveEntry | null {
  const { generalPurposeBitFlag, fileNameRaw, extraFields, uncompressedSize, compressedSize } = entry;
  const name = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false);
  const path = guard.admit(name, uncompressedSize, compressedSize);
  const kind = kindOf(entry);
  if (kind !== null) throw otherKind(name, kind);
  if (/[/\\]$/.test(name)) return null;
  if (entry.isEncrypted()) throw unsupported(`${quoted(name)} is encrypted`);
  if (!entry.canDecodeFileData())
    throw unsupported(`${quoted(name)} is packed by method ${entry.compressionMethod}`);
  return {
    path,
    bytes: uncompressedSize,
    open: () => Readable.from(read(zip, entry), { objectMode: false }),
  };
}

async function* read(zip: ZipFile, entry: Entry): AsyncGenerator<Buffer, void> {
  try {
    yield* (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>;
  } catch (error) {
    fail(error);
  }
}

const KINDS: Record<number, string> = {
  0o120000: 'link',
  0o020000: 'device',
  0o060000: 'device',
  0o010000: 'pipe',
  0o140000: 'socket',
};

/** What Unix programs write into the upper half of the attributes; null: a file or a folder. */
const kindOf = ({ externalFileAttributes }: Entry): string | null =>
  KINDS[(externalFileAttributes >>> 16) & 0o170000] ?? null;

const unsupported = (why: string) => new ShingoError('ARCHIVE_UNSUPPORTED', `${why}; pack it anew.`, 422);

function fail(error: unknown): never {
  // What the file system says has a code; what the library says of the archive has none, or zlib's.
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof ShingoError || (code && !code.startsWith('Z_'))) throw error;
  throw damaged(messageOf(error));
}
