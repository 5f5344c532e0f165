/** DARKNESS and PERCEPTUAL_HASH: what the pixels say, decoded again in the processes that decode uploads. */
import type { EntityManager } from 'typeorm';
import type { BlobStore } from '../../platform/blobs.js';
import {
  inspectPicture,
  PictureError,
  timeOfDayFromDarkness,
  type PictureFacts,
} from '../image/picture/index.js';
import type { Outcome } from './report.js';
import { idsOf, lockImages, type Plan, type Row, type Step } from './pages.js';

/** Pictures asked for at a time: enough to keep every decoding process busy, and uploads wait for no more. */
const AT_A_TIME = 8;

interface Seen {
  facts?: PictureFacts;
  skipped?: Exclude<Outcome, { outcome: 'CHANGED' }>;
}

/** Why this picture's bytes give nothing; @throws what is not the picture's fault. */
export function skipOf(error: unknown): Outcome & { outcome: 'SKIPPED' } {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'BLOB_MISSING')
    return { outcome: 'SKIPPED', reason: 'PICTURE_MISSING', message: 'Its file is not in the blob store.' };
  if (error instanceof PictureError) return { outcome: 'SKIPPED', reason: error.code, message };
  throw error;
}

async function see(blobs: BlobStore, { sha256 }: Row): Promise<Seen> {
  if (sha256 === null) return { skipped: { outcome: 'SKIPPED', reason: 'NO_PICTURE' } };
  try {
    return { facts: await blobs.use(sha256, inspectPicture) };
  } catch (error) {
    return { skipped: skipOf(error) };
  }
}

/** One after another in groups: a plan of each row, in their order. */
async function looked<R extends Row, W>(
  blobs: BlobStore,
  signal: AbortSignal,
  rows: R[],
  onLooked: () => void,
  plan: (row: R, facts: PictureFacts) => Plan<W>,
  /** Rows of which this holds need no look. */
  done: (row: R) => boolean = () => false,
): Promise<Plan<W>[]> {
  const plans: Plan<W>[] = [];
  for (let from = 0; from < rows.length; from += AT_A_TIME) {
    signal.throwIfAborted();
    const group = rows.slice(from, from + AT_A_TIME).map(async (row): Promise<Plan<W>> => {
      const seen: Seen = done(row) ? { skipped: { outcome: 'UNCHANGED' } } : await see(blobs, row);
      onLooked();
      return seen.facts ? plan(row, seen.facts) : { row, ...seen.skipped! };
    });
    plans.push(...(await Promise.all(group)));
  }
  return plans;
}

interface DarknessRow extends Row {
  picture_darkness: number;
  picture_brightness: number;
  darkness_sensor: number | null;
  brightness: number | null;
  time_of_day_sensor: string | null;
  is_crop: boolean;
}

interface DarknessWrite {
  id: string;
  sha256: string;
  darkness: number;
  brightness: number;
  timeOfDay: string | null;
}

function darknessPlan(row: DarknessRow, { darkness, brightness }: PictureFacts): Plan<DarknessWrite> {
  const timeOfDay = row.is_crop ? null : timeOfDayFromDarkness(darkness);
  const same =
    row.picture_darkness === darkness &&
    row.picture_brightness === brightness &&
    row.darkness_sensor === darkness &&
    row.brightness === brightness &&
    row.time_of_day_sensor === timeOfDay;
  if (same) return { row, outcome: 'UNCHANGED' };
  const sha256 = row.sha256 as string;
  return { row, outcome: 'CHANGED', write: { id: row.id, sha256, darkness, brightness, timeOfDay } };
}

const lockPictures = (manager: EntityManager, digests: string[]) =>
  manager.query(
    '/* enrichment.lockPictures */ SELECT 1 FROM picture WHERE sha256 = ANY($1) ORDER BY sha256 FOR NO KEY UPDATE',
    [digests],
  );

async function writeDarkness(manager: EntityManager, writes: DarknessWrite[]): Promise<string[]> {
  const digests = writes.map(({ sha256 }) => sha256);
  const values = [
    digests,
    writes.map(({ darkness }) => darkness),
    writes.map(({ brightness }) => brightness),
  ];
  await lockImages(manager, idsOf(writes));
  await lockPictures(manager, digests);
  await manager.query(
    `/* enrichment.pictureDarkness */ UPDATE picture p SET darkness = s.darkness, brightness = s.brightness
     FROM unnest($1::text[], $2::float8[], $3::float8[]) AS s(sha256, darkness, brightness)
     WHERE p.sha256 = s.sha256 AND (p.darkness, p.brightness) IS DISTINCT FROM (s.darkness, s.brightness)`,
    values,
  );
  const [written] = await manager.query(
    `/* enrichment.darkness */ UPDATE image i SET darkness_sensor = s.darkness, brightness = s.brightness,
       time_of_day_sensor = s.time_of_day
     FROM unnest($1::text[], $2::float8[], $3::float8[], $4::text[], $5::uuid[])
       AS s(sha256, darkness, brightness, time_of_day, id)
     WHERE i.id = s.id AND i.sha256 = s.sha256 RETURNING i.id`,
    [...values, writes.map(({ timeOfDay }) => timeOfDay), idsOf(writes)],
  );
  return idsOf(written);
}

/**
 * The picture's values and those of the project's image of it. An image of the same picture in another project is that
 * project's to enrich.
 */
export const darkness = (blobs: BlobStore, signal: AbortSignal): Step<DarknessRow, DarknessWrite> => ({
  phase: 'MEASURING',
  batch: 200,
  // A crop of one light has no sky: its darkness says nothing of the time of day. See registerImages.ts.
  columns: `p.darkness AS picture_darkness, p.brightness AS picture_brightness, t.darkness_sensor, t.brightness,
    t.time_of_day_sensor, (t.darkness_sensor IS NOT NULL AND t.time_of_day_sensor IS NULL OR EXISTS (
      SELECT 1 FROM annotation a WHERE a.image_id = t.id AND a.source = 'LABEL' AND a.category = 'TRAFFIC_LIGHT'
        AND a.x <= 0 AND a.y <= 0 AND a.x + a.width >= p.width AND a.y + a.height >= p.height)) AS is_crop`,
  look: (rows, onLooked) => looked(blobs, signal, rows, onLooked, darknessPlan),
  write: writeDarkness,
});

interface HashRow extends Row {
  hashed: boolean;
}

interface HashWrite {
  id: string;
  sha256: string;
  hash: string;
}

async function writeHashes(manager: EntityManager, writes: HashWrite[]): Promise<string[]> {
  const digests = writes.map(({ sha256 }) => sha256);
  await lockPictures(manager, digests);
  const [written]: [{ sha256: string }[]] = await manager.query(
    `/* enrichment.hash */ UPDATE picture p SET perceptual_hash = ('x' || s.hash)::bit(64)::bigint
     FROM unnest($1::text[], $2::text[]) AS s(sha256, hash)
     WHERE p.sha256 = s.sha256 AND p.perceptual_hash IS NULL RETURNING p.sha256`,
    [digests, writes.map(({ hash }) => hash)],
  );
  const done = new Set(written.map(({ sha256 }) => sha256));
  return idsOf(writes.filter(({ sha256 }) => done.has(sha256)));
}

/** Of pictures that were stored before hashes were taken. */
export const perceptualHashes = (blobs: BlobStore, signal: AbortSignal): Step<HashRow, HashWrite> => ({
  phase: 'HASHING',
  batch: 200,
  columns: 'p.perceptual_hash IS NOT NULL AS hashed',
  look: (rows, onLooked) =>
    looked<HashRow, HashWrite>(
      ...[blobs, signal, rows, onLooked],
      (row, facts) => {
        const sha256 = row.sha256 as string;
        return { row, outcome: 'CHANGED', write: { id: row.id, sha256, hash: facts.perceptualHash } };
      },
      ({ hashed }) => hashed,
    ),
  write: writeHashes,
});
