/** Which evaluation a model is judged by, and a share with its interval. */
import type { DataSource } from 'typeorm';
import type { LearningTask } from '../catalog/vocabulary.js';
import { ofShown } from '../experiments/deletion/shown.js';
import { judges } from '../experiments/weights.js';
import { wilsonAt } from '../experiments/evaluate/figures.js';
import { ShingoError } from '../platform/error.js';
import type { Tally } from './keys.js';

export interface Figures {
  value: number | null;
  n: number;
  lower: number;
  upper: number;
}

/** With Wilson's interval; of nothing the value is null and the interval all of 0 to 1. */
export const figuresOf = ({ n, correct }: Tally, confidence = 0.95): Figures => ({
  value: n === 0 ? null : correct / n,
  n,
  ...wilsonAt(correct, n, confidence),
});

export interface EvaluationChoice {
  experimentUuid?: string | null;
  modelVersionUuid?: string | null;
  evaluationUuid?: string | null;
}

export interface ChosenEvaluation {
  uuid: string;
  task: LearningTask;
  /** Of its protocol. */
  minimumN: number;
  confidence: number;
  /** Conditions whose filter has been changed since its data set version was made. */
  conditionsChanged: string[];
}

/**
 * The evaluation that is named or, of an experiment, its newest one of the BEST weights or of predictions logged, or the newest of a model
 * version, on a TEST split if there is one. Null: there is none that has succeeded.
 * @throws ShingoError NOT_FOUND, OTHER_PROJECT, EVALUATION_UNFINISHED
 */
export async function chooseEvaluation(
  db: DataSource,
  projectUuid: string,
  { experimentUuid = null, modelVersionUuid = null, evaluationUuid = null }: EvaluationChoice,
): Promise<ChosenEvaluation | null> {
  const rows: (Omit<ChosenEvaluation, 'conditionsChanged'> & { state: string; changed: string[] })[] =
    await db.query(
      `/* collect.evaluation */ SELECT e.id AS uuid, e.task, e.state, r.minimum_n AS "minimumN", r.confidence, ARRAY(
         SELECT made.name FROM unnest(v.condition_names, v.condition_ids, v.condition_versions) made(name, id, version)
         LEFT JOIN condition c ON c.id = made.id WHERE c.version IS DISTINCT FROM made.version ORDER BY 1) AS changed
     FROM evaluation e JOIN dataset_version v ON v.id = e.dataset_version_id JOIN evaluation_protocol r ON r.id = e.protocol_id
     WHERE e.project_id = $1 AND CASE WHEN $2::uuid IS NOT NULL THEN e.id = $2
       WHEN $4::uuid IS NOT NULL THEN e.state = 'SUCCEEDED' AND e.id IN (
         SELECT evaluation_id FROM model_version_evaluation WHERE version_id = $4)
       ELSE e.experiment_id = $3 AND ${ofShown('e')} AND e.state = 'SUCCEEDED' AND ${judges('e')} END
     ORDER BY e.split = 'TEST' DESC, e.finished_at DESC, e.id DESC LIMIT 1`,
      [projectUuid, evaluationUuid, experimentUuid, modelVersionUuid],
    );
  const [row] = rows;
  if (!row && evaluationUuid !== null)
    throw new ShingoError('NOT_FOUND', 'The project has no such evaluation.', 404, ['evaluationId']);
  if (!row && experimentUuid !== null) await checkProject(db, projectUuid, experimentUuid);
  if (!row) return null;
  if (row.state === 'SUCCEEDED') {
    const { uuid, task, minimumN, confidence, changed: conditionsChanged } = row;
    return { uuid, task, minimumN, confidence, conditionsChanged };
  }
  const message = `This evaluation is ${row.state}; only one that SUCCEEDED has figures.`;
  throw new ShingoError('EVALUATION_UNFINISHED', message, 409, ['evaluationId']);
}

async function checkProject(db: DataSource, projectUuid: string, experimentUuid: string): Promise<void> {
  const rows = await db.query(
    '/* collect.experiment */ SELECT 1 FROM experiment WHERE id = $1 AND project_id = $2',
    [experimentUuid, projectUuid],
  );
  if (rows.length > 0) return;
  const message = 'This experiment belongs to another project.';
  throw new ShingoError('OTHER_PROJECT', message, 409, ['experimentId']);
}
