import type { DataSource } from 'typeorm';
import { Evaluation, EvaluationSource } from '../../experiments/evaluation.js';
import { selectOne } from '../../graphql/select.js';
import { ShingoError } from '../../platform/error.js';
import { versionOfPredictions } from './predictions.js';
import { findModelVersion } from './versionService.js';

/**
 * Says which version imported predictions are of. Said again it changes nothing; of another version it is refused.
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT, CONFLICT, TEST_IMAGES_TRAINED_ON
 */
export async function attachEvaluation(
  db: DataSource,
  evaluationUuid: string,
  versionUuid: string,
): Promise<Evaluation> {
  const version = await findModelVersion(db, versionUuid);
  const evaluation = await selectOne(db, Evaluation, evaluationUuid);
  if (!evaluation) throw new ShingoError('NOT_FOUND', 'There is no such evaluation.', 404, ['evaluationId']);
  const bad = (message: string) => new ShingoError('BAD_USER_INPUT', message, 400, ['evaluationId']);
  if (evaluation.source !== EvaluationSource.IMPORTED)
    throw bad("It is of an experiment, and so of that one's version already.");
  if (evaluation.modelUuid !== version.modelUuid) throw bad('It was imported for another model.');
  if (evaluation.task !== version.task)
    throw bad(`It is of ${evaluation.task}, the version of ${version.task}.`);
  await versionOfPredictions(db, versionUuid, evaluation);
  const [, attached]: [unknown, number] = await db.query(
    `/* evaluation.attach */ UPDATE evaluation SET model_version_id = $2
     WHERE id = $1 AND (model_version_id IS NULL OR model_version_id = $2)`,
    [evaluationUuid, versionUuid],
  );
  if (attached > 0) return evaluation;
  const message = 'These predictions are of another version already; import them again under another name.';
  throw new ShingoError('CONFLICT', message, 409, ['evaluationId']);
}
