/** Small objects beside the blobs: pieces of files that are still arriving. */
import type { S3Client } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { PieceStore } from '../blobs.js';
import { ShingoError } from '../error.js';
import { failureOf, isNotFound } from './s3Client.js';
import type { S3Address } from './url.js';

/** A name beginning so is no blob's: those begin with two hexadecimal digits. */
const FOLDER = 'partial/';

export class S3Pieces implements PieceStore {
  constructor(
    private readonly client: S3Client,
    private readonly address: S3Address,
  ) {}

  async list(prefix: string): Promise<{ name: string; bytes: number }[]> {
    const { paginateListObjectsV2 } = await import('@aws-sdk/client-s3');
    const root = this.key('');
    const pages = paginateListObjectsV2(
      { client: this.client },
      { Bucket: this.address.bucket, Prefix: this.key(prefix) },
    );
    const found: { name: string; bytes: number }[] = [];
    try {
      for await (const { Contents = [] } of pages)
        for (const { Key = '', Size = 0 } of Contents)
          found.push({ name: Key.slice(root.length), bytes: Size });
    } catch (error) {
      throw failureOf(error);
    }
    return found;
  }

  async put(name: string, bytes: Buffer): Promise<void> {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const ChecksumSHA256 = createHash('sha256').update(bytes).digest('base64');
    await this.ask(() =>
      this.client.send(new PutObjectCommand({ ...this.target(name), Body: bytes, ChecksumSHA256 })),
    );
  }

  async read(name: string): Promise<Readable> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const { Body } = await this.ask(() => this.client.send(new GetObjectCommand(this.target(name))));
    return Body as Readable;
  }

  async remove(names: string[]): Promise<void> {
    const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
    // One by one: the request for many at a time needs checksums that not every store understands.
    for (const name of names)
      await this.ask(() => this.client.send(new DeleteObjectCommand(this.target(name))));
  }

  private key(name: string): string {
    return `${this.address.prefix}${FOLDER}${name}`;
  }

  private target(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.address.bucket, Key: this.key(name) };
  }

  private async ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isNotFound(error)) throw new ShingoError('BLOB_MISSING', 'A piece of this file is gone.', 404);
      throw failureOf(error);
    }
  }
}
