import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';

export interface Picture {
  path: string;
  bytes: number;
}

/** The file of a row, inside the folder and readable; throws an Error whose message follows the file's name. */
export async function findPicture(realRoot: string, file: string): Promise<Picture> {
  if (path.posix.isAbsolute(file) || path.win32.isAbsolute(file) || /^[A-Za-z]:/.test(file)) {
    throw new Error('is an absolute path; write it relative to the folder');
  }
  if (!isInside(realRoot, path.resolve(realRoot, file))) throw new Error('leaves the folder');
  let real: string;
  try {
    real = await realpath(path.join(realRoot, file));
  } catch (error) {
    throw new Error(explain(error as NodeJS.ErrnoException, file));
  }
  // A link may lead anywhere: an import must not publish what lies beside the folder.
  if (!isInside(realRoot, real)) throw new Error('is a link that leaves the folder');
  const found = await stat(real);
  if (!found.isFile()) throw new Error('is not a file');
  if (found.size === 0) throw new Error('has no bytes');
  return { path: real, bytes: found.size };
}

export function isInside(root: string, target: string): boolean {
  const relative = path.relative(root, target);
  return (
    relative !== '' &&
    relative !== '..' &&
    !relative.startsWith(`..${path.sep}`) &&
    !path.isAbsolute(relative)
  );
}

function explain(error: NodeJS.ErrnoException, file: string): string {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    return file.includes('\\')
      ? 'does not exist (folders are separated by "/", not by "\\")'
      : 'does not exist';
  }
  if (error.code === 'ELOOP') return 'is a link that leads in a circle';
  if (error.code === 'EACCES') return 'may not be read';
  return `cannot be read (${error.code})`;
}

const MEDIA_TYPES: Record<string, string> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.avif': 'image/avif',
  '.bmp': 'image/bmp',
};

/** By the name's end; undefined for a name that no picture has. The server looks at the bytes. */
export function mediaTypeOf(file: string): string | undefined {
  return MEDIA_TYPES[path.extname(file).toLowerCase()];
}
