/** An uploaded file made ready for the importer: an archive is unpacked, a packed label file too. */
import { createReadStream, createWriteStream } from 'node:fs';
import { link, mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { archiveKind, entries, gunzipped, isGzip, type ArchiveLimits } from '../../platform/archive/index.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext } from '../../platform/task.js';
import { mediaTypeOf } from '../formats/manifest/paths.js';

const LABELS = new Set(['.json', '.jsonl', '.yaml', '.yml', '.csv', '.txt']);
const isWanted = (path: string) =>
  (LABELS.has(extname(path).toLowerCase()) || mediaTypeOf(path) !== undefined) &&
  // What macOS packs beside every file under the same name.
  !path.split('/').some((part) => part === '__MACOSX' || part.startsWith('._'));

export interface PackedLabels {
  /** Of the blob. */
  sha256: string;
  /** As its owner calls it: the ending of a single file says what it is. */
  fileName: string;
  limits?: Partial<ArchiveLimits>;
}

/**
 * A label file, one packed with gzip, or a zip, tar or tar.gz of labels and pictures. Other files are passed over.
 * @returns the absolute path that `importLabels` takes: a folder with nothing else in it, in the task's own folder
 * @throws ShingoError BLOB_MISSING, ARCHIVE_*: see platform/archive
 */
export async function unpackLabels(
  task: Pick<TaskContext, 'blobs' | 'folder' | 'signal' | 'progress'>,
  { sha256, fileName, limits = {} }: PackedLabels,
): Promise<string> {
  const { blobs, folder, signal } = task;
  if (!(await blobs.has(sha256)))
    throw new ShingoError(
      'BLOB_MISSING',
      'The bytes of this upload are not here any more; send them again.',
      409,
    );
  const packed = await blobs.keep(sha256, join(folder, 'packed'));
  const root = join(folder, 'labels');
  await mkdir(root, { recursive: true });
  const name = basename(fileName.replaceAll('\\', '/')).replace(/[\x00-\x1f\x7f]/g, '_') || 'labels';
  if ((await archiveKind(packed)) !== null) {
    let files = 0;
    for await (const entry of entries(packed, limits)) {
      signal.throwIfAborted();
      if (!isWanted(entry.path)) continue;
      await writeEntry(join(root, entry.path), entry.path, () => entry.open());
      task.progress('UNPACKING', (files += 1), null);
    }
    return inner(root);
  }
  if (await isGzip(packed)) {
    const target = join(root, name.replace(/\.gz$/i, ''));
    await pipeline(await gunzipped(packed, limits), createWriteStream(target), { signal });
  } else {
    await link(packed, join(root, name)).catch(() =>
      pipeline(createReadStream(packed), createWriteStream(join(root, name)), { signal }),
    );
  }
  return root;
}

async function writeEntry(target: string, path: string, open: () => NodeJS.ReadableStream): Promise<void> {
  try {
    await mkdir(dirname(target), { recursive: true });
    await pipeline(open(), createWriteStream(target, { flags: 'wx' }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The same path twice, or a file where another entry has a folder.
    if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR')
      throw new ShingoError('ARCHIVE_ENTRY', `${JSON.stringify(path)} stands in the archive twice.`, 422);
    if (code === 'ENAMETOOLONG')
      throw new ShingoError('ARCHIVE_PATH', `${JSON.stringify(path.slice(0, 200))} is too long a path.`, 422);
    throw error;
  }
}

/** Most archives hold one folder with everything in it. */
async function inner(folder: string): Promise<string> {
  for (let at = folder; ;) {
    const found = await readdir(at, { withFileTypes: true });
    const [only] = found;
    // red/ alone is a class-named folder, not the folder of an archive.
    if (found.length !== 1 || !only?.isDirectory() || /^(red|yellow|green|off)$/.test(only.name)) return at;
    at = join(at, only.name);
  }
}
