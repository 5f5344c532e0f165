/**
 * Blobs in a folder: of this machine, or one that every machine mounts. A mark in it tells a folder that is there
 * from the empty one that is left where a mount has gone: nothing is written beside the store.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { access, link, mkdir, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  blobPath,
  isDigest,
  mismatch,
  missing,
  unavailable,
  type BlobStore,
  type ByteRange,
  type Received,
  type ReceiveOptions,
  type StoredBlob,
} from '../blobs.js';
import { forEachLimited } from '../concurrency.js';
import { digestOf, orFull, spool } from './spool.js';
import { Patience } from './waiting.js';

const MARK = '.shingo-blobs';
const OWNER = '.shingo-owner';
const DAY_MS = 86_400_000;
const STATS_AT_A_TIME = 16;

export class FolderBlobs implements BlobStore {
  private readonly patience: Patience;

  /** @param made whether another process, or this one, has made the folder: if it is not there then, it is away */
  constructor(
    private readonly folder: string,
    patienceMs = 0,
    private made = false,
  ) {
    this.patience = new Patience(patienceMs);
  }

  get pieces() {
    // Beside the blobs: a finished file gets there by a rename.
    return { folder: join(this.folder, 'partial') };
  }

  /** Absolute path of a blob, whether it is there or not. @throws ShingoError SHA256_INVALID */
  path(sha256: string): string {
    return join(this.folder, ...blobPath(sha256));
  }

  has(sha256: string): Promise<boolean> {
    return this.size(sha256).then(
      () => true,
      (error: unknown) => {
        if ((error as { code?: string }).code === 'BLOB_MISSING') return false;
        throw error;
      },
    );
  }

  async size(sha256: string): Promise<number> {
    const path = this.path(sha256);
    return this.patience.try(async () => {
      try {
        return (await stat(path)).size;
      } catch (error) {
        throw this.reasonOf(error, sha256);
      }
    });
  }

  async read(sha256: string, range?: ByteRange): Promise<Readable> {
    await this.size(sha256);
    return createReadStream(this.path(sha256), range);
  }

  async receive<T>(source: Readable, options: ReceiveOptions<T>): Promise<Received<T>> {
    // A source that fails before anyone listens to it would end the process; the pipeline hears of it all the same.
    source.once('error', () => undefined);
    await this.patience.try(async () => this.open());
    return spool(join(this.folder, 'incoming'), source, options, (file, sha256) =>
      this.patience.try(() => this.adopt(file, sha256)),
    );
  }

  async take(file: string, sha256: string): Promise<void> {
    const actual = await digestOf(file);
    if (actual !== sha256) throw mismatch(actual);
    await orFull(this.patience.try(() => this.adopt(file, sha256)));
  }

  async file(sha256: string): Promise<string> {
    await this.size(sha256);
    return this.path(sha256);
  }

  async use<T>(sha256: string, work: (path: string) => Promise<T>): Promise<T> {
    return work(await this.file(sha256));
  }

  /** Nobody looks whether it is there: of a hundred thousand pictures that would take seconds. */
  keep(sha256: string): Promise<string> {
    return Promise.resolve(this.path(sha256));
  }

  list(after: string | null, limit: number): Promise<StoredBlob[]> {
    return this.patience.try(async () => {
      this.open();
      const found: StoredBlob[] = [];
      const folders = (await readdir(this.folder)).filter((name) => /^[0-9a-f]{2}$/.test(name)).sort();
      for (const folder of folders) {
        if (after !== null && folder < after.slice(0, 2)) continue;
        const names = await readdir(join(this.folder, folder)).catch(noneIfGone([]));
        const digests = names
          .map((name) => folder + name)
          .filter((digest) => isDigest(digest) && (after === null || digest > after))
          .sort();
        // What is removed meanwhile makes room for more.
        while (digests.length > 0) {
          if (found.length === limit) return found;
          found.push(...(await this.statAll(digests.splice(0, limit - found.length))));
        }
      }
      return found;
    });
  }

  private async statAll(digests: string[]): Promise<StoredBlob[]> {
    const blobs: (StoredBlob | null)[] = [];
    await forEachLimited(digests, STATS_AT_A_TIME, async (sha256, at) => {
      const file = await stat(this.path(sha256)).catch(noneIfGone(null));
      blobs[at] = file && { sha256, bytes: file.size, changedAt: file.mtime };
    });
    return blobs.filter((blob) => blob !== null);
  }

  async remove(sha256: string): Promise<void> {
    const path = this.path(sha256);
    // Of a folder that is away nothing is known.
    this.open();
    await rm(path, { force: true });
  }

  owner(claimant: string, takeOver = false): Promise<string> {
    return this.patience.try(async () => {
      this.open();
      const path = join(this.folder, OWNER);
      try {
        // One that is owned is only read: a disk that is full must not keep its owner from making room.
        const known = takeOver ? null : await readFile(path, 'utf8').catch(noneIfGone(null));
        if (known !== null) return known;
        await orFull(this.writeOwner(path, claimant, takeOver));
        return await readFile(path, 'utf8');
      } catch (error) {
        throw this.reasonOf(error, OWNER);
      }
    });
  }

  private async writeOwner(path: string, claimant: string, takeOver: boolean): Promise<void> {
    // Whole before it has its name: of two who claim it at once the second finds the first one's.
    const mine = `${path}.${randomUUID()}`;
    try {
      await writeFile(mine, claimant);
      if (takeOver) await rename(mine, path);
      else
        await link(mine, path).catch((error: NodeJS.ErrnoException) =>
          // Some network file systems have no links; there the last of two who claim it at once has it.
          error.code === 'EEXIST' ? undefined : rename(mine, path),
        );
    } finally {
      await rm(mine, { force: true });
    }
  }

  patient(ms: number): FolderBlobs {
    return new FolderBlobs(this.folder, ms, this.made);
  }

  hurry(): void {
    this.patience.hurry();
  }

  async check(): Promise<void> {
    this.open();
    await access(join(this.folder, MARK));
  }

  /** Files that a process was killed over. */
  async sweep(): Promise<number> {
    const incoming = join(this.folder, 'incoming');
    let gone = 0;
    for (const name of await readdir(incoming).catch(() => [])) {
      const path = join(incoming, name);
      const found = await stat(path).catch(() => null);
      if (!found || Date.now() - found.mtimeMs < DAY_MS) continue;
      await rm(path, { force: true });
      gone += 1;
    }
    return gone;
  }

  /** Makes the folder once; from then on it is there, or it is away. @throws ShingoError BLOB_STORE_UNAVAILABLE */
  private open(): void {
    const mark = join(this.folder, MARK);
    if (!this.made) {
      mkdirSync(this.folder, { recursive: true });
      writeFileSync(mark, '', { flag: 'a' });
      this.made = true;
    }
    try {
      statSync(mark);
    } catch {
      throw unavailable(`its folder ${this.folder} is not there`);
    }
  }

  private reasonOf(error: unknown, sha256: string): unknown {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      try {
        if (this.made) this.open();
      } catch (away) {
        return away;
      }
      return missing(sha256);
    }
    return isAway(code) ? unavailable(code) : error;
  }

  /** Takes a finished file into the store by renaming it (same disk) after it is on the platter. */
  private async adopt(partial: string, sha256: string): Promise<void> {
    this.open();
    const target = this.path(sha256);
    await mkdir(dirname(target), { recursive: true });
    const file = await open(partial, 'r+');
    await file.sync().finally(() => file.close());
    await rename(partial, target);
    const folder = await open(dirname(target), 'r');
    await folder.sync().finally(() => folder.close());
  }
}

const isAway = (code: string | undefined): code is string =>
  code === 'EIO' || code === 'ESTALE' || code === 'EHOSTDOWN';

/** For a catch. @throws ShingoError BLOB_STORE_UNAVAILABLE */
const noneIfGone =
  <T>(none: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return none;
    throw isAway(error.code) ? unavailable(error.code) : error;
  };
