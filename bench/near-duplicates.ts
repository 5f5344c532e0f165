/** The search for near-duplicates of one image, and of all among all, among a million perceptual hashes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import type { Hashes } from '../src/catalog/image/hashes/bands.js';
import { nearPairs, ones } from '../src/catalog/image/hashes/hamming.js';
import { nearDuplicates } from '../src/catalog/image/nearDuplicates.js';
import { distinctHashes } from '../src/datasets/duplicates/distinct.js';
import { findDuplicates } from '../src/datasets/duplicates/findDuplicates.js';
import { fillPictures } from './support/hashes.js';
import { quantile, timed, type Benchmark } from './support/harness.js';
import { fillProject, openBenchDatabase } from './support/rows.js';

const DISTANCES = [0, 3, 7];
const FIRST = 50;

/** As one would write it by hand: a scan of all hashes. */
const scan = (db: DataSource, projectUuid: string, imageUuid: string, distance: number) =>
  db.query(
    `SELECT i.id AS "imageUuid", bit_count((p.perceptual_hash # own.perceptual_hash)::bit(64))::int AS distance
     FROM (SELECT p.perceptual_hash FROM image i JOIN picture p USING (sha256) WHERE i.id = $2) own, picture p JOIN image i USING (sha256)
     WHERE i.project_id = $1 AND i.id <> $2 AND bit_count((p.perceptual_hash # own.perceptual_hash)::bit(64)) <= $3
     ORDER BY 2, 1 LIMIT ${FIRST}`,
    [projectUuid, imageUuid, distance],
  );

/** Answers of a comparison of all with all, and its time. */
function naive({ high, low }: Hashes, distance: number): { pairs: number; ms: number } {
  const start = performance.now();
  let pairs = 0;
  for (let a = 0; a < high.length; a++)
    for (let b = a + 1; b < high.length; b++)
      if (ones(high[a]! ^ high[b]!) + ones(low[a]! ^ low[b]!) <= distance) pairs++;
  return { pairs, ms: performance.now() - start };
}

/** All among all: seconds, and how long a comparison of each with each would take by the time that a sample took. */
async function selfJoin(db: DataSource, projectUuid: string, distance: number, sample: number) {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
  const task = {
    ...{ db, folder, checkpoint: null, blobs: null as never, log: null as never },
    signal: new AbortController().signal,
    progress: () => undefined,
    transaction: () => Promise.reject(new Error('Nothing is written.')),
  };
  try {
    const [ms = 0] = await timed(1, () => findDuplicates(task, { projectUuid, distance }), 0);
    const { hashes } = await distinctHashes(task, projectUuid, null);
    const step = Math.max(1, Math.floor(hashes.high.length / sample));
    const some = {
      high: hashes.high.filter((_, at) => at % step === 0),
      low: hashes.low.filter((_, at) => at % step === 0),
    };
    const slow = naive(some, distance);
    let pairs = 0;
    await nearPairs(
      some,
      distance,
      () => pairs++,
      () => undefined,
    );
    if (pairs !== slow.pairs || pairs === 0)
      throw new Error(`At distance ${distance} ${pairs} pairs were found, and there are ${slow.pairs}.`);
    return {
      seconds: ms / 1000,
      naiveSeconds: (slow.ms / 1000) * (hashes.high.length / some.high.length) ** 2,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

export const bench: Benchmark = {
  title:
    'Near-duplicates of one image against a scan of all hashes in SQL; all among all against each with each',
  options: { images: 1_000_000, searches: 100, scans: 4, sample: 20_000 },
  targets: { 'one image, p95 ms': { max: 200 } },
  run: async ({ images = 0, searches = 100, scans = 4, sample = 20_000 }, say) => {
    const { db, stop } = await openBenchDatabase();
    try {
      const project = await fillProject(db, images, say);
      await fillPictures(db, project, say);
      const chosen: { id: string }[] = await db.query(
        'SELECT id FROM image WHERE project_id = $1 ORDER BY hashint8extended(nr, 5) LIMIT $2',
        [project, searches],
      );
      const figures: Record<string, number> = {};
      const [first = 0] = await timed(1, () => nearDuplicates(db, chosen[0]!.id, 3, FIRST), 0);
      const all: number[] = [];
      const ratios: number[] = [];
      for (const distance of DISTANCES) {
        const one = ({ id }: { id: string }) => nearDuplicates(db, id, distance, FIRST);
        const taken = await timed(chosen.length, (n) => one(chosen[Math.max(0, n)]!), 2);
        all.push(...taken);
        figures[`distance ${distance}, p95 ms`] = quantile(taken, 0.95);
        for (const [n, image] of chosen.slice(0, scans).entries()) {
          let slow: unknown;
          const [ms = 0] = await timed(
            1,
            async () => (slow = await scan(db, project, image.id, distance)),
            0,
          );
          if (JSON.stringify(slow) !== JSON.stringify(await one(image)))
            throw new Error(`Image ${n} at distance ${distance}: the scan finds others.`);
          ratios.push(ms / taken[n]!);
        }
      }
      // An import goes on while somebody searches.
      const changing = await timed(20, async (n) => {
        await db.query('UPDATE image SET file_name = file_name WHERE id = $1', [
          chosen[(n + chosen.length) % chosen.length]!.id,
        ]);
        await nearDuplicates(db, chosen[0]!.id, 3, FIRST);
      });
      for (const distance of [4, 7]) {
        const { seconds, naiveSeconds } = await selfJoin(db, project, distance, sample);
        figures[`self-join at distance ${distance}, s`] = seconds;
        figures[`each with each / self-join at distance ${distance}`] = naiveSeconds / seconds;
      }
      return {
        'one image, p95 ms': quantile(all, 0.95),
        'one image, median ms': quantile(all, 0.5),
        ...figures,
        'SQL scan / search, median': quantile(ratios, 0.5),
        'after a change, p95 ms': quantile(changing, 0.95),
        'first search of the process ms': first,
        'resident MB': process.memoryUsage().rss / 2 ** 20,
      };
    } finally {
      await stop();
    }
  },
};
