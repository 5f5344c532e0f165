/** Blobs in an S3 bucket, at prefix/ab/cdef…; what needs a file gets a copy from the cache of this host. */
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import {
  blobPath,
  checkDigest,
  isDigest,
  isUnavailable,
  mismatch,
  missing,
  REMOVE_MS,
  unavailable,
  type BlobStore,
  type ByteRange,
  type PieceStore,
  type Received,
  type ReceiveOptions,
  type StoredBlob,
} from '../blobs.js';
import { ShingoError } from '../error.js';
import { FileCache } from './cache.js';
import { failureOf, isNotFound } from './s3Client.js';
import type { S3Address } from './url.js';
import { S3Pieces } from './s3Pieces.js';
import { digestOf, orFull, spool } from './spool.js';
import { Patience } from './waiting.js';

/** Larger ones go in parts, which are tried again one by one. */
const PART_BYTES = 16 * 2 ** 20;
const PARTS_AT_A_TIME = 3;
/** S3 takes no more parts. */
const MOST_PARTS = 10_000;
const DAY_MS = 86_400_000;
/** In one answer of S3, which gives no more. */
const LISTED = 1000;

export interface S3Parts {
  client: S3Client;
  address: S3Address;
  cache: { folder: string; maxBytes: number };
}

export class S3Blobs implements BlobStore {
  readonly pieces: PieceStore;
  private readonly cache: FileCache;
  private readonly patience: Patience;

  constructor(
    private readonly parts: S3Parts,
    patienceMs = 0,
  ) {
    const { client, address, cache } = parts;
    this.patience = new Patience(patienceMs);
    this.cache = new FileCache(cache.folder, cache.maxBytes, (sha256, file) => this.fetch(sha256, file));
    this.pieces = new S3Pieces(client, address);
  }

  has(sha256: string): Promise<boolean> {
    return this.size(sha256).then(
      () => true,
      (error: unknown) => {
        if (isMissing(error)) return false;
        throw error;
      },
    );
  }

  async size(sha256: string): Promise<number> {
    const target = this.target(sha256);
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
    const head = await this.ask(sha256, () => this.parts.client.send(new HeadObjectCommand(target)));
    return head.ContentLength ?? 0;
  }

  async read(sha256: string, range?: ByteRange): Promise<Readable> {
    const bytes = await this.patience.try(() => this.open(sha256, range));
    if (range) return bytes;
    const checked = checking(sha256);
    // Whoever reads hears of it by the stream.
    pipeline(bytes, checked).catch(() => undefined);
    return checked;
  }

  async receive<T>(source: Readable, options: ReceiveOptions<T>): Promise<Received<T>> {
    // To this disk first: what is on it can be sent again, and nothing has its name before it was looked at.
    return spool(this.cache.incoming, source, options, (file, sha256, bytes) =>
      this.adopt(file, sha256, bytes),
    );
  }

  async take(file: string, sha256: string): Promise<void> {
    const actual = await digestOf(file);
    if (actual !== sha256) throw mismatch(actual);
    await this.upload(file, sha256, (await stat(file)).size);
    await rm(file, { force: true });
  }

  async file(sha256: string): Promise<string> {
    checkDigest(sha256);
    return this.cache.file(sha256);
  }

  async use<T>(sha256: string, work: (path: string) => Promise<T>): Promise<T> {
    checkDigest(sha256);
    return this.cache.use(sha256, work);
  }

  async keep(sha256: string, folder: string): Promise<string> {
    checkDigest(sha256);
    return this.cache.keep(sha256, folder);
  }

  async list(after: string | null, limit: number): Promise<StoredBlob[]> {
    const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
    const { bucket, prefix } = this.parts.address;
    const found: StoredBlob[] = [];
    let from = after === null ? undefined : this.target(after).Key;
    for (;;) {
      const question = { Bucket: bucket, Prefix: prefix, StartAfter: from, MaxKeys: Math.min(limit, LISTED) };
      const { Contents = [], IsTruncated } = await this.patience.try(() =>
        this.parts.client.send(new ListObjectsV2Command(question)).catch((error: unknown) => {
          throw failureOf(error);
        }),
      );
      for (const { Key = '', Size = 0, LastModified } of Contents) {
        const name = Key.slice(prefix.length);
        const sha256 = name.replace(/^(..)\//, '$1');
        // Whatever begins with another letter, such as partial/, comes after the blobs.
        if (name > 'g') return found;
        if (!isDigest(sha256) || name === sha256 || !LastModified) continue;
        found.push({ sha256, bytes: Size, changedAt: LastModified });
        if (found.length === limit) return found;
      }
      from = Contents.at(-1)?.Key;
      if (!IsTruncated || from === undefined) return found;
    }
  }

  async remove(sha256: string): Promise<void> {
    const target = this.target(sha256);
    const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
    const abortSignal = AbortSignal.timeout(REMOVE_MS);
    try {
      await this.parts.client.send(new DeleteObjectCommand(target), { abortSignal });
    } catch (error) {
      // AWS says nothing of what was not there; others do.
      if (!isNotFound(error)) throw abortSignal.aborted ? unavailable('no answer') : failureOf(error);
    }
  }

  owner(claimant: string, takeOver = false): Promise<string> {
    return this.patience.try(async () => {
      try {
        const known = takeOver ? null : await this.readOwner();
        return known ?? (await this.writeOwner(claimant, takeOver));
      } catch (error) {
        throw failureOf(error);
      }
    });
  }

  private async readOwner(): Promise<string | null> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    try {
      const { Body } = await this.parts.client.send(new GetObjectCommand(this.ownerTarget()));
      return (await Body?.transformToString()) ?? null;
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  private async writeOwner(claimant: string, takeOver: boolean): Promise<string> {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const put = (IfNoneMatch?: '*') =>
      this.parts.client.send(new PutObjectCommand({ ...this.ownerTarget(), Body: claimant, IfNoneMatch }));
    try {
      // Of two who claim it at once the second is refused.
      await put(takeOver ? undefined : '*');
    } catch (error) {
      const { name = '' } = error as { name?: string };
      // A server that knows no conditions: there the last of two has it.
      if (name === 'NotImplemented') await put();
      else if (!['PreconditionFailed', 'ConditionalRequestConflict'].includes(name)) throw error;
    }
    const owner = await this.readOwner();
    if (owner === null) throw unavailable('nobody knows yet whose it is');
    return owner;
  }

  /** Its name comes after the blobs', as that of the pieces does. */
  private ownerTarget(): { Bucket: string; Key: string } {
    const { bucket, prefix } = this.parts.address;
    return { Bucket: bucket, Key: `${prefix}owner` };
  }

  patient(ms: number): S3Blobs {
    return new S3Blobs(this.parts, ms);
  }

  hurry(): void {
    this.patience.hurry();
  }

  async check(): Promise<void> {
    const { HeadBucketCommand } = await import('@aws-sdk/client-s3');
    const { client, address } = this.parts;
    try {
      await client.send(new HeadBucketCommand({ Bucket: address.bucket }));
    } catch (error) {
      if (!isNotFound(error)) throw failureOf(error);
      throw new ShingoError(
        'BLOB_STORE_REFUSED',
        `There is no bucket ${address.bucket}: make it first.`,
        503,
      );
    }
  }

  /** Parts of uploads that broke off, which cost room and are in no listing; and files of the cache. */
  async sweep(): Promise<number> {
    const { ListMultipartUploadsCommand, AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
    const { client, address } = this.parts;
    let gone = await this.cache.sweep();
    try {
      const { Uploads = [] } = await client.send(
        new ListMultipartUploadsCommand({ Bucket: address.bucket, Prefix: address.prefix }),
      );
      for (const { Key, UploadId, Initiated } of Uploads) {
        if (!Initiated || Date.now() - Initiated.getTime() < DAY_MS) continue;
        await client.send(new AbortMultipartUploadCommand({ Bucket: address.bucket, Key, UploadId }));
        gone += 1;
      }
    } catch (error) {
      throw failureOf(error);
    }
    return gone;
  }

  private target(sha256: string): { Bucket: string; Key: string } {
    const { bucket, prefix } = this.parts.address;
    return { Bucket: bucket, Key: `${prefix}${blobPath(sha256).join('/')}` };
  }

  private ask<T>(sha256: string, work: () => Promise<T>): Promise<T> {
    return this.patience.try(async () => {
      try {
        return await work();
      } catch (error) {
        throw isNotFound(error) ? missing(sha256) : failureOf(error);
      }
    });
  }

  private async open(sha256: string, range?: ByteRange): Promise<Readable> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const Range = range && `bytes=${range.start}-${range.end}`;
    const target = this.target(sha256);
    try {
      const { Body } = await this.parts.client.send(new GetObjectCommand({ ...target, Range }));
      return Body as Readable;
    } catch (error) {
      throw isNotFound(error) ? missing(sha256) : failureOf(error);
    }
  }

  /** @throws ShingoError BLOB_MISSING, BLOB_DAMAGED, BLOB_STORE_FULL (of the cache's disk) */
  private fetch(sha256: string, file: string): Promise<void> {
    return this.patience.try(async () => {
      const bytes = await this.open(sha256);
      try {
        await orFull(pipeline(bytes, checking(sha256), createWriteStream(file)));
      } catch (error) {
        // A connection that broke in the middle is a store that is away.
        const reason = failureOf(error);
        throw reason instanceof ShingoError || !isAborted(error) ? reason : unavailable('cut off');
      }
    });
  }

  private async adopt(file: string, sha256: string, bytes: number): Promise<void> {
    await this.upload(file, sha256, bytes);
    await this.cache.adopt(file, sha256, bytes);
  }

  /** What is there already in its full length stays: content does not change. */
  private async upload(file: string, sha256: string, bytes: number): Promise<void> {
    const stored = await this.size(sha256).catch((error: unknown) => {
      if (isMissing(error)) return -1;
      throw error;
    });
    if (stored === bytes) return;
    await this.ask(sha256, () =>
      bytes <= PART_BYTES ? this.put(file, sha256, bytes) : this.putInParts(file, sha256, bytes),
    );
  }

  private async put(file: string, sha256: string, bytes: number): Promise<void> {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    await this.parts.client.send(
      new PutObjectCommand({
        ...this.target(sha256),
        // In memory, so that the SDK can send it again.
        Body: await readFile(file),
        ContentLength: bytes,
        // The store refuses what arrives otherwise.
        ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
      }),
    );
  }

  private async putInParts(file: string, sha256: string, bytes: number): Promise<void> {
    const { Upload } = await import('@aws-sdk/lib-storage');
    const upload = new Upload({
      client: this.parts.client,
      params: { ...this.target(sha256), Body: createReadStream(file), ChecksumAlgorithm: 'SHA256' },
      partSize: Math.max(PART_BYTES, Math.ceil(bytes / MOST_PARTS)),
      queueSize: PARTS_AT_A_TIME,
      // The parts of one that fails are removed; those of a process that is killed by `sweep`.
      leavePartsOnError: false,
    });
    await upload.done();
  }
}

const isMissing = (error: unknown) => error instanceof ShingoError && error.code === 'BLOB_MISSING';
const isAborted = (error: unknown) =>
  isUnavailable(error) || /aborted|premature|terminated/i.test((error as Error).message);

/** Passes bytes on and fails at the end where they are not the blob's. */
function checking(sha256: string): Transform {
  const hash = createHash('sha256');
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      const actual = hash.digest('hex');
      done(actual === sha256 ? null : damaged(sha256, actual));
    },
  });
}

const damaged = (sha256: string, actual: string) =>
  new ShingoError(
    'BLOB_DAMAGED',
    `The blob store gives bytes of SHA-256 ${actual} for ${sha256}: restore it from a backup.`,
    500,
  );
