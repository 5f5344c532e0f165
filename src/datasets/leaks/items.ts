/** What leaks are looked for in: the items of a version, as columns. */
import type { DataSource, EntityManager } from 'typeorm';
import type { Hashes } from '../../catalog/image/hashes/bands.js';
import { SPLITS, type SplitName } from '../split/groups.js';

/** All images of one split of a version. About 60 bytes an image beside its names. */
export interface LeakColumns {
  imageUuids: string[];
  /** Numbers within the digest, of all splits together: equal bytes are equal numbers. */
  sha256: string[];
  drive: (string | null)[];
  /** Degrees; NaN: not known. The image's own position, else its place's. */
  latitude: Float64Array;
  longitude: Float64Array;
  /** Milliseconds since 1970; NaN: not known. */
  time: Float64Array;
  /** Those with a hash: their rows, and the hashes in the same order. */
  hashed: Uint32Array;
  hashes: Hashes;
}

const BATCH = 20_000;

interface Row {
  image_id: string;
  sha256: string;
  drive: string | null;
  latitude: number | null;
  longitude: number | null;
  recorded_at: Date | null;
  hash: string | null;
}

export async function leakColumns(
  db: DataSource | EntityManager,
  versionUuid: string,
): Promise<Record<SplitName, LeakColumns>> {
  const columns = {} as Record<SplitName, LeakColumns>;
  for (const split of SPLITS) columns[split] = await columnsOf(db, versionUuid, split);
  return columns;
}

async function columnsOf(
  db: DataSource | EntityManager,
  versionUuid: string,
  split: SplitName,
): Promise<LeakColumns> {
  const rows: Row[] = [];
  for (let after = ''; ;) {
    const batch: Row[] = await db.query(
      `/* leaks.items */ SELECT i.image_id, i.sha256, i.drive, coalesce(i.latitude, p.latitude) AS latitude,
         coalesce(i.longitude, p.longitude) AS longitude, i.recorded_at,
         lpad(to_hex(c.perceptual_hash), 16, '0') AS hash
       FROM dataset_item i LEFT JOIN place p ON p.id = i.place_id LEFT JOIN picture c ON c.sha256 = i.sha256
       WHERE i.version_id = $1 AND i.sha256 > $2 AND i.split = $3 ORDER BY i.sha256 LIMIT ${BATCH}`,
      [versionUuid, after, split],
    );
    for (const row of batch) rows.push(row);
    const last = batch.at(-1);
    if (!last || batch.length < BATCH) break;
    after = last.sha256;
  }
  const hashed = Uint32Array.from(rows.flatMap((row, at) => (row.hash === null ? [] : [at])));
  const half = (from: number) =>
    Uint32Array.from(hashed, (at) => parseInt(rows[at]!.hash!.slice(from, from + 8), 16));
  return {
    imageUuids: rows.map((row) => row.image_id),
    sha256: rows.map((row) => row.sha256),
    drive: rows.map((row) => row.drive),
    latitude: Float64Array.from(rows, (row) => row.latitude ?? NaN),
    longitude: Float64Array.from(rows, (row) => row.longitude ?? NaN),
    time: Float64Array.from(rows, (row) => row.recorded_at?.getTime() ?? NaN),
    hashed,
    hashes: { high: half(0), low: half(8) },
  };
}
