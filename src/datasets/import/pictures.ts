/** The pictures of an import, taken into the store before the rows that name them. */
import { createReadStream } from 'node:fs';
import { PICTURE_LIMITS } from '../../catalog/image/picture/index.js';
import { MAX_DIGESTS, missingPictures, storePicture } from '../../catalog/image/pictureService.js';
import { storeAndRefer } from '../../platform/blobs/claim.js';
import { forEachLimited } from '../../platform/concurrency.js';
import { sha256Of } from '../../platform/digest.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext } from '../../platform/task.js';
import type { ImportItem } from './item.js';

/** Reading, hashing and writing beside the two or more processes that decode. */
const CONCURRENCY = 4;

/**
 * Digests of the items' pictures, which are in the store then. Those that it has are not written again.
 * @param refused is told of each that the catalog does not take; it may throw
 */
export async function storePictures(
  { db, blobs, signal }: Pick<TaskContext, 'db' | 'blobs' | 'signal'>,
  items: readonly ImportItem[],
  refused: (item: ImportItem, error: ShingoError) => void,
): Promise<Map<ImportItem, string>> {
  const digests = new Map<ImportItem, string>();
  const withPicture = items.filter(({ picture }) => picture !== null);
  await forEachLimited(withPicture, CONCURRENCY, async (item) => {
    signal.throwIfAborted();
    digests.set(item, await sha256Of(item.picture as string));
  });
  const missing = new Set<string>();
  const all = [...new Set(digests.values())];
  for (let from = 0; from < all.length; from += MAX_DIGESTS)
    for (const digest of await missingPictures(db, all.slice(from, from + MAX_DIGESTS))) missing.add(digest);
  const first = new Map(
    withPicture.map((item) => [digests.get(item) as string, item.picture as string] as const),
  );
  const errors = new Map<string, ShingoError>();
  await forEachLimited([...missing], CONCURRENCY, async (digest) => {
    signal.throwIfAborted();
    try {
      await storeAndRefer(
        async () => createReadStream(first.get(digest) as string),
        (bytes) => storePicture(db, blobs, digest, bytes, PICTURE_LIMITS.maxBytes),
      );
    } catch (error) {
      if (!isRefusal(error)) throw error;
      errors.set(digest, error);
    }
  });
  for (const item of withPicture) {
    const error = errors.get(digests.get(item) as string);
    if (!error) continue;
    refused(item, error);
    digests.delete(item);
  }
  return digests;
}

const isRefusal = (error: unknown): error is ShingoError =>
  error instanceof ShingoError && /^(PICTURE_|BLOB_TOO_LARGE)/.test(error.code);
