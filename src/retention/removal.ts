import type { BlobStore } from '../platform/blobs.js';
import type { DataSource } from 'typeorm';
export interface Removed {
  blobs: number;
  bytes: number;
}
export const removeBlobs = async (
  _: { db: DataSource; blobs: BlobStore },
  _digests: string[],
): Promise<Removed> => ({ blobs: 0, bytes: 0 });
export const wouldRemove = removeBlobs;
