/** Pictures with perceptual hashes for the images of fillProject, as roads give them: crowded, not uniform. */
import type { DataSource } from 'typeorm';
import { unlimited } from './unlimited.js';

/** 64 bits from two numbers, the same in every run. */
const bits = (n: string, seed: number) => `hashint8extended(${n}, ${seed})`;
/** Each bit is one with a chance of 1 / 2^k. */
const few = (n: string, seed: number, k: number) =>
  `(${Array.from({ length: k }, (_, i) => bits(n, seed + i)).join(' & ')})`;

/**
 * n: number of the image; d: of its drive of 50 frames. Of 100 drives 10 are nights of one camera, whose top 16 bits are all the
 * same (the trap of an index over bands); 3 are black, hash 0; 2 are a parked car, thousands of frames of one hash; 85
 * are one of 300 kinds of road, with a drive's own 8 bits. Frames of a drive differ in about 4 bits from each other, in
 * every third drive in about 8.
 */
const HASH = `CASE
  WHEN d % 100 < 10 THEN ((${bits('4711', 1)} >> 48) << 48) |
    (${bits('4712', 2)} # ${few('d', 10, 2)} # ${few('n', 20, 4)}) & ((1::bigint << 48) - 1)
  WHEN d % 100 < 13 THEN 0
  WHEN d % 100 < 15 THEN ${bits('d / 10000', 3)}
  ELSE ${bits('d % 300', 4)} # ${few('d', 30, 3)} #
    CASE WHEN d % 3 = 0 THEN ${few('n', 40, 4)} ELSE ${few('n', 50, 5)} END
  END`;

export async function fillPictures(
  db: DataSource,
  projectUuid: string,
  say: (line: string) => void,
): Promise<void> {
  const started = performance.now();
  await unlimited(db, async (runner) => {
    await runner.query("SET work_mem = '256MB'");
    await runner.query(
      `INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness, perceptual_hash)
       SELECT sha256, 'image/jpeg', 100000, width, height, darkness, brightness, ${HASH}
       FROM (SELECT *, nr AS n, nr / 50 AS d FROM image WHERE project_id = $1) i`,
      [projectUuid],
    );
    await runner.query('VACUUM ANALYZE picture');
  });
  say(`pictures in ${Math.round(performance.now() - started)} ms`);
}
