/** How right a model is, by cell of a cross-tab: one statement over the stored predictions, whatever the number of cells. */
import type { DataSource } from 'typeorm';
import { CoverageDimension } from '../catalog/coverage/coverage.js';
import { LearningTask } from '../catalog/vocabulary.js';
import { wilsonAt } from '../experiments/evaluate/figures.js';
import { ShingoError } from '../platform/error.js';
import { detectionQuality } from './detectionQuality.js';
import { IMAGE_KEY, type Quality, type Tally } from './keys.js';

/** As SQL, of a light: `e` is the evaluation, `v` its version, `p` the prediction. */
const KEY: Record<CoverageDimension, string> = {
  ...IMAGE_KEY,
  CONDITION: 'v.condition_names[member + 1]',
  LIGHT_COLOR: 'e.classes[p.actual + 1]',
  LIGHT_SIZE: `CASE WHEN box.width < 8 THEN '<8' WHEN box.width < 16 THEN '8-16' WHEN box.width < 32 THEN '16-32' ELSE '>=32' END`,
  HAS_LIGHT: `'YES'`,
};

/** A light is in each of its conditions, and in none (null) if it has none. */
const MEMBERS = 'LEFT JOIN LATERAL unnest(p.conditions) member ON true';
const WIDTH = `CROSS JOIN LATERAL (SELECT (i.annotations->p.light->>'width')::float8 AS width) box`;

export const qualityOf = (
  db: DataSource,
  { uuid, task }: ChosenEvaluation,
  by: readonly CoverageDimension[],
): Promise<Quality> =>
  task === LearningTask.LIGHT_DETECTION ? detectionQuality(db, uuid, by) : lightQuality(db, uuid, by);

/** Right is: called by its colour. */
async function lightQuality(
  db: DataSource,
  evaluationUuid: string,
  by: readonly CoverageDimension[],
): Promise<Quality> {
  const keys = by.map((dimension, at) => `${KEY[dimension]} AS k${at}`).join(', ');
  const columns = by.map((_, at) => `k${at}`).join(', ');
  const members = by.includes(CoverageDimension.CONDITION) ? MEMBERS : '';
  const width = by.includes(CoverageDimension.LIGHT_SIZE) ? WIDTH : '';
  const rows: (Record<string, string | null> & { whole: boolean; n: number; correct: number })[] =
    await db.query(
      `/* collect.quality */ WITH light AS (
         SELECT ${keys}, p.actual = p.predicted AS is_right
         FROM evaluation e JOIN dataset_version v ON v.id = e.dataset_version_id
         JOIN evaluation_prediction p ON p.evaluation_id = e.id
         JOIN dataset_item i ON i.version_id = v.id AND i.sha256 = p.sha256
         LEFT JOIN place l ON l.id = i.place_id ${width} ${members}
         WHERE e.id = $1)
       SELECT false AS whole, ${columns}, count(*)::int AS n, count(*) FILTER (WHERE is_right)::int AS correct
       FROM light GROUP BY ${columns}
       UNION ALL SELECT true, ${by.map(() => 'NULL').join(', ')}, count(*)::int,
         count(*) FILTER (WHERE actual = predicted)::int FROM evaluation_prediction WHERE evaluation_id = $1`,
      [evaluationUuid],
    );
  const cells = rows
    .filter(({ whole }) => !whole)
    .map(({ n, correct, ...row }) => ({ keys: by.map((_, at) => row[`k${at}`] ?? null), n, correct }));
  const { n = 0, correct = 0 } = rows.find(({ whole }) => whole) ?? {};
  return { cells, overall: { n, correct } };
}

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
 * The evaluation that is named or, of an experiment, its newest one of the BEST weights, or the newest of a model
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
       ELSE e.experiment_id = $3 AND e.state = 'SUCCEEDED' AND e.weights = 'BEST' END
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
