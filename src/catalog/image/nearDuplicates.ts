/** Pictures that look alike, by perceptual hash. */
import type { DataSource } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { MAX_DISTANCE } from './hashes/hamming.js';
import type { Near } from './hashes/hashColumns.js';
import { hashColumns } from './hashes/load.js';

const MAX_FIRST = 200;

/**
 * Images of the same project, the most alike first, then by UUID, without the image itself. All hashes of the project are
 * compared, in memory: an index over bands of bits reads 100,000 rows where as many pictures have a band in common, as
 * those of one camera at night do, and a scan in the database takes 100 times as long.
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT, BLOB_MISSING, HASH_MISSING
 */
export async function nearDuplicates(
  db: DataSource,
  imageUuid: string,
  distance: number,
  first: number,
): Promise<Near[]> {
  if (!(distance >= 0 && distance <= MAX_DISTANCE))
    throw new ShingoError('BAD_USER_INPUT', `distance is 0 to ${MAX_DISTANCE}.`, 400, ['distance']);
  if (!(first >= 1 && first <= MAX_FIRST))
    throw new ShingoError('BAD_USER_INPUT', `first is 1 to ${MAX_FIRST}.`, 400, ['first']);
  const rows: { project_id: string; nr: number; sha256: string | null; hash: string | null }[] =
    await db.query(
      `/* image.hash */ SELECT i.project_id, i.nr, i.sha256, p.perceptual_hash::text AS hash FROM image i LEFT JOIN picture p ON p.sha256 = i.sha256
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
      'The picture was stored before perceptual hashes were taken; startEnrichment with the kind PERCEPTUAL_HASH takes them.',
      400,
      ['imageId'],
    );
  const hash = BigInt.asUintN(64, BigInt(image.hash));
  const halves = { high: Number(hash >> 32n), low: Number(hash & 0xffffffffn) };
  return hashColumns(db).read(image.project_id, (columns) =>
    columns.nearest(halves, image.nr, distance, first),
  );
}
