/** Labels through the importer, against a bare COPY of the very same rows. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { createProject } from '../src/catalog/project/projectService.js';
import { importLabels, type ImportCheckpoint } from '../src/datasets/import/importLabels.js';
import { plainTask } from '../test/support/task.js';
import { writeBdd100k } from './support/bdd100k.js';
import { bareCopy, dumpRows } from './support/bareCopy.js';
import type { Benchmark } from './support/harness.js';
import { peakOfImport } from './support/peakMemory.js';
import { openBenchDatabase } from './support/rows.js';

/** Both answers: rows of each class. */
const counts = (db: DataSource, project: string) =>
  db.query(
    `SELECT a.category, count(*)::int AS n FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1
     GROUP BY 1 UNION ALL SELECT 'images', count(*)::int FROM image WHERE project_id = $1
     UNION ALL SELECT 'people', sum(people)::int FROM image WHERE project_id = $1
     UNION ALL SELECT 'night', count(*)::int FROM image WHERE project_id = $1 AND time_of_day = 'NIGHT' ORDER BY 1`,
    [project],
  );

export const bench: Benchmark = {
  title: 'Import of a BDD100K label file against a bare COPY of the same rows into the same tables',
  options: { images: 70_000, boxes: 20, repeats: 1, megabytes: 200 },
  targets: {
    'import rate / bare COPY rate': { min: 0.5 },
    'peak resident MB': { max: 300 },
  },
  async run({ images = 0, boxes = 0, repeats = 1, megabytes = 0 }, say) {
    const folder = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
    const bench = await openBenchDatabase();
    const { db } = bench;
    try {
      const file = join(folder, 'det_train.json');
      const made = await writeBdd100k(file, images, boxes);
      say(`${images} frames, ${made.boxes} boxes, ${(made.bytes / 1e6).toFixed(0)} MB`);
      const times = { import: [] as number[], copy: [] as number[], checking: [] as number[] };
      let [answer, copied] = ['', ''];
      // The import first: its rows are what is copied. Then each has its turn in a database without the other's rows.
      for (let turn = 0; turn <= repeats; turn++) {
        await empty(db);
        const project = await createProject(db, { name: `import ${turn}` });
        const { seconds, checking } = await timedImport(db, project.uuid, file);
        const found = JSON.stringify(await counts(db, project.uuid));
        if (answer !== '' && found !== answer) throw new Error(`Counts differ: ${found} and ${answer}`);
        answer = found;
        if (turn === 0) {
          await dumpRows(db, project.uuid, folder);
          copied = project.uuid;
          continue;
        }
        times.import.push(seconds);
        times.checking.push(checking);
        await empty(db);
        await db.query('INSERT INTO project (id, name) VALUES ($1, $2)', [copied, 'copy']);
        const copying = await bareCopy(db, folder);
        const copy = JSON.stringify(await counts(db, copied));
        if (copy !== answer) throw new Error(`Counts differ: ${copy} and ${answer}`);
        times.copy.push(copying);
        say(
          `turn ${turn}: import ${seconds.toFixed(1)} s (of it checking ${checking.toFixed(1)} s), COPY ${copying.toFixed(1)} s`,
        );
      }
      const [importing, copying] = [Math.min(...times.import), Math.min(...times.copy)];
      const figures: Record<string, number> = {
        'import rate / bare COPY rate': copying / importing,
        'frames per s': images / importing,
        'annotations per s': made.boxes / importing,
        'checking, share of the import': Math.min(...times.checking) / importing,
      };
      if (megabytes > 0) {
        await empty(db);
        const project = await createProject(db, { name: 'memory' });
        const large = join(folder, 'large.json');
        const perFrame = made.bytes / images;
        const { bytes } = await writeBdd100k(large, Math.ceil((megabytes * 1e6) / perFrame), boxes, 2);
        figures['peak resident MB'] = await peakOfImport(bench.url, project.uuid, large);
        say(
          `${(bytes / 1e6).toFixed(0)} MB in a process of its own: ${figures['peak resident MB']?.toFixed(0)} MB resident`,
        );
      }
      return figures;
    } finally {
      await bench.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function timedImport(db: DataSource, projectUuid: string, source: string) {
  let written = 0;
  await using task = await plainTask<ImportCheckpoint>(db, {
    onProgress: (phase) => {
      if (phase === 'IMPORTING' && written === 0) written = performance.now();
    },
  });
  const start = performance.now();
  const report = await importLabels(task, { projectUuid, source, format: 'auto' });
  const seconds = (performance.now() - start) / 1000;
  if (report.format !== 'bdd100k' || report.created !== report.frames)
    throw new Error(`The import says ${JSON.stringify(report)}`);
  return { seconds, checking: (written - start) / 1000 };
}

/** So that neither finds the other's rows in its indexes. */
async function empty(db: DataSource): Promise<void> {
  await db.query('TRUNCATE project CASCADE');
  await db.query('TRUNCATE coverage_log');
  await db.query('CHECKPOINT');
}
