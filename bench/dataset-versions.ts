/** Making a data set version of many images, and what is asked of versions. */
import { createDatasetVersion, type VersionRecipe } from '../src/datasets/createVersion.js';
import { diffVersions } from '../src/datasets/diff.js';
import { leaksOf } from '../src/datasets/leaks/report.js';
import { SplitStrategy } from '../src/datasets/split/assign.js';
import { createNamed } from '../src/platform/database/named.js';
import { fillPictures } from './support/hashes.js';
import { timed, type Benchmark } from './support/harness.js';
import { fillProject, openBenchDatabase } from './support/rows.js';

const RECIPE: VersionRecipe = { seed: 1, train: 0.7, validation: 0.15, test: 0.15, maxLeakShare: 1 };

export const bench: Benchmark = {
  title: 'Data set versions: making, leaks, differences',
  options: { images: 200_000 },
  targets: {},
  run: async ({ images = 0 }, say) => {
    const { db, stop } = await openBenchDatabase();
    try {
      const project = await fillProject(db, images, say);
      await fillPictures(db, project, say);
      const set = await createNamed(db, 'dataset', project, { name: 'bench' });
      const before = process.memoryUsage().rss;
      let most = before;
      const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 50);
      const figures: Record<string, number> = {};
      const take = async <T>(figure: string, work: () => Promise<T>): Promise<T> => {
        let answer: T | undefined;
        const [ms = 0] = await timed(1, async () => (answer = await work()), 0);
        figures[figure] = ms / 1000;
        say(`${figure}: ${(ms / 1000).toFixed(1)}`);
        return answer as T;
      };
      const [random, byDrive] = [
        await take('a random version, s', () => createDatasetVersion(db, set, RECIPE)),
        await take('a version by drive, s', () =>
          createDatasetVersion(db, set, { ...RECIPE, strategy: SplitStrategy.BY_DRIVE }),
        ),
      ];
      if (random.imageCount !== images) throw new Error(`The version has ${random.imageCount} images.`);
      const leaking = await take('its leak report, random, s', () => leaksOf(db, random.uuid));
      const whole = await take('its leak report, by drive, s', () => leaksOf(db, byDrive.uuid));
      const drives = ({ leaks }: typeof whole) =>
        leaks.filter(({ kind }) => kind === 'SAME_DRIVE').reduce((sum, leak) => sum + leak.images, 0);
      if (drives(whole) !== 0 || drives(leaking) === 0) throw new Error('A split by drive has torn a drive.');
      const { images: diff } = await take('their difference, s', () =>
        diffVersions(db, random.uuid, byDrive.uuid),
      );
      const [{ moved }]: [{ moved: number }] = await db.query(
        `SELECT count(*)::int AS moved FROM dataset_item a JOIN dataset_item b USING (sha256)
         WHERE a.version_id = $1 AND b.version_id = $2 AND a.split <> b.split`,
        [random.uuid, byDrive.uuid],
      );
      if (diff.moved !== moved || diff.added + diff.removed + diff.changed !== 0)
        throw new Error(`The difference is ${JSON.stringify(diff)}, and ${moved} images moved.`);
      clearInterval(watch);
      return { ...figures, 'memory of the process for all of it, MB': (most - before) / 2 ** 20 };
    } finally {
      await stop();
    }
  },
};
