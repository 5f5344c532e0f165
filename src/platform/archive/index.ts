/**
 * Reads zip, tar and tar.gz one entry at a time: nothing is written anywhere, memory does not grow with the archive,
 * and what could leave its folder or blow up is refused before it is handed out.
 */
import { open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { gunzipSync, constants } from 'node:zlib';
import { ShingoError } from '../error.js';
import { Guard, type ArchiveLimits } from './guard.js';
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
