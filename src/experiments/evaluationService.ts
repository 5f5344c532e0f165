/** Per-condition results, counted by the database from one row a light. */
import type { DataSource, EntityManager } from 'typeorm';
import type { LearningTask, Split } from '../catalog/vocabulary.js';
import type { Loaders } from '../graphql/context.js';
import { isFinal, type JobState, type Weights } from '../jobs/vocabulary.js';
import { newId } from '../platform/ids.js';
import { wilson } from '../training/statistics/wilson.js';
import { ConfusionCell, EvaluationCondition } from './evaluation.js';

type Db = DataSource | EntityManager;

export async function conditionsOf(load: Loaders, db: Db, uuid: string): Promise<EvaluationCondition[]> {
  return load.batch('evaluation.conditions', (uuids) => selectConditions(db, uuids)).load(uuid);
}

interface ConditionRow {
  evaluation_id: string;
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
    `/* evaluation.conditions */ SELECT c.*, e.classes FROM evaluation_condition c
     JOIN evaluation e ON e.id = c.evaluation_id
     WHERE c.evaluation_id = ANY ($1) ORDER BY c.evaluation_id, c.position`,
    [uuids],
  );
  const found = new Map<string, EvaluationCondition[]>(uuids.map((uuid) => [uuid, []]));
  for (const { evaluation_id, classes, condition_version, confusion, ...row } of rows) {
    const fields = { ...row, conditionVersion: condition_version, confusion: cells(classes, confusion) };
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

/** Counts the stored predictions under each condition (0: every light) and stores the result. Returns n. */
export async function summarise(manager: EntityManager, evaluationUuid: string): Promise<number> {
  const [evaluation]: { classes: string[]; names: string[]; versions: number[] }[] = await manager.query(
    `/* evaluation.vocabulary */ SELECT e.classes, v.condition_names AS names, v.condition_versions AS versions
     FROM evaluation e JOIN dataset_version v ON v.id = e.dataset_version_id WHERE e.id = $1`,
    [evaluationUuid],
  );
  if (!evaluation) throw new Error(`Evaluation ${evaluationUuid} is gone.`);
  const counts: { position: number; actual: number; predicted: number; n: number }[] = await manager.query(
    `/* evaluation.count */ SELECT place.position, p.actual, p.predicted, count(*)::int AS n
     FROM evaluation_prediction p
     CROSS JOIN LATERAL (SELECT 0 AS position UNION ALL SELECT c + 1 FROM unnest(p.conditions) c) place
     WHERE p.evaluation_id = $1 GROUP BY 1, 2, 3`,
    [evaluationUuid],
  );
  const { classes, names, versions } = evaluation;
  const matrices = [null, ...names].map(() => new Array<number>(classes.length ** 2).fill(0));
  for (const { position, actual, predicted, n } of counts) {
    const matrix = matrices[position];
    if (matrix) matrix[actual * classes.length + predicted] = n;
  }
  const rows = matrices.map((confusion, position) => ({
    position,
    condition: position === 0 ? null : names[position - 1],
    condition_version: position === 0 ? null : versions[position - 1],
    ...proportion(confusion, classes.length),
    confusion,
  }));
  await manager.query('/* evaluation.forget */ DELETE FROM evaluation_condition WHERE evaluation_id = $1', [
    evaluationUuid,
  ]);
  await manager.query(
    `/* evaluation.summarise */ INSERT INTO evaluation_condition
       (evaluation_id, position, condition, condition_version, n, correct, lower, upper, method, confusion)
     SELECT $1, r.position, r.condition, r.condition_version, r.n, r.correct, r.lower, r.upper, 'WILSON', r.confusion
     FROM json_to_recordset($2::json) AS r (position smallint, condition text, condition_version int, n int,
       correct int, lower double precision, upper double precision, confusion int[])`,
    [evaluationUuid, JSON.stringify(rows)],
  );
  return rows[0]?.n ?? 0;
}

function proportion(confusion: number[], classes: number) {
  const n = confusion.reduce((sum, count) => sum + count, 0);
  const correct = confusion.reduce((sum, count, at) => (at % (classes + 1) === 0 ? sum + count : sum), 0);
  return { n, correct, ...wilson(correct, n) };
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
  | { source: 'IMPORTED'; experimentUuid?: null; weights?: null; name: string }
);

/** Returns the UUID. */
export async function insertEvaluation(manager: EntityManager, evaluation: NewEvaluation): Promise<string> {
  const uuid = newId();
  const { projectUuid, modelUuid, protocolUuid, task, datasetVersionUuid, split, classes } = evaluation;
  await manager.query(
    `/* evaluation.create */ INSERT INTO evaluation (id, project_id, model_id, protocol_id, task, dataset_version_id,
       split, classes, source, experiment_id, weights, name)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      ...[uuid, projectUuid, modelUuid, protocolUuid, task, datasetVersionUuid, split, classes],
      ...[evaluation.source, evaluation.experimentUuid, evaluation.weights, evaluation.name],
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
