/**
 * Files that arrive in pieces, kept as objects in the bucket: every API process takes the next piece, whichever took
 * the last. An object `file/offset-random` is what was received at `offset`; what a file has is how far they reach
 * without a gap, so nothing beside them can disagree. Where two are at one offset (a writer that was given up and is
 * still at it, a last one that has grown) the longer counts: what was acknowledged never goes. Whether the bytes are
 * the file's is told by the digest at the end.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { BlobStore, PieceStore } from './blobs.js';
import { ShingoError } from './error.js';
import { Partials, checkName, checkOffset, checkTotal, type Piece } from './partials.js';

/** Held in memory until it is stored: what one upload costs, and what a cut connection can lose of it at most. */
const PIECE_BYTES = 8 * 2 ** 20;
const DIGITS = 15;

interface Stored {
  name: string;
  offset: number;
  bytes: number;
}

export class PartialPieces extends Partials {
  constructor(private readonly store: PieceStore) {
    super();
  }

  async size(name: string): Promise<number> {
    return endOf((await this.pieces(name)).at(-1));
  }

  async append(name: string, source: Readable, { offset, total, signal }: Piece): Promise<number> {
    if (offset === null) await this.remove(name);
    const pieces = await this.pieces(name);
    checkOffset(offset, endOf(pieces.at(-1)));
    const writer = await this.writer(name, pieces.at(-1));
    const stop = () => source.destroy(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      for await (const chunk of source as AsyncIterable<Buffer>) {
        checkTotal(writer.end + chunk.length, total);
        await writer.write(chunk);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      await writer.flush();
    }
    return writer.end;
  }

  async takeInto(blobs: BlobStore, name: string, sha256: string): Promise<void> {
    const { store } = this;
    const pieces = await this.pieces(name);
    async function* bytes(): AsyncGenerator<Buffer> {
      for (const piece of pieces) yield* (await store.read(piece.name)) as AsyncIterable<Buffer>;
    }
    const source = Readable.from(bytes(), { objectMode: false });
    await blobs.receive(source, { maxBytes: endOf(pieces.at(-1)), sha256 }).catch(async (error: unknown) => {
      // Another process has completed the same upload, and the pieces are gone.
      const gone = error instanceof ShingoError && error.code === 'BLOB_MISSING';
      if (!gone || !(await blobs.has(sha256))) throw error;
    });
    await this.remove(name);
  }

  async remove(name: string): Promise<void> {
    checkName(name);
    await this.store.remove((await this.store.list(`${name}/`)).map((piece) => piece.name));
  }

  async idle(): Promise<string[]> {
    const names = (await this.store.list('')).map(({ name }) => name.split('/')[0] ?? '');
    return [...new Set(names)].filter((name) => this.isIdle(name));
  }

  /** Nobody can say of a bucket. */
  free(): Promise<number> {
    return Promise.resolve(Infinity);
  }

  /** Those that make up the file, from its start to the first gap. */
  private async pieces(name: string): Promise<Stored[]> {
    checkName(name);
    const longest = new Map<number, Stored>();
    for (const { name: key, bytes } of await this.store.list(`${name}/`)) {
      const offset = Number(key.slice(name.length + 1, name.length + 1 + DIGITS));
      if (bytes > (longest.get(offset)?.bytes ?? 0)) longest.set(offset, { name: key, offset, bytes });
    }
    const pieces: Stored[] = [];
    for (let next = longest.get(0); next; next = longest.get(endOf(next))) pieces.push(next);
    return pieces;
  }

  /** Goes on from the last piece, which grows until it is full: a file of many small requests has few objects. */
  private async writer(name: string, last: Stored | undefined) {
    const { store } = this;
    const grows = last !== undefined && last.bytes < PIECE_BYTES;
    let start = grows ? last.offset : endOf(last);
    let before = grows ? last.name : null;
    let held: Buffer[] = grows ? [await buffer(await store.read(last.name))] : [];
    let stored = grows ? last.bytes : 0;
    let length = stored;
    async function flush(): Promise<void> {
      if (length === stored) return;
      const key = `${name}/${String(start).padStart(DIGITS, '0')}-${randomUUID().slice(0, 8)}`;
      await store.put(key, Buffer.concat(held));
      if (before !== null) await store.remove([before]);
      [before, stored] = [key, length];
      if (length < PIECE_BYTES) return;
      start += length;
      [before, held, stored, length] = [null, [], 0, 0];
    }
    return {
      get end() {
        return start + length;
      },
      flush,
      async write(chunk: Buffer): Promise<void> {
        held.push(chunk);
        length += chunk.length;
        if (length >= PIECE_BYTES) await flush();
      },
    };
  }
}

const endOf = (piece: Stored | undefined): number => (piece ? piece.offset + piece.bytes : 0);
