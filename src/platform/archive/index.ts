/**
 * Reads zip, tar and tar.gz one entry at a time: nothing is written anywhere, memory does not grow with the archive,
 * and what could leave its folder or blow up is refused before it is handed out.
 */
import { open, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { Readable, pipeline } from 'node:stream';
import { createGunzip, gunzipSync, constants } from 'node:zlib';
import { ShingoError, messageOf } from '../error.js';
import { damaged, Guard, type ArchiveLimits } from './guard.js';
import { tarEntries } from './tar.js';
import { zipEntries } from './zip.js';

export type { ArchiveLimits } from './guard.js';

/** A file within an archive. */
export interface ArchiveEntry {
  /** Parts parted by `/`, relative: never empty, never with `.` or `..`. */
  path: string;
  /** As the archive says; a stream that gives more or fewer fails. */
  bytes: number;
  /** Its content, once, before the next entry is taken. What is not opened is passed over. */
  open(): Readable;
}

export type ArchiveKind = 'zip' | 'tar' | 'tar.gz';

/** From its first bytes, whatever it is called; null: a file of its own. */
export async function archiveKind(localFile: string): Promise<ArchiveKind | null> {
  const head = await firstBytes(localFile, 4096);
  const magic = head.toString('latin1', 0, 4);
  // The second is that of a zip with nothing in it.
  if (magic === 'PK\x03\x04' || magic === 'PK\x05\x06') return 'zip';
  if (isTar(head)) return 'tar';
  if (head[0] === 0x1f && head[1] === 0x8b && isTar(beginningOf(head))) return 'tar.gz';
  return null;
}

/**
 * The files of an archive, in its order; folders are not told of. Streams are good until the next entry is taken.
 * @throws ShingoError ARCHIVE_UNKNOWN, ARCHIVE_PATH (absolute, `..`, …), ARCHIVE_ENTRY (a link, a device),
 *   ARCHIVE_TOO_LARGE (too many or too large once unpacked), ARCHIVE_DAMAGED, ARCHIVE_UNSUPPORTED (encrypted, …);
 *   the streams fail with the same codes
 */
export async function* entries(
  localFile: string,
  limits: Partial<ArchiveLimits> = {},
): AsyncGenerator<ArchiveEntry, void> {
  const kind = await archiveKind(localFile);
  if (kind === null)
    throw new ShingoError('ARCHIVE_UNKNOWN', 'This is neither a zip nor a tar nor a tar.gz file.', 422);
  const guard = new Guard((await stat(localFile)).size, limits);
  yield* kind === 'zip' ? zipEntries(localFile, guard) : tarEntries(localFile, kind === 'tar.gz', guard);
}

/** A file of its own, packed; or a tar.gz. */
export async function isGzip(localFile: string): Promise<boolean> {
  const head = await firstBytes(localFile, 2);
  return head[0] === 0x1f && head[1] === 0x8b;
}

/**
 * The bytes of a packed file.
 * @throws ShingoError the stream fails with ARCHIVE_TOO_LARGE, ARCHIVE_DAMAGED
 */
export async function gunzipped(localFile: string, limits: Partial<ArchiveLimits> = {}): Promise<Readable> {
  const guard = new Guard((await stat(localFile)).size, limits);
  return Readable.from(unpacked(localFile, guard), { objectMode: false });
}

async function* unpacked(localFile: string, guard: Guard): AsyncGenerator<Buffer, void> {
  const file = createReadStream(localFile);
  try {
    const plain = guard.meter();
    // What goes wrong is thrown by reading.
    pipeline(file, createGunzip(), plain, () => undefined);
    yield* plain as AsyncIterable<Buffer>;
  } catch (error) {
    // What zlib says has its own codes; what the file system says is no fault of the file.
    if (error instanceof ShingoError || (error as NodeJS.ErrnoException).syscall) throw error;
    throw damaged(messageOf(error));
  } finally {
    file.destroy();
  }
}

async function firstBytes(localFile: string, length: number): Promise<Buffer> {
  const file = await open(localFile, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The magic of POSIX and GNU; without it (before 1988) nothing tells a tar from any other file. */
const isTar = (bytes: Buffer): boolean => bytes.toString('latin1', 257, 262) === 'ustar';

function beginningOf(gzipped: Buffer): Buffer {
  try {
    return gunzipSync(gzipped, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 8 * 2 ** 20 });
  } catch {
    return Buffer.alloc(0);
  }
}
