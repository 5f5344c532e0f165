import { join } from 'node:path';
import type { BlobStore } from '../blobs.js';
import type { Config } from '../config.js';
import { FolderBlobs } from './folder.js';
import { S3Blobs } from './s3.js';
import { createS3Client } from './s3Client.js';
import { parseFolderUrl, parseS3Url } from './url.js';

/** What of the configuration says where blobs are. */
export type BlobConfig = Pick<Config, 'dataDir' | 'blobUrl' | 'blobCacheBytes'>;

/**
 * The store that the configuration names; it has not been asked for anything yet.
 * @param made a folder is there already: the process that started this one has seen it
 */
export async function openBlobs(
  { dataDir, blobUrl, blobCacheBytes }: BlobConfig,
  made = false,
): Promise<BlobStore> {
  if (blobUrl === undefined) return new FolderBlobs(join(dataDir, 'blobs'), 0, made);
  if (!blobUrl.startsWith('s3:')) return new FolderBlobs(parseFolderUrl(blobUrl), 0, made);
  const address = parseS3Url(blobUrl);
  return new S3Blobs({
    address,
    client: await createS3Client(address),
    cache: { folder: join(dataDir, 'cache'), maxBytes: blobCacheBytes },
  });
}
