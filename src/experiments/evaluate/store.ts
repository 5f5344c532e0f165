/** Writes what an evaluation came to, within the caller's (fenced) transaction: all of it, or nothing. */
import { createReadStream } from 'node:fs';
import type { EntityManager } from 'typeorm';
import { LearningTask } from '../../catalog/vocabulary.js';
import { copyInto, copyRow } from '../../platform/database/copy.js';
import { isUniqueViolation } from '../../platform/database/errors.js';
import { invalid } from './detections.js';
import { wilsonAt, type SliceFigures } from './figures.js';
import type { Prepared } from './prepare.js';
import type { Scope } from './scope.js';

const TABLES = {
  [LearningTask.LIGHT_DETECTION]:
    'evaluation_image (evaluation_id, sha256, position, conditions, drive, lights, matches)',
  [LearningTask.LIGHT_STATE]:
    'evaluation_prediction (evaluation_id, sha256, light, conditions, actual, predicted, score, width)',
};

/** Instead of what an earlier attempt has left. Returns how many lights count. @throws ShingoError PREDICTIONS_INVALID */
export async function storeEvaluation(manager: EntityManager, prepared: Prepared): Promise<number> {
  const { scope, rowsFile, slices } = prepared;
  for (const table of ['prediction', 'image', 'condition', 'cell'])
    await manager.query(`/* evaluation.forget */ DELETE FROM evaluation_${table} WHERE evaluation_id = $1`, [
      scope.uuid,
    ]);
  try {
    const rows = createReadStream(rowsFile, { highWaterMark: 1 << 18 });
    await copyInto(manager, `/* evaluation.rows */ COPY ${TABLES[scope.task]} FROM STDIN`, rows);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw invalid('an image or a light stands in the file twice');
  }
  await insertSlices(manager, scope, slices, 0);
  const n = slices[0]?.n ?? 0;
  await manager.query('/* evaluation.setCount */ UPDATE evaluation SET n = $2 WHERE id = $1', [
    scope.uuid,
    n,
  ]);
  return n;
}

/** @param position of the first; 0: the whole split */
export async function insertSlices(
  manager: EntityManager,
  { uuid, protocol }: Scope,
  slices: SliceFigures[],
  position: number,
): Promise<void> {
  const rows = slices.map(({ n, correct, ...slice }, at) => ({
    ...{ position: position + at, condition: slice.condition, version: slice.version, n, correct },
    ...wilsonAt(correct, n, protocol.confidence),
    ...{ confusion: slice.confusion, images: slice.images, details: slice.details },
  }));
  await manager.query(
    `/* evaluation.summarise */ INSERT INTO evaluation_condition
       (evaluation_id, position, condition, condition_version, n, correct, lower, upper, method, confusion, images, details)
     SELECT $1, r.position, r.condition, r.version, r.n, r.correct, r.lower, r.upper, 'WILSON', r.confusion, r.images,
       r.details
     FROM json_to_recordset($2::json) AS r (position smallint, condition text, version int, n int, correct int,
       lower double precision, upper double precision, confusion int[], images int, details jsonb)`,
    [uuid, JSON.stringify(rows)],
  );
  await copyInto(
    manager,
    `/* evaluation.cells */ COPY evaluation_cell (evaluation_id, condition, condition_version, metric, class, size_bin,
       value, n, lower, upper, method) FROM STDIN`,
    cellRows(uuid, slices),
  );
}

function* cellRows(uuid: string, slices: SliceFigures[]): Generator<string> {
  for (const { condition, version, cells } of slices)
    yield cells
      .map((cell) =>
        copyRow([
          ...[uuid, condition, version, cell.metric, cell.class, cell.sizeBin],
          ...[cell.value, cell.n, cell.lower, cell.upper, cell.method],
        ]),
      )
      .join('');
}
