/** Which evaluations are of a version, and which versions an evaluation is of: the view model_version_evaluation. */
import type { DataSource, EntityManager } from 'typeorm';
import { Evaluation } from '../../experiments/evaluation.js';
import type { Loaders } from '../../graphql/context.js';
import { columnsOf, hydrate } from '../../graphql/select.js';
import { ShingoError } from '../../platform/error.js';
import { ModelVersion } from './version.js';

type Db = DataSource | EntityManager;

const MAX_EVALUATIONS = 500;

/** Newest first. One statement for all versions. @throws ShingoError BAD_USER_INPUT */
export async function evaluationsOfVersion(
  load: Loaders,
  db: Db,
  uuid: string,
  first: number,
): Promise<Evaluation[]> {
  if (first < 0 || first > MAX_EVALUATIONS)
    throw new ShingoError('BAD_USER_INPUT', `first is 0 to ${MAX_EVALUATIONS} evaluations.`);
  const batch = load.batch(`modelVersion.evaluations:${first}`, (uuids) =>
    selectEvaluations(db, uuids, first),
  );
  return batch.load(uuid);
}

async function selectEvaluations(db: Db, uuids: readonly string[], first: number): Promise<Evaluation[][]> {
  const rows: ({ _version: string } & Record<string, unknown>)[] = await db.query(
    `/* modelVersion.evaluations */ SELECT wanted.id AS "_version", t.* FROM unnest($1::uuid[]) AS wanted(id)
     CROSS JOIN LATERAL (
       SELECT ${columnsOf(db, Evaluation)} FROM model_version_evaluation of JOIN evaluation t ON t.id = of.evaluation_id
       WHERE of.version_id = wanted.id ORDER BY t.id DESC LIMIT $2) t
     ORDER BY t.id DESC`,
    [uuids, first],
  );
  const found = Map.groupBy(rows, (row) => row._version);
  return uuids.map((uuid) => (found.get(uuid) ?? []).map((row) => hydrate(db, Evaluation, row)));
}

/** By number. An experiment may be a version of several models, so an evaluation may be of several versions. */
export function versionsOfEvaluation(load: Loaders, db: Db, uuid: string): Promise<ModelVersion[]> {
  return load.batch('evaluation.modelVersions', (uuids) => selectVersions(db, uuids)).load(uuid);
}

async function selectVersions(db: Db, uuids: readonly string[]): Promise<ModelVersion[][]> {
  const rows: ({ _evaluation: string } & Record<string, unknown>)[] = await db.query(
    `/* evaluation.modelVersions */ SELECT of.evaluation_id AS "_evaluation", ${columnsOf(db, ModelVersion)}
     FROM model_version_evaluation of JOIN model_version t ON t.id = of.version_id
     WHERE of.evaluation_id = ANY ($1) ORDER BY t.number, t.id`,
    [uuids],
  );
  const found = Map.groupBy(rows, (row) => row._evaluation);
  return uuids.map((uuid) => (found.get(uuid) ?? []).map((row) => hydrate(db, ModelVersion, row)));
}
