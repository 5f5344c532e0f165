import { sha256Of } from '../../platform/digest.js';
import { ApiError, type ShingoClient } from '../api.js';
import { forEachLimited } from '../../platform/concurrency.js';
import { messageOf } from '../errors.js';
import type { LocatedRow } from '../../datasets/formats/manifest/located.js';
import { mediaTypeOf } from '../../datasets/formats/manifest/paths.js';
import { Problems } from '../../datasets/formats/manifest/problems.js';

const CONCURRENCY = 4;
export const MISSING_BLOBS = /* GraphQL */ `
  query MissingBlobs($sha256: [String!]!) {
    missingBlobs(sha256: $sha256)
  }
`;

/** Stores the pictures that the server lacks; returns each row's hash, and how many pictures went over. */
export async function uploadPictures(
  client: ShingoClient,
  rows: LocatedRow[],
  onUploaded: (count: number, of: number) => void = () => {},
): Promise<{ hashes: string[]; uploaded: number }> {
  const problems = new Problems();
  const hashes = await hashAll(rows, problems);
  problems.throwIfAny();
  const { missingBlobs } = await client.request<{ missingBlobs: string[] }>(MISSING_BLOBS, {
    sha256: [...new Set(hashes)],
  });
  let done = 0;
  await forEachLimited(missingBlobs, CONCURRENCY, async (sha256) => {
    client.signal?.throwIfAborted();
    if (problems.full) return;
    const { picture, row, where } = rows[hashes.indexOf(sha256)]!;
    const mediaType = mediaTypeOf(row.file) ?? 'application/octet-stream';
    try {
      await client.putBlob(picture.path, sha256, mediaType);
      onUploaded(++done, missingBlobs.length);
    } catch (error) {
      // A refused picture is the row's fault, and the others are tried too; everything else ends the import.
      if (!isRefusal(error)) throw error;
      problems.add({ where, column: 'file', message: `${error.code}: ${row.file}: ${error.message}` });
    }
  });
  problems.throwIfAny();
  return { hashes, uploaded: missingBlobs.length };
}

function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 422 || error.status === 413 || error.status === 415);
}

async function hashAll(rows: LocatedRow[], problems: Problems): Promise<string[]> {
  const hashes: string[] = new Array<string>(rows.length);
  await forEachLimited(rows, CONCURRENCY, async ({ picture, where }, index) => {
    try {
      hashes[index] = await sha256Of(picture.path);
    } catch (error) {
      problems.add({ where, column: 'file', message: `cannot be read: ${messageOf(error)}` });
    }
  });
  return hashes;
}
