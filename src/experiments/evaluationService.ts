/** Evaluations, and what they came to under each condition. */
import type { DataSource, EntityManager } from 'typeorm';
import type { LearningTask, Split } from '../catalog/vocabulary.js';
import type { Loaders } from '../graphql/context.js';
import { isFinal, type JobState, type Weights } from '../jobs/vocabulary.js';
import { newId } from '../platform/ids.js';
import { ConfusionCell, EvaluationCondition } from './evaluation.js';

type Db = DataSource | EntityManager;

export async function conditionsOf(load: Loaders, db: Db, uuid: string): Promise<EvaluationCondition[]> {
  return load.batch('evaluation.conditions', (uuids) => selectConditions(db, uuids)).load(uuid);
}

interface ConditionRow {
  evaluation_id: string;
  position: number;
  images: number | null;
  classes: string[];
  condition: string | null;
  condition_version: number | null;
  n: number;
  correct: number;
  lower: number;
  upper: number;
  method: string;
  confusion: number[];
}

async function selectConditions(db: Db, uuids: readonly string[]): Promise<EvaluationCondition[][]> {
  const rows: ConditionRow[] = await db.query(
    `/* evaluation.conditions */ SELECT c.evaluation_id, c.position, c.condition, c.condition_version, c.images,
       c.n, c.correct, c.lower, c.upper, c.method, c.confusion, e.classes
     FROM evaluation_condition c
     JOIN evaluation e ON e.id = c.evaluation_id
     WHERE c.evaluation_id = ANY ($1) ORDER BY c.evaluation_id, c.position`,
    [uuids],
  );
  const found = new Map<string, EvaluationCondition[]>(uuids.map((uuid) => [uuid, []]));
  for (const { evaluation_id, classes, condition_version, confusion, ...row } of rows) {
    const fields = {
      ...{ ...row, classes, evaluationUuid: evaluation_id, conditionVersion: condition_version },
      confusion: cells(classes, confusion),
    };
    found.get(evaluation_id)?.push(Object.assign(new EvaluationCondition(), fields));
  }
  return uuids.map((uuid) => found.get(uuid) ?? []);
}

function cells(classes: string[], confusion: number[]): ConfusionCell[] {
  return classes.flatMap((actual, row) =>
    classes.map((predicted, column) => {
      const count = confusion[row * classes.length + column] ?? 0;
      return Object.assign(new ConfusionCell(), { actual, predicted, count });
    }),
  );
}

export type NewEvaluation = {
  projectUuid: string;
  modelUuid: string;
  protocolUuid: string;
  task: LearningTask;
  datasetVersionUuid: string;
  split: Split;
  classes: string[];
} & (
  | { source: 'JOB'; experimentUuid: string; weights: Weights; name?: null }
  | {
      source: 'IMPORTED';
      experimentUuid?: null;
      weights?: null;
      name: string;
      /** Of a version made elsewhere, if it is said at once. */
      modelVersionUuid?: string | null;
    }
);

/** Returns the UUID. */
export async function insertEvaluation(manager: EntityManager, evaluation: NewEvaluation): Promise<string> {
  const uuid = newId();
  const { projectUuid, modelUuid, protocolUuid, task, datasetVersionUuid, split, classes } = evaluation;
  await manager.query(
    `/* evaluation.create */ INSERT INTO evaluation (id, project_id, model_id, protocol_id, task, dataset_version_id,
       split, classes, source, experiment_id, weights, name, model_version_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      ...[uuid, projectUuid, modelUuid, protocolUuid, task, datasetVersionUuid, split, classes],
      ...[evaluation.source, evaluation.experimentUuid, evaluation.weights, evaluation.name],
      evaluation.source === 'IMPORTED' ? evaluation.modelVersionUuid : null,
    ],
  );
  return uuid;
}

/** Mirrors the state of its job; see jobs/change.ts, the only caller. */
export async function setEvaluationState(
  manager: EntityManager,
  uuid: string,
  state: JobState,
): Promise<void> {
  await manager.query(
    `/* evaluation.setState */ UPDATE evaluation SET state = $2,
       finished_at = CASE WHEN $3 THEN clock_timestamp() END WHERE id = $1`,
    [uuid, state, isFinal(state)],
  );
}
