import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { EvaluationSource } from '../evaluation.js';
import { batchOf, findTarget, lock, logOnce, type Span, type Target } from './batch.js';

/**
 * An evaluation of predictions that were made elsewhere becomes one of this experiment. It may come after the end: who
 * has trained evaluates then.
 * @throws ShingoError NOT_FOUND, EXPERIMENT_NOT_LOGGED, CONFLICT, OTHER_PROJECT, OTHER_MODEL, EVALUATION_TAKEN
 */
export async function logEvaluation(
  db: DataSource,
  experimentUuid: string,
  batchId: string,
  evaluationUuid: string,
): Promise<Span> {
  const batch = batchOf(batchId, 'EVALUATION', evaluationUuid);
  const target = await findTarget(db, experimentUuid, batch);
  return logOnce(db, target, batch, async (manager) => {
    await lock(manager, experimentUuid);
    await attach(manager, target, evaluationUuid);
  });
}

async function attach(manager: EntityManager, target: Target, evaluationUuid: string): Promise<void> {
  const rows: {
    project_id: string;
    model_id: string;
    source: EvaluationSource;
    experiment_id: string | null;
  }[] = await manager.query(
    `/* logging.evaluation */ SELECT project_id, model_id, source, experiment_id FROM evaluation WHERE id = $1
     FOR NO KEY UPDATE`,
    [evaluationUuid],
  );
  const refused = (code: string, message: string, status = 409) =>
    new ShingoError(code, message, status, ['evaluationId']);
  const [row] = rows;
  if (!row) throw refused('NOT_FOUND', 'There is no such evaluation.', 404);
  if (row.project_id !== target.projectUuid)
    throw refused('OTHER_PROJECT', 'This evaluation belongs to another project.');
  if (row.experiment_id === target.uuid) return;
  if (row.source !== EvaluationSource.IMPORTED || row.experiment_id !== null)
    throw refused('EVALUATION_TAKEN', 'This evaluation is of another experiment.');
  if (row.model_id !== target.modelUuid)
    throw refused(
      'OTHER_MODEL',
      'These predictions were imported for another model than that of the experiment.',
    );
  await manager.query('/* logging.attach */ UPDATE evaluation SET experiment_id = $2 WHERE id = $1', [
    evaluationUuid,
    target.uuid,
  ]);
}
