/** Pictures that look alike, by perceptual hash. */
import type { DataSource } from 'typeorm';
import { ShingoError } from '../../platform/error.js';

/** Within 7 of 64 bits two hashes are at most one bit apart in one of four bands of 16, which the indexes hold. */
const MAX_DISTANCE = 7;
const MAX_FIRST = 200;
const BANDS = [0, 16, 32, 48];

export interface NearDuplicate {
  imageUuid: string;
  /** Bits of 64. */
  distance: number;
}

/**
 * Images of the same project, the most alike first, without the image itself. Exact: 4 bands × (1 + 16) probes find
 * every hash within 7 bits (multi-index hashing: Norouzi, Punjani, Fleet, CVPR 2012).
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT, BLOB_MISSING, HASH_MISSING
 */
export async function nearDuplicates(
  db: DataSource,
  imageUuid: string,
  distance: number,
  first: number,
): Promise<NearDuplicate[]> {
  if (!(distance >= 0 && distance <= MAX_DISTANCE))
    throw new ShingoError('BAD_USER_INPUT', `distance is 0 to ${MAX_DISTANCE}.`, 400, ['distance']);
  if (!(first >= 1 && first <= MAX_FIRST))
    throw new ShingoError('BAD_USER_INPUT', `first is 1 to ${MAX_FIRST}.`, 400, ['first']);
  const rows: { project_id: string; sha256: string | null; hash: string | null }[] = await db.query(
    `/* image.hash */ SELECT i.project_id, i.sha256, p.perceptual_hash::text AS hash FROM image i LEFT JOIN picture p ON p.sha256 = i.sha256
     WHERE i.id = $1`,
    [imageUuid],
  );
  const [image] = rows;
  if (!image) throw new ShingoError('NOT_FOUND', 'There is no such image.', 404, ['imageId']);
  if (image.sha256 === null)
    throw new ShingoError('BLOB_MISSING', 'The bytes of this image have not been sent yet.', 404, [
      'imageId',
    ]);
  if (image.hash === null)
    throw new ShingoError(
      'HASH_MISSING',
      'The picture was stored before perceptual hashes were taken; send its bytes again.',
      400,
      ['imageId'],
    );
  const probes = BANDS.map((shift) =>
    probesOf(BigInt.asUintN(64, BigInt(image.hash as string)), shift, distance),
  );
  const near = BANDS.map(
    (shift, n) => `((c.perceptual_hash >> ${shift}) & 65535) = ANY ($${n + 5}::bigint[])`,
  );
  return db.query(
    `/* image.nearDuplicates */ SELECT i.id AS "imageUuid", c.distance FROM (
       SELECT c.sha256, bit_count((c.perceptual_hash # $1::bigint)::bit(64))::int AS distance
       FROM picture c WHERE ${near.join(' OR ')}
     ) c JOIN image i ON i.sha256 = c.sha256
     WHERE i.project_id = $2 AND i.id <> $3 AND c.distance <= $4
     ORDER BY c.distance, i.id LIMIT ${first}`,
    [image.hash, image.project_id, imageUuid, distance, ...probes],
  );
}

/** The 16 bits of the hash at `shift`, and where the distance asks for it all that differ from them in one bit. */
function probesOf(hash: bigint, shift: number, distance: number): string[] {
  const value = Number((hash >> BigInt(shift)) & 0xffffn);
  const flipped = distance < BANDS.length ? [] : Array.from({ length: 16 }, (_, bit) => value ^ (1 << bit));
  return [value, ...flipped].map(String);
}
