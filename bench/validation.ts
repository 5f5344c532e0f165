/** All rules of a project over a million images and their boxes, against one statement a rule as one would write them. */
import 'reflect-metadata';
import type { DataSource } from 'typeorm';
import { ValidationKind, ValidationSeverity, type ValidationRule } from '../src/catalog/validation/rule.js';
import type { ValidationReport } from '../src/catalog/validation/report.js';
import { setRules } from '../src/catalog/validation/ruleService.js';
import { validateImages, validateImported } from '../src/catalog/validation/validate.js';
import { Category, LightColor } from '../src/catalog/vocabulary.js';
import { validateVersion } from '../src/datasets/validation.js';
import { newId } from '../src/platform/ids.js';
import { quantile, timed, type Benchmark } from './support/harness.js';
import { fillProject, openBenchDatabase } from './support/rows.js';
import { unlimited } from './support/unlimited.js';

const BOXES = 'FROM annotation a JOIN image t ON t.id = a.image_id WHERE t.project_id = $1';
/** Each rule with the failures as somebody would count them by hand. */
const RULES: [kind: keyof typeof ValidationKind, rest: Partial<ValidationRule>, slow: string][] = [
  ['HAS_TIME', {}, 'FROM image t WHERE t.project_id = $1 AND recorded_at IS NULL'],
  ['HAS_PLACE', {}, 'FROM image t WHERE t.project_id = $1 AND place_id IS NULL'],
  ['HAS_POSITION', {}, 'FROM image t WHERE t.project_id = $1 AND latitude IS NULL'],
  ['HAS_SIZE', {}, 'FROM image t WHERE t.project_id = $1 AND (width IS NULL OR height IS NULL)'],
  ['HAS_BYTES', {}, 'FROM image t WHERE t.project_id = $1 AND sha256 IS NULL'],
  ['HAS_DRIVE', {}, 'FROM image t WHERE t.project_id = $1 AND drive IS NULL'],
  ['LABELLED', {}, 'FROM image t WHERE t.project_id = $1 AND traffic_lights IS NULL'],
  ['BRIGHTNESS', { min: 0.05 }, 'FROM image t WHERE t.project_id = $1 AND brightness < 0.05'],
  ['DARKNESS', { max: 0.99 }, 'FROM image t WHERE t.project_id = $1 AND darkness_sensor > 0.99'],
  ['CONFLICTS', { maxSteps: 1 }, 'FROM image t WHERE t.project_id = $1 AND weather_conflict > 1'],
  [
    'BOX_INSIDE',
    { tolerance: 1 },
    `${BOXES} AND (a.x < -1 OR a.y < -1 OR a.x + a.width > t.width + 1 OR a.y + a.height > t.height + 1)`,
  ],
  ['BOX_SIZE', { minWidth: 6 }, `${BOXES} AND a.width < 6`],
  ['HAS_COLOR', {}, `${BOXES} AND a.category = 'TRAFFIC_LIGHT' AND a.color IS NULL`],
  [
    'CLASSES_KNOWN',
    {
      categories: [Category.TRAFFIC_LIGHT, Category.CAR, Category.PERSON],
      colors: [LightColor.RED, LightColor.YELLOW, LightColor.GREEN],
    },
    `${BOXES} AND a.color IN ('OFF', 'UNKNOWN')`,
  ],
];

export const bench: Benchmark = {
  title: 'Fifteen rules in two scans against one statement a rule',
  options: { images: 1_000_000, repeats: 3 },
  // "In seconds": the API gives a statement 30.
  targets: { 'project, seconds': { max: 10 }, 'version, seconds': { max: 20 } },
  run: async ({ images = 0, repeats = 3 }, say) => {
    const { db, stop } = await openBenchDatabase();
    try {
      const project = await fillProject(db, images, say);
      const rules = RULES.map(([kind, rest]) => ({
        ...{ kind: ValidationKind[kind], severity: ValidationSeverity.WARNING },
        ...rest,
      }));
      const count = { kind: ValidationKind.CLASS_COUNT, severity: ValidationSeverity.ERROR, atLeast: 10 };
      await setRules(db, project, [...rules, count]);
      const of = async (work: () => Promise<ValidationReport>) => {
        const taken = await timed(repeats, async () => compare(await work(), expected, images), 1);
        return quantile(taken, 0.5) / 1000;
      };
      const expected: number[] = [];
      const [slow = 0] = await timed(
        1,
        async () => {
          for (const [, , sql] of RULES)
            expected.push((await db.query(`SELECT count(*)::int AS n ${sql}`, [project]))[0].n as number);
        },
        0,
      );
      say(`failures by rule: ${expected.join(', ')}`);
      const whole = await of(() => validateImages(db, project));
      const version = await freeze(db, project, say);
      const frozen = await of(() => validateVersion(db, version));
      const batch: { id: string }[] = await db.query(
        'SELECT id FROM image WHERE project_id = $1 ORDER BY id LIMIT 1000',
        [project],
      );
      const uuids = batch.map(({ id }) => id);
      const imported = await timed(20, () =>
        db.transaction((manager) => validateImported(manager, project, uuids)),
      );
      // What registerImages pays of a project that has declared nothing.
      await setRules(db, project, null);
      const byDefault = await timed(20, () =>
        db.transaction((manager) => validateImported(manager, project, uuids)),
      );
      return {
        'project, seconds': whole,
        'one statement a rule, seconds': slow / 1000,
        'version, seconds': frozen,
        'batch of 1,000, ms': quantile(imported, 0.5),
        'batch of 1,000 by the default rules, ms': quantile(byDefault, 0.5),
      };
    } finally {
      await stop();
    }
  },
};

/** @throws when the report is not what was counted by hand */
function compare({ checkedImages, rules }: ValidationReport, expected: number[], images: number) {
  const failed = rules.slice(0, expected.length).map((result) => result.failed);
  if (checkedImages !== images || failed.join() !== expected.join())
    throw new Error(`${checkedImages} images: ${failed.join()} instead of ${expected.join()}`);
  const short = rules.find(({ failed: n, examples }) => examples.length !== Math.min(n, 10));
  if (short) throw new Error(`${short.examples.length} examples of ${short.rule.kind}`);
}

/** A version of all images, in rows alone: making it is another benchmark. */
async function freeze(db: DataSource, project: string, say: (line: string) => void): Promise<string> {
  const [dataset, version] = [newId(), newId()];
  const started = performance.now();
  await unlimited(db, async (runner) => {
    await runner.query("SET work_mem = '256MB'");
    await runner.query(
      `INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness)
       SELECT sha256, 'image/jpeg', 1, width, height, darkness_sensor, brightness FROM image WHERE project_id = $1`,
      [project],
    );
    await runner.query("INSERT INTO dataset (id, project_id, name) VALUES ($1, $2, 'all')", [
      dataset,
      project,
    ]);
    await runner.query(
      `INSERT INTO dataset_version (id, dataset_id, version, data_id, seed, train, validation, test, image_count,
         light_count, condition_names, condition_ids, condition_versions) VALUES ($1, $2, 1, '', 1, 1, 0, 0, 0, 0, '{}', '{}', '{}')`,
      [version, dataset],
    );
    await runner.query(
      `INSERT INTO dataset_item (version_id, sha256, image_id, split, conditions, annotations, lights, drive, place_id,
         recorded_at, latitude, longitude)
       SELECT $1, t.sha256, t.id, CASE t.nr % 7 WHEN 0 THEN 'TEST' WHEN 1 THEN 'VALIDATION' ELSE 'TRAIN' END, '{}',
         CASE WHEN t.traffic_lights IS NOT NULL THEN coalesce(a.boxes, '[]') END, 0, t.drive, t.place_id, t.recorded_at,
         t.latitude, t.longitude
       FROM image t LEFT JOIN (SELECT image_id, jsonb_agg(jsonb_build_object('id', id, 'category', category, 'x', x, 'y', y,
           'width', width, 'height', height, 'color', color, 'arrows', arrows)) AS boxes FROM annotation GROUP BY 1) a
         ON a.image_id = t.id WHERE t.project_id = $2`,
      [version, project],
    );
    await runner.query('VACUUM ANALYZE');
  });
  say(`frozen in ${Math.round(performance.now() - started)} ms`);
  return version;
}
