/** Between a trainer's folder and the blob store. */
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { BlobStore } from '../../platform/blobs.js';

/** By relative path, with forward slashes. */
export type StoredFiles = Record<string, string>;

/** The path of something that a trainer names, which must lie in its own folder. */
export async function inside(folder: string, path: string): Promise<string> {
  const root = await realpath(folder);
  const target = await realpath(resolve(root, path));
  const within = relative(root, target);
  if (within === '..' || within.startsWith(`..${sep}`) || isAbsolute(within)) {
    throw new Error(`The trainer names ${JSON.stringify(path)}, which is outside of its folder.`);
  }
  return target;
}

export async function storeFile(blobs: BlobStore, path: string): Promise<{ sha256: string; bytes: number }> {
  // Opened here: a stream that fails to open before anyone listens would end the process.
  const file = await open(path);
  const { sha256, bytes } = await blobs.receive(file.createReadStream(), { maxBytes: Infinity });
  return { sha256, bytes };
}

export async function storeFolder(blobs: BlobStore, folder: string): Promise<StoredFiles> {
  const files: StoredFiles = {};
  const names = (await readdir(folder, { recursive: true })).sort();
  for (const name of names) {
    const path = join(folder, name);
    // Neither links nor anything else that is not plainly a file.
    if ((await lstat(path)).isFile())
      files[name.split(sep).join('/')] = (await storeFile(blobs, path)).sha256;
  }
  return files;
}

/** Copies, not links: a blob must not change even if a trainer writes into its inputs. */
export async function restoreFiles(blobs: BlobStore, files: StoredFiles, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, sha256] of Object.entries(files)) {
    const target = join(folder, ...name.split('/'));
    await mkdir(dirname(target), { recursive: true });
    await blobs.use(sha256, (path) => copyFile(path, target, constants.COPYFILE_FICLONE));
  }
}
