/** The bytes of pictures: received once, whatever number of projects and images refer to them. */
import type { Readable } from 'node:stream';
import type { DataSource, EntityManager } from 'typeorm';
import { checkDigest, type BlobStore } from '../../platform/blobs.js';
import { claimBlobs } from '../../platform/blobs/claim.js';
import { ShingoError } from '../../platform/error.js';
import type { PictureRow } from './imageRecord.js';
import { PictureError, inspectPicture } from './picture/index.js';

/** Most digests that one query may ask about. */
export const MAX_DIGESTS = 1000;

/**
 * Stores a picture under its SHA-256 if it is one, with what its pixels say. Storing it again changes nothing.
 * @returns whether it was new
 * @throws ShingoError BLOB_TOO_LARGE, SHA256_INVALID, SHA256_MISMATCH, PICTURE_* (see picture/error.ts),
 *   BLOB_BEING_REMOVED, BLOB_MISSING (then it was removed a moment ago)
 */
export async function storePicture(
  db: DataSource,
  blobs: BlobStore,
  sha256: string,
  source: Readable,
  maxBytes: number,
): Promise<boolean> {
  checkDigest(sha256);
  const { bytes, facts } = await blobs.receive(source, { sha256, maxBytes, inspect });
  if (!facts) throw new Error('A picture was received and not inspected.');
  // The file first, the row second: a crash between leaves a blob that nothing names, which is collected some day.
  return db.transaction(async (manager) => {
    await claimBlobs(manager, blobs, [sha256]);
    const rows = await manager.query(
      `/* picture.create */ INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness, perceptual_hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, ('x' || $8)::bit(64)::bigint) ON CONFLICT DO NOTHING RETURNING sha256`,
      [
        ...[sha256, facts.mediaType, bytes, facts.width, facts.height, facts.darkness, facts.brightness],
        facts.perceptualHash,
      ],
    );
    return rows.length > 0;
  });
}

/** Of bytes that came by another door than storePicture. @throws ShingoError PICTURE_* (see picture/error.ts) */
export async function requirePicture(blobs: BlobStore, sha256: string): Promise<void> {
  await blobs.use(sha256, inspect);
}

async function inspect(path: string) {
  try {
    return await inspectPicture(path);
  } catch (error) {
    if (error instanceof PictureError) throw new ShingoError(error.code, error.message, 422);
    throw error;
  }
}

/** Which of these pictures are not here yet. @throws ShingoError BAD_USER_INPUT, SHA256_INVALID */
export async function missingPictures(db: DataSource, digests: string[]): Promise<string[]> {
  if (digests.length > MAX_DIGESTS)
    throw new ShingoError('BAD_USER_INPUT', `Ask for at most ${MAX_DIGESTS} at a time.`);
  const rows: { sha256: string }[] = await db.query(
    `/* picture.missing */ SELECT DISTINCT d AS sha256 FROM unnest($1::text[]) d
     WHERE NOT EXISTS (SELECT 1 FROM picture p WHERE p.sha256 = d)`,
    [digests],
  );
  return rows.map((row) => row.sha256);
}

/** What their bytes say, of those that are here. */
export async function picturesOf(
  db: DataSource | EntityManager,
  digests: string[],
): Promise<Map<string, PictureRow>> {
  if (digests.length === 0) return new Map();
  const found: PictureRow[] = await db.query(
    '/* image.pictures */ SELECT sha256, width, height, darkness, brightness FROM picture WHERE sha256 = ANY($1)',
    [digests],
  );
  return new Map(found.map((picture) => [picture.sha256, picture]));
}

export async function pictureMediaType(db: DataSource, sha256: string): Promise<string | null> {
  const rows = await db.query('/* picture.mediaType */ SELECT media_type FROM picture WHERE sha256 = $1', [
    sha256,
  ]);
  return rows[0]?.media_type ?? null;
}

/** Digest of the bytes of an image. @throws ShingoError NOT_FOUND, BLOB_MISSING */
export async function digestOfImage(db: DataSource, imageUuid: string): Promise<string> {
  const rows: { sha256: string | null }[] = await db.query(
    '/* picture.ofImage */ SELECT sha256 FROM image WHERE id = $1',
    [imageUuid],
  );
  if (!rows[0]) throw new ShingoError('NOT_FOUND', 'There is no such image.', 404);
  if (rows[0].sha256 === null)
    throw new ShingoError('BLOB_MISSING', 'The bytes of this image have not been sent yet.', 404);
  return rows[0].sha256;
}
