/** What pictures are called in an export: the readers of a format find a picture by its name, and by nothing else. */
import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { fileNameOf } from '../read/problem.js';
import { mediaTypeOf } from '../manifest/paths.js';
import { safePath, type VersionFrame } from './writer.js';

/** File systems take 255 bytes a part, archives of ours 1,024 characters in all. */
const MAX_PART_BYTES = 200;
const MAX_BYTES = 800;

export class FileNames {
  /** By the first 52 bits of a digest: 40 MB for a million names. Should two meet, one is renamed without need. */
  private readonly taken = new Set<number>();
  /** Whether the last one that was taken differs from the file name. */
  changed = false;

  /** @param pictures they come along, so that names are paths too */
  constructor(private readonly pictures: boolean) {}

  /** The file name if it can stand, and no earlier one is the same; else one like it. */
  take({ fileName, mediaType }: Pick<VersionFrame, 'fileName' | 'mediaType'>): string {
    const given = this.pictures && mediaTypeOf(fileName) === undefined ? endingOf(mediaType) : '';
    const fit = this.pictures || !isRelative(fileName) ? short(safePath(fileName)) + given : fileName;
    const extension = extname(fit);
    const stem = fit.slice(0, fit.length - extension.length);
    let name = fit;
    for (let n = 2; this.has(name); n += 1) name = `${stem}-${n}${extension}`;
    this.changed = name !== fileName;
    return name;
  }

  private has(name: string): boolean {
    const key = parseInt(digest(name).slice(0, 13), 16);
    if (this.taken.has(key)) return true;
    this.taken.add(key);
    return false;
  }
}

/** Without one nobody takes it for a picture. */
const endingOf = (mediaType: string | null | undefined): string =>
  mediaType?.startsWith('image/') ? `.${mediaType.slice(6).replace('jpeg', 'jpg')}` : '';

function isRelative(fileName: string): boolean {
  try {
    return fileNameOf('', fileName) === fileName;
  } catch {
    return false;
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex');

function short(path: string): string {
  const fits =
    Buffer.byteLength(path) <= MAX_BYTES &&
    path.split('/').every((part) => Buffer.byteLength(part) <= MAX_PART_BYTES);
  return fits ? path : `${digest(path)}${extname(path).slice(0, 8)}`;
}
