/** Making a data set version: choose, split, freeze, hash. */
import { createHash } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import type { Condition } from '../catalog/condition/condition.js';
import { conditionFilters, conditionsOf, membershipSql } from '../catalog/condition/conditionService.js';
import { imageFields } from '../catalog/image/imageFields.js';
import { compileWhere, Parameters, type Where } from '../graphql/list/where.js';
import { selectOne } from '../graphql/select.js';
import { connectionOf } from '../platform/database/connection.js';
import { ShingoError } from '../platform/error.js';
import { newId } from '../platform/ids.js';
import { Dataset } from './dataset.js';
import { DatasetVersion } from './datasetVersion.js';
import { refuseLeaks } from './leaks/report.js';
import { semanticVersion } from './semanticVersion.js';
import { assignGroups, SplitStrategy } from './split/assign.js';
import type { Shares } from './split/groups.js';
import { refuseInvalidVersion } from './validation.js';

export interface VersionRecipe {
  where?: Where | null;
  seed: number;
  train: number;
  validation: number;
  test: number;
  /** Missing: RANDOM. */
  strategy?: SplitStrategy;
  /** UUID of a version of the data set whose test images all are test images of this one too. */
  fixedTestFrom?: string | null;
  /** Share of a held-out split that another may know; missing: MAX_LEAK_SHARE. */
  maxLeakShare?: number;
  /** Made even if it breaks a rule of the project. */
  allowInvalid?: boolean;
}

/** A few frames of a drive's end, yes; a drive on both sides, no. */
export const MAX_LEAK_SHARE = 0.05;

/**
 * The images are chosen in one statement, hence of one moment. If the data set has a version with this very content, that one is
 * returned and nothing is written.
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT, DATASET_EMPTY, SPLIT_CLASS_EMPTY, SPLIT_TIME_MISSING, DATASET_LEAKS,
 *   DATASET_INVALID, FILTER_INVALID
 */
export async function createDatasetVersion(
  db: DataSource,
  datasetUuid: string,
  recipe: VersionRecipe,
): Promise<DatasetVersion> {
  checkRecipe(recipe);
  return db.transaction(async (manager) => {
    // Ten minutes instead of the API's 30 s: a million images take longer than any other mutation.
    await (await connectionOf(manager)).allow(600_000);
    await manager.query('/* dataset.lock */ SELECT 1 FROM dataset WHERE id = $1 FOR UPDATE', [datasetUuid]);
    const dataset = await selectOne(manager, Dataset, datasetUuid);
    if (!dataset) throw new ShingoError('NOT_FOUND', 'There is no such data set.', 404, ['datasetId']);
    const conditions = await conditionsOf(manager, dataset.projectUuid);
    if (recipe.fixedTestFrom) await checkFixed(manager, datasetUuid, recipe.fixedTestFrom);
    const previous = await latestVersion(manager, datasetUuid);
    const uuid = await insertVersion(manager, dataset, conditions, recipe);
    await insertItems(manager, dataset, conditions, uuid, recipe);
    const strategy = recipe.strategy ?? SplitStrategy.RANDOM;
    if (strategy !== SplitStrategy.RANDOM)
      await assignGroups(manager, uuid, strategy, recipe.seed, sharesOf(recipe));
    await checkSplits(manager, uuid, recipe);
    const dataId = await hashItems(manager, uuid);
    const same = await manager.query(
      '/* dataset.sameContent */ SELECT id FROM dataset_version WHERE dataset_id = $1 AND data_id = $2',
      [datasetUuid, dataId],
    );
    if (same[0]) {
      await manager.query('/* dataset.dropVersion */ DELETE FROM dataset_version WHERE id = $1', [uuid]);
      return (await selectOne(manager, DatasetVersion, same[0].id as string)) as DatasetVersion;
    }
    await refuseLeaks(manager, uuid, recipe.maxLeakShare ?? MAX_LEAK_SHARE);
    await refuseInvalidVersion(manager, uuid, recipe.allowInvalid ?? false);
    const numbers = await semanticVersion(manager, uuid, previous);
    await manager.query(
      `/* dataset.finishVersion */ UPDATE dataset_version v SET data_id = $2, major = $3, minor = $4, patch = $5, image_count = c.images, light_count = c.lights
       FROM (SELECT count(*) AS images, coalesce(sum(lights), 0) AS lights FROM dataset_item WHERE version_id = $1) c
       WHERE v.id = $1`,
      [uuid, dataId, ...numbers],
    );
    return (await selectOne(manager, DatasetVersion, uuid)) as DatasetVersion;
  });
}

/** Of what is dealt out: beside a fixed test set, training and validation share the rest. */
function sharesOf({ train, validation, test, fixedTestFrom }: VersionRecipe): Shares {
  if (!fixedTestFrom) return { TRAIN: train, VALIDATION: validation, TEST: test };
  return { TRAIN: train / (train + validation), VALIDATION: validation / (train + validation), TEST: 0 };
}

async function checkFixed(manager: EntityManager, datasetUuid: string, versionUuid: string): Promise<void> {
  const rows = await manager.query(
    '/* dataset.fixedTest */ SELECT 1 FROM dataset_version WHERE id = $1 AND dataset_id = $2',
    [versionUuid, datasetUuid],
  );
  if (rows.length === 0)
    throw new ShingoError('NOT_FOUND', 'The data set has no such version.', 404, ['fixedTestFrom']);
}

async function latestVersion(manager: EntityManager, datasetUuid: string) {
  const rows: { id: string; major: number; minor: number; patch: number }[] = await manager.query(
    `/* dataset.latestVersion */ SELECT id, major, minor, patch FROM dataset_version
     WHERE dataset_id = $1 ORDER BY version DESC LIMIT 1`,
    [datasetUuid],
  );
  return rows[0] ?? null;
}

function checkRecipe({ train, validation, test, seed, maxLeakShare = MAX_LEAK_SHARE }: VersionRecipe): void {
  if (!(maxLeakShare >= 0 && maxLeakShare <= 1))
    throw new ShingoError('BAD_USER_INPUT', 'maxLeakShare is a share, 0 to 1.', 400, ['maxLeakShare']);
  const fractions = { train, validation, test };
  for (const [name, fraction] of Object.entries(fractions)) {
    if (!(fraction >= 0 && fraction <= 1))
      throw new ShingoError('BAD_USER_INPUT', `${name} is a fraction, 0 to 1.`, 400, [name]);
  }
  if (Math.abs(train + validation + test - 1) > 1e-9) {
    throw new ShingoError('BAD_USER_INPUT', 'train, validation and test add up to 1.', 400, ['train']);
  }
  if (train === 0) throw new ShingoError('BAD_USER_INPUT', 'train is more than 0.', 400, ['train']);
  if (seed < 0) throw new ShingoError('BAD_USER_INPUT', 'seed is 0 or more.', 400, ['seed']);
}

async function insertVersion(
  manager: EntityManager,
  dataset: Dataset,
  conditions: Condition[],
  recipe: VersionRecipe,
): Promise<string> {
  const uuid = newId();
  await manager.query(
    `/* dataset.createVersion */ INSERT INTO dataset_version (id, dataset_id, version, data_id, filter, seed, train, validation,
       test, image_count, light_count, condition_names, condition_ids, condition_versions, strategy, fixed_test_from,
       max_leak_share)
     SELECT $1, $2, coalesce(max(version), 0) + 1, '', $3, $4, $5, $6, $7, 0, 0, $8, $9, $10, $11, $12, $13
     FROM dataset_version WHERE dataset_id = $2`,
    [
      uuid,
      dataset.uuid,
      recipe.where ? JSON.stringify(recipe.where) : null,
      recipe.seed,
      recipe.train,
      recipe.validation,
      recipe.test,
      conditions.map((condition) => condition.name),
      conditions.map((condition) => condition.uuid),
      conditions.map((condition) => condition.version),
      recipe.strategy ?? SplitStrategy.RANDOM,
      recipe.fixedTestFrom ?? null,
      recipe.maxLeakShare ?? MAX_LEAK_SHARE,
    ],
  );
  return uuid;
}

/**
 * An item without bytes goes by its file name: the data id stays a function of content alone, and no digest of bytes
 * can be the same.
 */
const NAME_KEY = "encode(sha256(convert_to('name:' || t.file_name, 'UTF8')), 'hex')";
const ITEM_KEY = `coalesce(t.sha256, ${NAME_KEY})`;
/** By its name too: a test image whose picture has come since is still one. */
const FIXED = '(SELECT sha256 FROM fixed)';
const IS_FIXED = `(t.sha256 IN ${FIXED} OR ${NAME_KEY} IN ${FIXED}) IS TRUE`;

/**
 * Stratified by what the lights show, weather and time of day: images stand in one row, stratum by stratum, shuffled
 * by a hash of seed and content within each; the golden-ratio sequence then deals them out. Its points lie so evenly
 * that a split's share is right to about one image within every stratum, and of any 8 neighbours each split of 16 %
 * or more gets one.
 */
async function insertItems(
  manager: EntityManager,
  dataset: Dataset,
  conditions: Condition[],
  uuid: string,
  recipe: VersionRecipe,
): Promise<void> {
  const parameters = new Parameters();
  // What is dealt by group afterwards is all for training until then.
  const grouped = recipe.strategy !== undefined && recipe.strategy !== SplitStrategy.RANDOM;
  const shares = grouped ? { TRAIN: 1, VALIDATION: 0, TEST: 0 } : sharesOf(recipe);
  const condition = await conditionFilters(manager, dataset.projectUuid, recipe.where);
  const [version, project] = [parameters.add(uuid, 'uuid'), parameters.add(dataset.projectUuid, 'uuid')];
  const [seed, test, held] = [
    parameters.add(String(recipe.seed), 'text'),
    parameters.add(shares.TEST, 'float8'),
    parameters.add(shares.TEST + shares.VALIDATION, 'float8'),
  ];
  const names = parameters.add(
    conditions.map(({ name }) => name),
    'text[]',
  );
  const base = parameters.add(recipe.fixedTestFrom ?? null, 'uuid');
  const member = membershipSql(conditions, parameters);
  const where = compileWhere(imageFields(), recipe.where, { parameters, condition });
  await manager.query(
    `/* dataset.createItems */ INSERT INTO dataset_item
       (version_id, sha256, image_id, split, weather, time_of_day, scene, conditions, annotations, lights,
        drive, place_id, recorded_at, latitude, longitude)
     WITH fixed AS (
       SELECT f.*, v.condition_names FROM dataset_item f JOIN dataset_version v ON v.id = f.version_id
       WHERE f.version_id = ${base} AND f.split = 'TEST'
     ), chosen AS (
       SELECT t.*, ${member} AS member, ${ITEM_KEY} AS key, ${IS_FIXED} AS is_fixed
       FROM image t WHERE t.project_id = ${project} AND (${where} OR ${IS_FIXED})
     ), labelled AS (
       SELECT c.*, a.annotations, coalesce(a.lights, 0) AS lights, coalesce(a.colors, '') AS colors
       FROM chosen c LEFT JOIN LATERAL (
         SELECT jsonb_agg(jsonb_build_object('id', n.id, 'category', n.category, 'x', n.x, 'y', n.y, 'width', n.width,
             'height', n.height, 'color', n.color, 'arrows', n.arrows, 'role', n.role, 'occluded', n.occluded,
             'truncated', n.truncated) ORDER BY n.id) AS annotations,
           count(*) FILTER (WHERE n.category = 'TRAFFIC_LIGHT') AS lights,
           string_agg(DISTINCT n.color, ',' ORDER BY n.color) AS colors
         FROM annotation n WHERE n.image_id = c.id AND n.source = 'LABEL'
       ) a ON true
     ), dealt AS (
       SELECT *, (row_number() OVER (PARTITION BY is_fixed
           ORDER BY colors, weather, time_of_day, sha256(convert_to(${seed} || key, 'UTF8'))) * 0.6180339887498949::float8) AS p
       FROM labelled
     )
     SELECT ${version}, d.key, d.id,
       CASE WHEN is_fixed OR p - floor(p) < ${test} THEN 'TEST' WHEN p - floor(p) < ${held} THEN 'VALIDATION' ELSE 'TRAIN' END,
       d.weather, d.time_of_day, d.scene,
       ARRAY(SELECT (i - 1)::smallint FROM generate_subscripts(member, 1) i WHERE member[i]),
       -- Null where nobody has looked; an empty list where somebody has and found nothing. A model is nobody. A test image
       -- that came again without its labels keeps those that it had.
       CASE WHEN d.counts_source = 'LABEL' THEN coalesce(d.annotations, '[]') ELSE f.annotations END,
       CASE WHEN d.counts_source = 'LABEL' THEN d.lights ELSE coalesce(f.lights, 0) END,
       d.drive, d.place_id, d.recorded_at, d.latitude, d.longitude
     FROM dealt d LEFT JOIN fixed f ON f.sha256 = d.key
     UNION ALL
     -- A test image that has left the catalog since stays as it was.
     SELECT ${version}, f.sha256, f.image_id, 'TEST', f.weather, f.time_of_day, f.scene,
       ARRAY(SELECT (array_position(${names}, f.condition_names[m + 1]) - 1)::smallint FROM unnest(f.conditions) m
         WHERE f.condition_names[m + 1] = ANY (${names})),
       f.annotations, f.lights, f.drive, f.place_id, f.recorded_at, f.latitude, f.longitude
     FROM fixed f WHERE NOT EXISTS (SELECT 1 FROM dealt d WHERE d.key = f.sha256)
       AND NOT EXISTS (SELECT 1 FROM chosen t WHERE t.is_fixed AND ${NAME_KEY} = f.sha256)`,
    parameters.values,
  );
}

/** A class that a split lacks can be neither learnt nor measured there: the version is refused. */
async function checkSplits(manager: EntityManager, uuid: string, recipe: VersionRecipe): Promise<void> {
  const rows: { color: string; images: number; splits: string[] }[] = await manager.query(
    `/* dataset.classesBySplit */ SELECT a.color, count(DISTINCT i.sha256)::int AS images, array_agg(DISTINCT i.split) AS splits
     FROM dataset_item i, jsonb_to_recordset(i.annotations) AS a(category text, color text)
     WHERE i.version_id = $1 AND a.category = 'TRAFFIC_LIGHT' AND a.color <> 'UNKNOWN' GROUP BY a.color ORDER BY a.color`,
    [uuid],
  );
  const [{ n }] = await manager.query(
    '/* dataset.countItems */ SELECT count(*)::int AS n FROM dataset_item WHERE version_id = $1',
    [uuid],
  );
  if (n === 0)
    throw new ShingoError('DATASET_EMPTY', 'No image of the project fits the filter.', 400, ['where']);
  // What a fixed test set lacks, it lacks on purpose: it must not change.
  const wanted = (['train', 'validation', 'test'] as const).filter(
    (split) => recipe[split] > 0 && !(split === 'test' && recipe.fixedTestFrom),
  );
  for (const { color, images, splits } of rows) {
    const lacking = wanted.filter((split) => !splits.includes(split.toUpperCase()));
    if (lacking.length === 0) continue;
    throw new ShingoError(
      'SPLIT_CLASS_EMPTY',
      `The class ${color} stands on ${images} ${images === 1 ? 'image' : 'images'} only and would be missing in ` +
        `${lacking.join(' and ')}. Add images of it, give that split a larger share, or leave the class out with where.`,
      400,
      [lacking[0] as string],
    );
  }
}

/** Rows per round trip while hashing: bounds memory at any size of version. */
const HASH_BATCH = 2000;

/** SHA-256 over one JSON line an image, in the order of their SHA-256; no database id takes part. */
async function hashItems(manager: EntityManager, uuid: string): Promise<string> {
  const hash = createHash('sha256');
  const [{ condition_names: names }] = await manager.query(
    '/* dataset.conditionNames */ SELECT condition_names FROM dataset_version WHERE id = $1',
    [uuid],
  );
  for (let after = ''; ;) {
    const items: {
      sha256: string;
      split: string;
      weather: string | null;
      time_of_day: string | null;
      scene: string | null;
      conditions: number[];
      annotations: Record<string, unknown>[] | null;
    }[] = await manager.query(
      `/* dataset.itemsToHash */ SELECT sha256, split, weather, time_of_day, scene, conditions, annotations
       FROM dataset_item WHERE version_id = $1 AND sha256 > $2 ORDER BY sha256 LIMIT ${HASH_BATCH}`,
      [uuid, after],
    );
    for (const item of items) {
      const conditions = item.conditions.map((index) => names[index] as string).sort();
      const line = [
        item.sha256,
        item.split,
        item.weather,
        item.time_of_day,
        item.scene,
        conditions,
        canonical(item.annotations),
      ];
      hash.update(`${JSON.stringify(line)}\n`);
    }
    const last = items.at(-1);
    if (!last) return hash.digest('hex');
    after = last.sha256;
  }
}

const BOX_KEYS = [
  'category',
  'x',
  'y',
  'width',
  'height',
  'color',
  'arrows',
  'role',
  'occluded',
  'truncated',
];

function canonical(annotations: Record<string, unknown>[] | null): string[] | null {
  return (
    annotations && annotations.map((box) => JSON.stringify(BOX_KEYS.map((key) => plain(box[key])))).sort()
  );
}

/** Arrows are a set: the order in which they were named is no content. */
const plain = (value: unknown) =>
  Array.isArray(value) ? [...new Set(value as string[])].sort() : (value ?? null);
