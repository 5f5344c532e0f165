/**
 * Figures of a part of the split that the evaluation did not know: from the stored matches, without the network. An image is
 * in a slice if the condition, or the filter, holds for it now; one that was deleted since is in none.
 */
import type { DataSource, EntityManager } from 'typeorm';
import type { Condition } from '../../catalog/condition/condition.js';
import { conditionFilters, conditionsOf, membershipSql } from '../../catalog/condition/conditionService.js';
import { LearningTask } from '../../catalog/vocabulary.js';
import { Parameters, type Where } from '../../graphql/list/where.js';
import { ShingoError } from '../../platform/error.js';
import { unpackMatches } from '../../training/statistics/detection/index.js';
import type { SliceFigures } from './figures.js';
import { DetectionMeasure } from './measureDetections.js';
import { LightMeasure } from './measureLights.js';
import { FIRST_OF_MORE, imageRows, lightRows, type ImageRow, type LightRow, type More } from './outcomes.js';
import { scopeOf, type Scope, type Slice } from './scope.js';
import { insertSlices } from './store.js';

/** Slices in one request: each holds its matches while it is measured. */
export const MAX_SLICES = 20;

type Db = DataSource | EntityManager;

/**
 * Adds the figures of these conditions, in the version that each has now, to an evaluation that has succeeded. Those that it
 * has already stay as they are.
 * @throws ShingoError NOT_FOUND, EVALUATION_NOT_FINISHED, CONDITION_UNKNOWN, BAD_USER_INPUT
 */
export async function sliceEvaluation(db: DataSource, evaluationUuid: string, names: readonly string[]) {
  const scope = await scopeOf(db, evaluationUuid);
  if (names.length < 1 || names.length > MAX_SLICES)
    throw new ShingoError('BAD_USER_INPUT', `conditionNames: 1 to ${MAX_SLICES} at a time.`, 400, [
      'conditionNames',
    ]);
  await requireFinished(db, scope);
  const known = await conditionsOf(db, scope.projectUuid);
  const wanted = [...new Set(names)].map((name) => {
    const condition = known.find((one) => one.name === name);
    if (condition) return condition;
    const message = `There is no condition ${JSON.stringify(name)}; there are ${known.map((one) => one.name).join(', ')}.`;
    throw new ShingoError('CONDITION_UNKNOWN', message, 400, ['conditionNames']);
  });
  const have = await slicesOf(db, scope);
  const fresh = wanted.filter(({ name, version }) => !have.has(`${name} ${version}`));
  if (fresh.length === 0) return;
  const figures = await measure(
    db,
    scope,
    fresh.map(({ name, version }) => ({ condition: name, version })),
    fresh,
  );
  await db.transaction(async (manager) => {
    // Whoever adds slices of an evaluation holds its row: of two who add the same one, the second finds it.
    await manager.query('/* evaluation.lock */ SELECT 1 FROM evaluation WHERE id = $1 FOR NO KEY UPDATE', [
      scope.uuid,
    ]);
    const now = await slicesOf(manager, scope);
    const missing = figures.filter(({ condition, version }) => !now.has(`${condition} ${version}`));
    await insertSlices(manager, scope, missing, now.size);
  });
}

/** The figures of the images that a filter chooses; nothing is stored. @throws as `sliceEvaluation`, and FILTER_INVALID */
export async function figuresWhere(
  db: DataSource,
  evaluationUuid: string,
  where: Where,
): Promise<{ scope: Scope; figures: SliceFigures }> {
  const scope = await scopeOf(db, evaluationUuid);
  await requireFinished(db, scope);
  const condition = await conditionFilters(db, scope.projectUuid, where);
  const [figures] = await measure(
    db,
    scope,
    [{ condition: null, version: null }],
    [{ filter: where }],
    condition,
  );
  return { scope, figures: figures! };
}

async function requireFinished(db: Db, { uuid }: Scope): Promise<void> {
  const [row]: { state: string }[] = await db.query(
    '/* evaluation.state */ SELECT state FROM evaluation WHERE id = $1',
    [uuid],
  );
  if (row?.state === 'SUCCEEDED') return;
  const message = `This evaluation is ${row?.state}; only one that SUCCEEDED has figures.`;
  throw new ShingoError('EVALUATION_NOT_FINISHED', message, 409, ['evaluationId']);
}

async function slicesOf(db: Db, { uuid }: Scope): Promise<Set<string>> {
  const rows: { condition: string | null; condition_version: number | null }[] = await db.query(
    '/* evaluation.slices */ SELECT condition, condition_version FROM evaluation_condition WHERE evaluation_id = $1',
    [uuid],
  );
  return new Set(rows.map(({ condition, condition_version }) => `${condition} ${condition_version}`));
}

type Member = { member: boolean[] | null };

/** @param filters one a slice, over images @param named the filter of a condition that a filter names */
async function measure(
  db: DataSource,
  scope: Scope,
  slices: Slice[],
  filters: Pick<Condition, 'filter'>[],
  named?: (name: string) => Where,
): Promise<SliceFigures[]> {
  const places = ({ member }: Member) => slices.flatMap((_, at) => (member?.[at] ? [at] : []));
  const more = membership(filters, named);
  if (scope.task === LearningTask.LIGHT_DETECTION) {
    const found = new DetectionMeasure(scope, slices);
    const thresholds = scope.protocol.iouThresholds.length;
    for await (const row of imageRows<ImageRow & Member>(db, scope, 'position', more)) {
      const at = places(row);
      if (at.length > 0) found.add(unpackMatches(row.matches, thresholds), row.drive, at);
    }
    return found.figures();
  }
  const found = new LightMeasure(scope, slices);
  for await (const row of lightRows<LightRow & Member>(db, scope, more))
    found.add({ ...row, label: row.actual }, places(row));
  return found.figures();
}

/** Whether each of the filters holds for the image of a row. */
function membership(filters: Pick<Condition, 'filter'>[], named?: (name: string) => Where): More {
  const parameters = new Parameters();
  parameters.values.push(...new Array<null>(FIRST_OF_MORE - 1).fill(null));
  const member = membershipSql(filters, parameters, named);
  return {
    columns: ', slice.member',
    joins: `LEFT JOIN LATERAL (SELECT ${member} AS member FROM image t WHERE t.id = i.image_id) slice ON true`,
    values: parameters.values.slice(FIRST_OF_MORE - 1),
  };
}
