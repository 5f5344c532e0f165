/** What to collect next, of a million images and the evaluations of their test split. */
import { coverage, CoverageDimension, CoverageMeasure } from '../src/catalog/coverage/coverage.js';
import { coverageColumns } from '../src/catalog/coverage/columns/coverageColumns.js';
import { LearningTask } from '../src/catalog/vocabulary.js';
import { collectNext } from '../src/collect/collectNext.js';
import { qualityTable } from '../src/collect/table.js';
import { evaluateByRows } from './support/evaluated.js';
import { quantile, timed, type Benchmark } from './support/harness.js';
import { qualityByHand, sameCells } from './support/quality.js';
import { fillProject, openBenchDatabase } from './support/rows.js';
import { statementsOf } from './support/statements.js';

const { WEATHER, TIME_OF_DAY, SCENE, CONDITION, COUNTRY, PREFECTURE, CITY, PLACE, HOUR, MONTH } =
  CoverageDimension;
const { LIGHT_COLOR, LIGHT_SIZE, HAS_LIGHT } = CoverageDimension;
/** What people ask by: each dimension at least once, up to four together. */
const ASKED: CoverageDimension[][] = [
  ...[[WEATHER, TIME_OF_DAY], [CONDITION], [CONDITION, LIGHT_COLOR], [WEATHER, TIME_OF_DAY, SCENE]],
  ...[[PREFECTURE, TIME_OF_DAY], [COUNTRY, HAS_LIGHT], [CITY, WEATHER], [PLACE], [HOUR, MONTH]],
  ...[
    [LIGHT_COLOR, LIGHT_SIZE],
    [WEATHER, TIME_OF_DAY, LIGHT_COLOR, LIGHT_SIZE],
    [HOUR, WEATHER],
  ],
];
const TASKS = { states: LearningTask.LIGHT_STATE, boxes: LearningTask.LIGHT_DETECTION };

export const bench: Benchmark = {
  title: 'coverageQuality and collectNext of a project and its evaluated test split (a fifth of it)',
  options: { images: 1_000_000, repeats: 5 },
  targets: {
    'coverageQuality of states, p95 ms': { max: 300 },
    'coverageQuality of boxes, p95 ms': { max: 300 },
    'collectNext of states, p95 ms': { max: 1000 },
    'collectNext of boxes, p95 ms': { max: 1000 },
    'statements of collectNext': { max: 25 },
  },
  run: async ({ images = 0, repeats = 5 }, say) => {
    const { db, stop } = await openBenchDatabase();
    try {
      const project = await fillProject(db, images, say);
      const made = await evaluateByRows(db, project, say);
      await coverage(db, project, { by: [WEATHER] });
      const figures: Record<string, number> = { 'lights evaluated': made.lights };
      const plain: number[] = [];
      for (const by of ASKED) plain.push(...(await timed(repeats, () => coverage(db, project, { by }), 1)));
      for (const [name, task] of Object.entries(TASKS)) {
        const evaluationUuid = made.evaluations[task];
        const table = (by: CoverageDimension[]) => qualityTable(db, project, { by, evaluationUuid });
        const next = (by: CoverageDimension[]) =>
          collectNext(db, project, {
            by,
            evaluationUuid,
            first: 10,
            sites: 5,
            measure: CoverageMeasure.IMAGES,
          });
        const [first = 0] = await timed(1, () => table([WEATHER, TIME_OF_DAY]), 0);
        figures[`first question of ${name}, ms`] = first;
        const [tables, nexts, anew]: number[][] = [[], [], []];
        for (const by of ASKED) {
          const taken = await timed(repeats, () => table(by), 1);
          const proposed = await timed(repeats, () => next(by), 1);
          // As after an import: nothing that was counted before is remembered.
          const recounted = await timed(repeats, async () => {
            await coverageColumns(db).read(project, (columns) => columns.answers.clear());
            await next(by);
          });
          tables!.push(...taken);
          nexts!.push(...proposed);
          anew!.push(...recounted);
          const [a, b, c] = [taken, proposed, recounted].map((one) => quantile(one, 0.5).toFixed(0));
          say(`${name} by ${by.join(' × ')}: quality ${a} ms, collectNext ${b} ms, counted anew ${c} ms`);
          sameCells(by, (await table(by)).cells, await qualityByHand(db, made, task, by));
        }
        figures[`coverageQuality of ${name}, p50 ms`] = quantile(tables!, 0.5);
        figures[`coverageQuality of ${name}, p95 ms`] = quantile(tables!, 0.95);
        figures[`collectNext of ${name}, p50 ms`] = quantile(nexts!, 0.5);
        figures[`collectNext of ${name}, p95 ms`] = quantile(nexts!, 0.95);
        figures[`collectNext of ${name}, coverage counted anew, p95 ms`] = quantile(anew!, 0.95);
        figures['statements of coverageQuality'] = await statementsOf(db, () => table([WEATHER, CITY]));
        figures['statements of collectNext'] = await statementsOf(db, () => next([WEATHER, CITY]));
      }
      return {
        ...figures,
        'plain coverage, p95 ms': quantile(plain, 0.95),
        'resident MB': process.memoryUsage().rss / 2 ** 20,
      };
    } finally {
      await stop();
    }
  },
};
