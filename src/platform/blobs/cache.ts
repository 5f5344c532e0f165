/**
 * Copies of blobs of a remote store, for code that reads files. Any number of processes of a host share the folder:
 * nothing about it is kept in memory but a rough sum. A file in use has a second name (a hard link), so whoever clears
 * away takes the first from whatever was not used for longest and harms nobody.
 *
 *   ab/cdef…        copies; the time of change is when it was used last
 *   lent/ab…        what `file` gave away, for LENT_MS
 *   pins/uuid       what `use` works on now
 *   incoming/uuid   on its way in
 */
import { randomUUID } from 'node:crypto';
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { blobPath } from '../blobs.js';
import { orFull } from './spool.js';

const LENT_MS = 10 * 60_000;
const DAY_MS = 86_400_000;
/** A copy that was used is marked so at most so often. */
const TOUCH_MS = 60_000;
/** What is cleared away when the room is used up, so that this is not done for every file. */
const CLEAR_TO = 0.8;

/** Puts the bytes of a blob into a file, checked. */
export type Fetch = (sha256: string, file: string) => Promise<void>;

export class FileCache {
  /** Those on their way: whoever asks for one of them waits for it. */
  private readonly fetching = new Map<string, Promise<void>>();
  /** Bytes of copies; null: nobody has looked. */
  private total: number | null = null;
  private clearing: Promise<void> | null = null;

  constructor(
    private readonly folder: string,
    private readonly maxBytes: number,
    private readonly fetch: Fetch,
  ) {}

  /** Folder for files that are to become copies or blobs. */
  get incoming(): string {
    return join(this.folder, 'incoming');
  }

  async file(sha256: string): Promise<string> {
    const lent = join(this.folder, 'lent', sha256);
    const now = new Date();
    // The name of one that is lent already is good for another while.
    const known = await utimes(lent, now, now).then(
      () => true,
      () => false,
    );
    if (!known) await this.named(sha256, lent);
    return lent;
  }

  async use<T>(sha256: string, work: (path: string) => Promise<T>): Promise<T> {
    const pin = join(this.folder, 'pins', randomUUID());
    await this.named(sha256, pin);
    try {
      return await work(pin);
    } finally {
      await rm(pin, { force: true });
    }
  }

  async keep(sha256: string, folder: string): Promise<string> {
    const kept = join(folder, ...blobPath(sha256));
    await this.named(sha256, kept);
    return kept;
  }

  /** A file of `incoming` whose content is known to be the blob's becomes its copy. */
  async adopt(file: string, sha256: string, bytes: number): Promise<void> {
    const copy = this.copyOf(sha256);
    await mkdir(dirname(copy), { recursive: true });
    // Nobody checks a copy again: it is on the platter before it has its name.
    const written = await open(file, 'r+');
    await written.datasync().finally(() => written.close());
    await rename(file, copy);
    this.account(bytes);
  }

  private copyOf(sha256: string): string {
    return join(this.folder, ...blobPath(sha256));
  }

  /** Gives the copy another name, fetching it first where it is not there, or not there any more. */
  private async named(sha256: string, name: string): Promise<void> {
    const copy = this.copyOf(sha256);
    await mkdir(dirname(name), { recursive: true });
    for (let tries = 0; ; tries += 1) {
      try {
        await link(copy, name);
        return void this.touch(copy);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EEXIST') return;
        // Another disk, or one that knows no links.
        if (code === 'EXDEV' || code === 'EPERM') return orFull(copyFile(copy, name));
        if (code !== 'ENOENT' || tries === 3) throw error;
      }
      await mkdir(dirname(name), { recursive: true });
      await this.once(sha256);
    }
  }

  private async touch(copy: string): Promise<void> {
    try {
      const now = new Date();
      if (now.getTime() - (await stat(copy)).mtimeMs > TOUCH_MS) await utimes(copy, now, now);
    } catch {
      // It was cleared away in between.
    }
  }

  private once(sha256: string): Promise<void> {
    let fetching = this.fetching.get(sha256);
    if (!fetching) {
      fetching = this.fetchNew(sha256).finally(() => this.fetching.delete(sha256));
      this.fetching.set(sha256, fetching);
    }
    return fetching;
  }

  private async fetchNew(sha256: string): Promise<void> {
    await mkdir(this.incoming, { recursive: true });
    const file = join(this.incoming, randomUUID());
    try {
      await this.fetch(sha256, file);
      await this.adopt(file, sha256, (await stat(file)).size);
    } finally {
      await rm(file, { force: true });
    }
  }

  private account(bytes: number): void {
    if (this.total !== null) this.total += bytes;
    if (this.clearing || (this.total !== null && this.total <= this.maxBytes)) return;
    // What cannot be cleared away now is cleared away with the next file.
    this.clearing = this.clear()
      .catch(() => undefined)
      .finally(() => (this.clearing = null));
  }

  /** Looks at the whole folder and removes what was not used for longest, if there is too much. */
  async clear(): Promise<void> {
    const copies: { path: string; bytes: number; used: number }[] = [];
    for (const name of await readdir(this.folder).catch(() => [])) {
      if (!/^[0-9a-f]{2}$/.test(name)) continue;
      for (const path of await inside(join(this.folder, name))) {
        const found = await stat(path).catch(() => null);
        if (found) copies.push({ path, bytes: found.size, used: found.mtimeMs });
      }
    }
    let total = copies.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total > this.maxBytes) {
      for (const { path, bytes } of copies.sort((a, b) => a.used - b.used)) {
        if (total <= this.maxBytes * CLEAR_TO) break;
        await rm(path, { force: true });
        total -= bytes;
      }
    }
    this.total = total;
  }

  /** What processes that were killed have left, and what was lent long ago. Returns how many files went. */
  async sweep(): Promise<number> {
    const ages = { lent: LENT_MS, pins: DAY_MS, incoming: DAY_MS };
    let gone = 0;
    for (const [name, age] of Object.entries(ages)) {
      for (const path of await inside(join(this.folder, name))) {
        const found = await stat(path).catch(() => null);
        if (!found || Date.now() - found.mtimeMs < age) continue;
        await rm(path, { force: true });
        gone += 1;
      }
    }
    await this.clear();
    return gone;
  }
}

const inside = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
