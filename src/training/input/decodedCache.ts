/**
 * Decoded pixels on disk, so that a picture is decoded once and not in each training. Any number of trainers share one
 * folder: a file appears whole by a rename, its checksum is compared when it is read, and whoever has written much
 * removes what was not used for longest. A cache that cannot be written to is none; nothing fails because of it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { pixelBytes, type Decoded, type DecodeRequest } from './decode.js';

export interface CacheSettings {
  folder: string;
  /** Room for its files, bytes. */
  bytes: number;
}

/** Another number wherever `decode` gives other pixels for the same request. */
const VERSION = 1;
/** Checksum of all that follows, width and height of the picture; 32 bits each. */
const HEADER = 12;
/** A trainer that was killed while it wrote leaves one of these; none takes that long to write. */
const TEMPORARY = '.tmp';
const ABANDONED_MS = 3_600_000;

export class DecodedCache {
  private written = 0;
  private full = false;

  constructor(private readonly settings: CacheSettings) {}

  /** Of the picture's content and everything that its pixels depend on. */
  key(encoded: Buffer, request: DecodeRequest): string {
    const content = createHash('sha256').update(encoded).digest('hex');
    return createHash('sha256')
      .update(JSON.stringify([VERSION, content, request]))
      .digest('hex');
  }

  /** Null where it is not there, was cut off or is damaged. */
  async get(key: string, request: DecodeRequest): Promise<Decoded | null> {
    const path = this.path(key);
    const file = await readFile(path).catch(() => null);
    if (!file || file.length !== HEADER + pixelBytes(request)) return null;
    if (crc32(file.subarray(4)) !== file.readUInt32LE(0)) return null;
    const now = new Date();
    // Used now: among the last to go. Another trainer may just have removed it.
    await utimes(path, now, now).catch(() => undefined);
    const native = { width: file.readUInt32LE(4), height: file.readUInt32LE(8) };
    return { pixels: new Uint8Array(file.subarray(HEADER)), native };
  }

  async put(key: string, { pixels, native }: Decoded): Promise<void> {
    const size = HEADER + pixels.length;
    if (this.full || size > this.settings.bytes) return;
    const file = Buffer.allocUnsafe(size);
    file.writeUInt32LE(native.width, 4);
    file.writeUInt32LE(native.height, 8);
    file.set(pixels, HEADER);
    file.writeUInt32LE(crc32(file.subarray(4)), 0);
    const temporary = `${this.path(key)}.${randomUUID()}${TEMPORARY}`;
    try {
      await mkdir(join(temporary, '..'), { recursive: true });
      await writeFile(temporary, file);
      await rename(temporary, this.path(key));
    } catch {
      // The disk is full, or may not be written to: the training goes on without.
      this.full = true;
      await rm(temporary, { force: true }).catch(() => undefined);
    }
    this.written += size;
    // With n trainers at most n tenths too much.
    if (this.written > this.settings.bytes / 10) await this.sweep();
  }

  /** Removes what was not used for longest until nine tenths of the room are taken, and what was never finished. */
  async sweep(): Promise<void> {
    this.written = 0;
    const files = await this.files();
    let room = this.settings.bytes * 0.9;
    const abandoned = Date.now() - ABANDONED_MS;
    files.sort((a, b) => b.used - a.used);
    for (const { path, size, used } of files) {
      room -= size;
      const keep = path.endsWith(TEMPORARY) ? used >= abandoned : room >= 0;
      if (!keep) await rm(path, { force: true }).catch(() => undefined);
    }
  }

  private async files(): Promise<{ path: string; size: number; used: number }[]> {
    const entries = await readdir(this.settings.folder, { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    const files = [];
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const found = await stat(path).catch(() => null);
      if (found) files.push({ path, size: found.size, used: found.mtimeMs });
    }
    return files;
  }

  private path(key: string): string {
    return join(this.settings.folder, key.slice(0, 2), key);
  }
}
