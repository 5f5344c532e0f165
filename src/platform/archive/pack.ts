/** Files as one zip: the same files give the same bytes. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

/** Said in local time: zip has no time zone, and these digits must not depend on one. */
export const zipEntry = (compressionLevel: number) => ({
  mtime: new Date(1980, 0, 1),
  mode: 0o100644,
  forceDosTimestamp: true,
  compressionLevel,
});

/** Weights hardly shrink: level 1 takes a third of the time of the usual 6. */
const LEVEL = 1;

/** @param files path within the archive → a file's absolute path, or its content */
export async function packFiles(
  files: ReadonlyMap<string, { path: string } | { content: string }>,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const zip = new ZipFile();
  for (const [name, file] of files) {
    if ('path' in file) zip.addFile(file.path, name, zipEntry(LEVEL));
    else zip.addBuffer(Buffer.from(file.content), name, zipEntry(LEVEL));
  }
  zip.end();
  const failed = new Promise<never>((_, reject) => zip.once('error', reject));
  await Promise.race([
    pipeline(zip.outputStream, createWriteStream(target, { flags: 'wx' }), { signal }),
    failed,
  ]);
}
