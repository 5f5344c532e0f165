import type { DataSource, EntityManager } from 'typeorm';
import type { Loaders } from '../graphql/context.js';
import { findReference, referenceUuid, type Referable } from '../graphql/reference.js';
import { isUniqueViolation } from '../platform/database/errors.js';
import { ShingoError } from '../platform/error.js';
import { newId } from '../platform/ids.js';
import { isFinal, type JobState } from '../jobs/vocabulary.js';
import type { LearningTask, Split } from '../catalog/vocabulary.js';
import { EVENT_COLUMNS, type EventRow } from './events/event.js';
import { Parameter } from './experiment.js';
import { toMetric } from './events/toMetric.js';
import type { Metric } from './metric.js';
import { flatten, insertParameters, typed, type TypedParameter } from './storedParameters.js';

type Db = DataSource | EntityManager;

const EXPERIMENT: Referable = {
  type: 'Experiment',
  noun: 'experiment',
  forms: '"project name/experiment name"',
  sql: `/* experiment.resolve */ SELECT id AS uuid, deleted_at FROM experiment WHERE id = $1
    UNION ALL SELECT e.id, e.deleted_at FROM unnest($2::text[], $3::text[]) AS named(project, experiment)
      JOIN project p ON p.name = named.project
      JOIN experiment e ON e.project_id = p.id AND e.name = named.experiment`,
};

interface Reference {
  uuid: string;
  deleted_at: Date | null;
}

/** @throws ShingoError NOT_FOUND, INVALID_ID (the id of something else), EXPERIMENT_DELETED */
export async function experimentUuid(db: Db, idOrReference: string, field?: string[]): Promise<string> {
  const found = await findReference<Reference>(db, EXPERIMENT, idOrReference, field);
  if (found.deleted_at) throw deleted(found.deleted_at, field);
  return found.uuid;
}

/** Deleted or not. @throws ShingoError NOT_FOUND, INVALID_ID */
export async function anyExperimentUuid(db: Db, idOrReference: string, field?: string[]): Promise<string> {
  return (await findReference<Reference>(db, EXPERIMENT, idOrReference, field)).uuid;
}

/** The same of what may be gone, if it is an id. @throws ShingoError NOT_FOUND, INVALID_ID */
export const formerExperimentUuid = (db: Db, idOrReference: string, field?: string[]): Promise<string> =>
  referenceUuid(db, EXPERIMENT, idOrReference, field);

export const deleted = (at: Date, field?: string[]): ShingoError =>
  new ShingoError(
    'EXPERIMENT_DELETED',
    `This experiment was deleted at ${at.toISOString()}; restoreExperiment brings it back.`,
    409,
    field,
  );

export interface MetricFilter {
  names?: string[] | null;
  /** `all` (no condition can have that name) stands for the metrics over every light. */
  conditions?: string[] | null;
  splits?: Split[] | null;
  afterSeq: number;
  first: number;
}

const MOST_METRICS = 10_000;

/** One statement, however many experiments are asked for. @throws ShingoError BAD_USER_INPUT */
export async function metricsOf(
  load: Loaders,
  db: Db,
  uuid: string,
  filter: MetricFilter,
): Promise<Metric[]> {
  if (filter.first < 0 || filter.first > MOST_METRICS) {
    throw new ShingoError('BAD_USER_INPUT', `first is 0 to ${MOST_METRICS} metrics; go on with afterSeq.`);
  }
  const { names, conditions, splits, afterSeq, first } = filter;
  const key = JSON.stringify([names ?? null, conditions ?? null, splits ?? null, afterSeq, first]);
  return load.batch(`metrics:${key}`, (uuids) => selectMetrics(db, uuids, filter)).load(uuid);
}

const OF_ALL = `/* experiment.metrics */ SELECT metric.* FROM unnest($1::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
    SELECT experiment_id, ${EVENT_COLUMNS} FROM experiment_event
    WHERE experiment_id = wanted.id AND kind = 'METRIC' AND seq > $2 ORDER BY seq LIMIT $3) metric`;

/** From each series its first points, by its index: a rare one among 500 is not searched for in the rows of the others. */
const OF_SERIES = `/* experiment.metrics */ SELECT metric.* FROM unnest($1::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
    SELECT point.* FROM experiment_metric m JOIN metric_series s ON s.id = m.series_id CROSS JOIN LATERAL (
      SELECT experiment_id, ${EVENT_COLUMNS} FROM experiment_event
      WHERE experiment_id = wanted.id AND series_id = m.series_id AND seq > $2 ORDER BY seq LIMIT $3) point
    WHERE m.experiment_id = wanted.id AND m.last_seq > $2 AND ($4::text[] IS NULL OR s.name = ANY ($4))
      AND ($5::text[] IS NULL OR coalesce(s.condition, 'all') = ANY ($5))
      AND ($6::text[] IS NULL OR s.split = ANY ($6))
    ORDER BY point.seq LIMIT $3) metric`;

async function selectMetrics(db: Db, uuids: readonly string[], filter: MetricFilter): Promise<Metric[][]> {
  const { names, conditions, splits, afterSeq, first } = filter;
  const rows: (EventRow & { experiment_id: string })[] = await db.query(
    names || conditions || splits ? OF_SERIES : OF_ALL,
    names || conditions || splits
      ? [uuids, afterSeq, first, names ?? null, conditions ?? null, splits ?? null]
      : [uuids, afterSeq, first],
  );
  const found = new Map<string, Metric[]>(uuids.map((uuid) => [uuid, []]));
  for (const row of rows) {
    found.get(row.experiment_id)?.push(toMetric(row));
  }
  return uuids.map((uuid) => found.get(uuid) ?? []);
}

export async function parametersOf(load: Loaders, db: Db, uuid: string): Promise<Parameter[]> {
  return load.batch('parameters', (uuids) => selectParameters(db, uuids)).load(uuid);
}

export async function selectParameters(db: Db, uuids: readonly string[]): Promise<Parameter[][]> {
  const rows: { experiment_id: string; parameters: Parameter[] }[] = await db.query(
    `/* experiment.parameters */ SELECT experiment_id, json_agg(
         json_build_object('name', name, 'number', number, 'text', text, 'boolean', boolean,
           'numbers', numbers, 'texts', texts) ORDER BY name) AS parameters
       FROM experiment_parameter WHERE experiment_id = ANY ($1) GROUP BY experiment_id`,
    [uuids],
  );
  const found = new Map(rows.map((row) => [row.experiment_id, row.parameters]));
  return uuids.map((uuid) => (found.get(uuid) ?? []).map((one) => Object.assign(new Parameter(), one)));
}

export interface NewExperiment {
  projectUuid: string;
  modelUuid: string;
  datasetVersionUuid: string | null;
  /** Whose weights it begins with. */
  parentUuid: string | null;
  name: string;
  task: `${LearningTask}`;
  algorithm: string;
  /** Stored as rows; see storedParameters.ts. */
  parameters: TypedParameter[] | object;
  /** Of one that is trained elsewhere, and runs already. */
  logged?: {
    engine: string | null;
    codeVersion: string | null;
    idempotencyKey: string | null;
    requestHash: string;
  };
}

/** Returns the UUID. @throws ShingoError NAME_TAKEN */
export async function insertExperiment(manager: EntityManager, experiment: NewExperiment): Promise<string> {
  const uuid = newId();
  const { projectUuid, modelUuid, datasetVersionUuid, parentUuid, name, task, algorithm, logged } =
    experiment;
  const inserted: unknown[] = await manager.query(
    `/* experiment.create */ INSERT INTO experiment (id, project_id, model_id, dataset_version_id, name, task, algorithm,
       parent_id, source, state, started_at, engine, code_version, idempotency_key, request_hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $9 THEN 'LOGGED' ELSE 'JOB' END,
       CASE WHEN $9 THEN 'RUNNING' ELSE 'QUEUED' END, CASE WHEN $9 THEN now() END, $10, $11, $12, $13)
     ON CONFLICT (project_id, name) DO NOTHING RETURNING id`,
    [
      ...[uuid, projectUuid, modelUuid, datasetVersionUuid, name, task, algorithm, parentUuid],
      ...[
        logged !== undefined,
        logged?.engine,
        logged?.codeVersion,
        logged?.idempotencyKey,
        logged?.requestHash,
      ],
    ],
  );
  if (inserted.length === 0) {
    const message = `The project has an experiment named ${JSON.stringify(name)} already.`;
    throw new ShingoError('NAME_TAKEN', message, 409, ['name']);
  }
  const { parameters } = experiment;
  await insertParameters(manager, uuid, Array.isArray(parameters) ? parameters : typed(flatten(parameters)));
  return uuid;
}

/** The first free of "prefix-1", "prefix-2", …; the caller keeps others out until it has taken it. */
export async function freeName(manager: EntityManager, projectUuid: string, prefix: string): Promise<string> {
  const stem = `${prefix.slice(0, 180)}-`;
  const rows: { next: number }[] = await manager.query(
    `/* experiment.freeName */ SELECT coalesce(max(substr(name, length($2) + 1)::int), 0) + 1 AS next FROM experiment
     WHERE project_id = $1 AND starts_with(name, $2) AND substr(name, length($2) + 1) ~ '^[0-9]{1,8}$'`,
    [projectUuid, stem],
  );
  return `${stem}${rows[0]?.next ?? 1}`;
}

/** Mirrors the state of its training; see jobs/change.ts, the only caller. */
export async function setExperimentState(
  manager: EntityManager,
  uuid: string,
  state: JobState,
): Promise<void> {
  await manager.query(
    `/* experiment.setState */ UPDATE experiment SET state = $2,
       started_at = CASE WHEN $2 = 'RUNNING' THEN coalesce(started_at, clock_timestamp()) ELSE started_at END,
       finished_at = CASE WHEN $3 THEN clock_timestamp() END WHERE id = $1`,
    [uuid, state, isFinal(state)],
  );
}

/** @throws ShingoError NAME_TAKEN, BAD_USER_INPUT */
export async function renameExperiment(db: DataSource, uuid: string, name: string): Promise<void> {
  try {
    await db.query('/* experiment.rename */ UPDATE experiment SET name = $2 WHERE id = $1', [uuid, name]);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new ShingoError('NAME_TAKEN', 'The project has an experiment of this name already.', 409, ['name']);
  }
}
