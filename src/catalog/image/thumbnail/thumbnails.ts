/**
 * Small versions of pictures, made when they are first asked for and kept as files. The folder may be deleted at any
 * time: it holds nothing that cannot be made again.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobStore } from '../../../platform/blobs.js';
import type { Log } from '../../../platform/log.js';
import { makeThumbnail } from '../picture/index.js';

/** What thumbnails are made in; any width asked for is rounded up to one of them, so that few files do. */
export const THUMBNAIL_WIDTHS = [64, 128, 256, 512, 1024] as const;
export type ThumbnailFormat = 'webp' | 'jpeg';

export interface Thumbnail {
  sha256: string;
  width: number;
  format: ThumbnailFormat;
}

/** The smallest width that is made and shows as many pixels; never more than the largest. */
export const thumbnailWidth = (wanted: number): number =>
  THUMBNAIL_WIDTHS.find((width) => width >= wanted) ?? 1024;

/** A file that was asked for is marked as used at most so often. */
const TOUCH_MS = 3_600_000;
/** What is cleared away when the folder is full, so that this is not done for every file. */
const CLEAR_TO = 0.8;

export class Thumbnails {
  /** Those being made now: whoever asks for one of them waits for it. */
  private readonly making = new Map<string, Promise<Buffer>>();
  /** Bytes in the folder; null: nobody has looked. */
  private total: number | null = null;
  private clearing: Promise<void> | null = null;

  constructor(
    private readonly folder: string,
    private readonly maxBytes: number,
    private readonly blobs: BlobStore,
    private readonly log: Log,
  ) {}

  /** @throws PictureError, or as the file system does, where the picture cannot be read */
  async get(thumbnail: Thumbnail): Promise<Buffer> {
    const file = this.path(thumbnail);
    return (await this.kept(file)) ?? this.once(file, thumbnail);
  }

  private path({ sha256, width, format }: Thumbnail): string {
    return join(this.folder, sha256.slice(0, 2), `${sha256.slice(2)}-${width}.${format}`);
  }

  private async kept(file: string): Promise<Buffer | null> {
    try {
      const bytes = await readFile(file);
      void this.touch(file);
      return bytes;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  private async touch(file: string): Promise<void> {
    try {
      const now = new Date();
      if (now.getTime() - (await stat(file)).mtimeMs > TOUCH_MS) await utimes(file, now, now);
    } catch {
      // It was cleared away in between.
    }
  }

  private once(file: string, thumbnail: Thumbnail): Promise<Buffer> {
    let making = this.making.get(file);
    if (!making) {
      making = this.make(file, thumbnail).finally(() => this.making.delete(file));
      this.making.set(file, making);
    }
    return making;
  }

  private async make(file: string, { sha256, width, format }: Thumbnail): Promise<Buffer> {
    await mkdir(dirname(file), { recursive: true });
    const partial = join(dirname(file), `${randomUUID()}.partial`);
    try {
      await this.blobs.use(sha256, (path) => makeThumbnail(path, { width, format, output: partial }));
      const bytes = await readFile(partial);
      await rename(partial, file);
      this.account(bytes.length);
      return bytes;
    } finally {
      await rm(partial, { force: true });
    }
  }

  private account(bytes: number): void {
    if (this.total !== null) this.total += bytes;
    if (this.clearing || (this.total !== null && this.total <= this.maxBytes)) return;
    this.clearing = this.clear()
      .catch((error: unknown) => this.log.warn({ err: error }, 'old thumbnails could not be cleared away'))
      .finally(() => (this.clearing = null));
  }

  /** Looks at the whole folder and removes what was not used for longest, if there is too much. */
  async clear(): Promise<void> {
    const files: { path: string; bytes: number; used: number }[] = [];
    for (const entry of await readdir(this.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const found = await stat(path).catch(() => null);
      const inTheMaking = entry.name.endsWith('.partial') && Date.now() - (found?.mtimeMs ?? 0) < TOUCH_MS;
      if (found && !inTheMaking) files.push({ path, bytes: found.size, used: found.mtimeMs });
    }
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total > this.maxBytes) {
      for (const { path, bytes } of files.sort((a, b) => a.used - b.used)) {
        if (total <= this.maxBytes * CLEAR_TO) break;
        await rm(path, { force: true });
        total -= bytes;
      }
    }
    this.total = total;
  }
}
