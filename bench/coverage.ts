/** Cross-tabs of a million images, against the GROUP BY that one would write by hand. */
import { coverage, CoverageDimension } from '../src/catalog/coverage/coverage.js';
import type { DataSource } from 'typeorm';
import { coverageColumns } from '../src/catalog/coverage/columns/coverageColumns.js';
import { fromGlobalKey } from './support/keys.js';
import { groupBy, type SlowCell } from './support/groupBy.js';
import { quantile, timed, type Benchmark } from './support/harness.js';
import { fillProject, openBenchDatabase } from './support/rows.js';

const FILTERS: Record<string, object> = {
  'weather and time of day': { weather: { in: ['RAIN', 'SNOW'] }, timeOfDay: { eq: 'NIGHT' } },
  'a year': { recordedAt: { gte: new Date('2023-01-01'), lt: new Date('2024-01-01') } },
  'dark, with lights': { darkness: { gte: 0.64 }, trafficLights: { gte: 2 } },
  'a prefecture': { place: { prefecture: { eq: 'Prefecture 13' } } },
  'small red lights': { annotations: { some: { color: { eq: 'RED' }, width: { lt: 16 } } } },
  'or and not': { or: [{ weather: { eq: 'FOG' } }, { not: { scene: { eq: 'CITY_STREET' } } }] },
  'a file name': { fileName: { startsWith: 'drive-12' } },
  'a box in the left half': { annotations: { some: { x: { lt: 500 } } } },
  'cars on the left': { annotations: { some: { category: { eq: 'CAR' }, x: { lt: 20 } } } },
  'no high or wide box': {
    not: { annotations: { some: { or: [{ height: { gt: 90 } }, { not: { width: { lte: 150 } } }] } } },
  },
};

export const bench: Benchmark = {
  title: 'Cross-tabs in memory against GROUP BY over the joined tables',
  options: { images: 1_000_000, repeats: 3 },
  targets: {
    'unfiltered p95 ms': { max: 20 },
    'filtered p95 ms': { max: 300 },
    'GROUP BY / counted anew, median': { min: 10 },
  },
  run: async ({ images = 0, repeats = 3 }, say) => {
    const { db, stop } = await openBenchDatabase();
    try {
      const project = await fillProject(db, images, say);
      const first = await timed(1, () => coverage(db, project, { by: [CoverageDimension.WEATHER] }), 0);
      const dimensions = Object.values(CoverageDimension);
      const pairs = dimensions.flatMap((a, i) => dimensions.slice(i + 1).map((b) => [a, b]));
      const unfiltered: number[] = [];
      const countedAnew: number[] = [];
      const slowest: [ms: number, by: string][] = [];
      const ratios: number[] = [];
      for (const by of pairs) {
        // Warm: the columns are loaded, and what was asked before and has not changed since is kept.
        const taken = await timed(repeats, () => coverage(db, project, { by }), 1);
        unfiltered.push(...taken);
        const anew = await timed(repeats, async () => {
          await forget(db, project);
          await coverage(db, project, { by });
        });
        countedAnew.push(...anew);
        slowest.push([quantile(anew, 0.5), by.join(' × ')]);
        // Every fourth pair, and CONDITION has no plain GROUP BY: an image is in several.
        if (pairs.indexOf(by) % 4 !== 0 || by.includes(CoverageDimension.CONDITION)) continue;
        let slow: SlowCell[] = [];
        const [slowly = 0] = await timed(1, async () => (slow = await groupBy(db, project, by)), 0);
        compare(by, slow, await coverage(db, project, { by }));
        ratios.push(slowly / quantile(anew, 0.5));
        say(`${by.join(' × ')}: ${quantile(anew, 0.5).toFixed(1)} ms, GROUP BY ${slowly.toFixed(0)} ms`);
      }
      slowest.sort(([a], [b]) => b - a);
      for (const [ms, by] of slowest.slice(0, 8)) say(`slowest, counted anew: ${by}: ${ms.toFixed(1)} ms`);
      const boxFilter = FILTERS['a box in the left half'] as never;
      const firstOfBoxes = await timed(
        1,
        () => coverage(db, project, { by: [CoverageDimension.WEATHER], where: boxFilter }),
        0,
      );
      const filtered: number[] = [];
      for (const [name, where] of Object.entries(FILTERS)) {
        const by = [CoverageDimension.WEATHER, CoverageDimension.CITY];
        // Arbitrary: nobody has asked it before.
        const taken = await timed(3 * repeats, async () => {
          await forget(db, project);
          await coverage(db, project, { by, where: where as never });
        });
        filtered.push(...taken);
        compare(
          [...by, name],
          await groupBy(db, project, by, where as never),
          await coverage(db, project, { by, where: where as never }),
        );
        say(`where ${name}: ${quantile(taken, 0.5).toFixed(1)} ms`);
      }
      // A batch of 1,000 images changes, and the next question sees it.
      const refreshing: number[] = [];
      for (let turn = 0; turn < 10; turn++) {
        await db.query(
          `UPDATE image SET weather_label = $2 WHERE id IN
             (SELECT id FROM image WHERE project_id = $1 ORDER BY id OFFSET $3 LIMIT 1000)`,
          [project, turn % 2 ? 'FOG' : 'SNOW', 1000 * turn],
        );
        refreshing.push(
          ...(await timed(1, () => coverage(db, project, { by: [CoverageDimension.WEATHER] }), 0)),
        );
      }
      return {
        'unfiltered p95 ms': quantile(unfiltered, 0.95),
        'unfiltered, counted anew, p95 ms': quantile(countedAnew, 0.95),
        'unfiltered, counted anew, median ms': quantile(countedAnew, 0.5),
        'filtered p95 ms': quantile(filtered, 0.95),
        'GROUP BY / counted anew, median': quantile(ratios, 0.5),
        'GROUP BY / counted anew, least': Math.min(...ratios),
        'first question ms': first[0] ?? 0,
        'first question about boxes ms': firstOfBoxes[0] ?? 0,
        'after 1,000 changed images ms': quantile(refreshing, 0.5),
        'resident MB': process.memoryUsage().rss / 2 ** 20,
      };
    } finally {
      await stop();
    }
  },
};

/** So that the next question is counted and not remembered. */
const forget = (db: DataSource, project: string) =>
  coverageColumns(db).read(project, (columns) => columns.answers.clear());

/** @throws when a cell differs */
function compare(
  what: string[],
  slow: SlowCell[],
  fast: {
    by: string[];
    cells: { keys: (string | null)[]; images: number | null; places: number | null; drives: number | null }[];
    moreCells: number;
  },
): void {
  const text = (keys: (string | null)[], ...counts: (number | null)[]) => JSON.stringify([keys, ...counts]);
  const expected = new Set(slow.map((cell) => text(cell.keys, cell.images, cell.places, cell.drives)));
  const wrong = fast.cells.filter(
    (cell) => !expected.has(text(fromGlobalKey(fast.by, cell.keys), cell.images, cell.places, cell.drives)),
  );
  if (wrong.length > 0 || fast.cells.length + fast.moreCells !== slow.length)
    throw new Error(
      `${what.join(' × ')}: ${wrong.length} of ${slow.length} cells differ: ${JSON.stringify(wrong[0])}`,
    );
}
