/** What a job is about: each must exist, and all be of one project. */
import type { DataSource } from 'typeorm';
import { Experiment } from '../../experiments/experiment.js';
import { selectOne } from '../../graphql/select.js';
import { Model } from '../../models/model/model.js';
import { ShingoError } from '../../platform/error.js';

/** @throws ShingoError NOT_FOUND */
export async function findVersion(db: DataSource, uuid: string): Promise<{ projectUuid: string }> {
  const rows: { project_id: string }[] = await db.query(
    `/* job.version */ SELECT d.project_id FROM dataset_version v JOIN dataset d ON d.id = v.dataset_id
     WHERE v.id = $1`,
    [uuid],
  );
  if (rows[0]) return { projectUuid: rows[0].project_id };
  throw new ShingoError('NOT_FOUND', 'There is no such data set version.', 404, ['datasetVersionId']);
}

/** @throws ShingoError NOT_FOUND, OTHER_PROJECT */
export async function findModel(db: DataSource, uuid: string, projectUuid: string): Promise<Model> {
  return ofProject(await selectOne(db, Model, uuid), projectUuid, 'model', 'modelId');
}

/** @throws ShingoError NOT_FOUND, OTHER_PROJECT */
export async function findExperiment(db: DataSource, uuid: string, projectUuid: string): Promise<Experiment> {
  return ofProject(await selectOne(db, Experiment, uuid), projectUuid, 'experiment', 'experimentId');
}

function ofProject<T extends { projectUuid: string }>(
  found: T | null,
  projectUuid: string,
  what: string,
  field: string,
): T {
  if (!found) throw new ShingoError('NOT_FOUND', `There is no such ${what}.`, 404, [field]);
  if (found.projectUuid === projectUuid) return found;
  const message = `This ${what} belongs to another project than the data set version.`;
  throw new ShingoError('OTHER_PROJECT', message, 409, [field]);
}
