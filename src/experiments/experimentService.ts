import type { DataSource, EntityManager } from 'typeorm';
import type { Loaders } from '../graphql/context.js';
import { parseGlobalId, uuidOf } from '../graphql/node.js';
import { isUniqueViolation } from '../platform/database/errors.js';
import { ShingoError } from '../platform/error.js';
import { newId } from '../platform/ids.js';
import { isFinal, type JobState } from '../jobs/vocabulary.js';
import type { LearningTask, Split } from '../catalog/vocabulary.js';
import { EVENT_COLUMNS, type EventRow } from './events/event.js';
import { Parameter } from './experiment.js';
import { Metric } from './metric.js';
import { flatten } from './storedParameters.js';

type Db = DataSource | EntityManager;

/**
 * An experiment is named by its global id or, as people do, by "project name/experiment name". Both names may hold
 * slashes, so each slash is tried as the one between them.
 * @throws ShingoError NOT_FOUND, INVALID_ID (the id of something else)
 */
export async function experimentUuid(db: Db, idOrReference: string, field?: string[]): Promise<string> {
  const uuid = parseGlobalId(idOrReference) ? uuidOf('Experiment', idOrReference) : null;
  const reference = idOrReference.slice(0, 500);
  const slashes = [...reference.matchAll(/\//g)].map((match) => match.index);
  const rows: { id: string }[] = await db.query(
    `/* experiment.resolve */ SELECT id FROM experiment WHERE id = $1
     UNION ALL SELECT e.id FROM unnest($2::text[], $3::text[]) AS named(project, experiment)
       JOIN project p ON p.name = named.project
       JOIN experiment e ON e.project_id = p.id AND e.name = named.experiment`,
    [uuid, slashes.map((at) => reference.slice(0, at)), slashes.map((at) => reference.slice(at + 1))],
  );
  if (rows[0]) return rows[0].id;
  throw new ShingoError(
    'NOT_FOUND',
    `There is no experiment ${JSON.stringify(idOrReference.slice(0, 200))}; give its id or "project name/experiment name".`,
    404,
    field,
  );
}

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
    const { seq, time, step, name, split, condition, value, n, lower, upper, method } = row;
    const fields = { time, step, name, split, condition, class: row.class, value, n, lower, upper, method };
    found.get(row.experiment_id)?.push(Object.assign(new Metric(), fields, { seq: Number(seq) }));
  }
  return uuids.map((uuid) => found.get(uuid) ?? []);
}

export async function parametersOf(load: Loaders, db: Db, uuid: string): Promise<Parameter[]> {
  return load.batch('parameters', (uuids) => selectParameters(db, uuids)).load(uuid);
}

export async function selectParameters(db: Db, uuids: readonly string[]): Promise<Parameter[][]> {
  const rows: { experiment_id: string; parameters: Parameter[] }[] = await db.query(
    `/* experiment.parameters */ SELECT experiment_id, json_agg(
         json_build_object('name', name, 'number', number, 'text', text, 'boolean', boolean) ORDER BY name) AS parameters
       FROM experiment_parameter WHERE experiment_id = ANY ($1) GROUP BY experiment_id`,
    [uuids],
  );
  const found = new Map(rows.map((row) => [row.experiment_id, row.parameters]));
  return uuids.map((uuid) => (found.get(uuid) ?? []).map((one) => Object.assign(new Parameter(), one)));
}

export interface NewExperiment {
  projectUuid: string;
  modelUuid: string;
  datasetVersionUuid: string;
  /** Whose weights it begins with. */
  parentUuid: string | null;
  name: string;
  task: `${LearningTask}`;
  algorithm: string;
  /** Stored as rows; see storedParameters.ts. */
  parameters: object;
}

/** Returns the UUID. @throws ShingoError NAME_TAKEN */
export async function insertExperiment(manager: EntityManager, experiment: NewExperiment): Promise<string> {
  const uuid = newId();
  const { projectUuid, modelUuid, datasetVersionUuid, parentUuid, name, task, algorithm } = experiment;
  const inserted: unknown[] = await manager.query(
    `/* experiment.create */ INSERT INTO experiment (id, project_id, model_id, dataset_version_id, name, task,
       algorithm, parent_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (project_id, name) DO NOTHING RETURNING id`,
    [uuid, projectUuid, modelUuid, datasetVersionUuid, name, task, algorithm, parentUuid],
  );
  if (inserted.length === 0) {
    const message = `The project has an experiment named ${JSON.stringify(name)} already.`;
    throw new ShingoError('NAME_TAKEN', message, 409, ['name']);
  }
  const parameters = Object.entries(flatten(experiment.parameters));
  const column = (type: string) => parameters.map(([, value]) => (typeof value === type ? value : null));
  await manager.query(
    `/* experiment.setParameters */ INSERT INTO experiment_parameter (experiment_id, name, number, text, boolean)
     SELECT $1, * FROM unnest($2::text[], $3::double precision[], $4::text[], $5::boolean[])`,
    [uuid, parameters.map(([key]) => key), column('number'), column('string'), column('boolean')],
  );
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
