/** A version of an experiment's BEST weights: what it is follows from the experiment. */
import type { DataSource } from 'typeorm';
import { Experiment } from '../../experiments/experiment.js';
import { requireWeights } from '../../experiments/weights.js';
import { selectOne } from '../../graphql/select.js';
import { classesOf, countLights } from '../../jobs/lights.js';
import { ShingoError } from '../../platform/error.js';
import type { Model } from '../model/model.js';
import { hashOf } from './ofElsewhere.js';
import type { Draft } from './versionService.js';

export interface ExperimentVersion {
  experimentUuid: string;
  description?: string | null;
}

/** @throws ShingoError NOT_FOUND, OTHER_PROJECT, EXPERIMENT_NOT_TRAINED */
export async function ofExperiment(
  db: DataSource,
  model: Model,
  { experimentUuid, description = null }: ExperimentVersion,
): Promise<Draft> {
  const field = ['experimentId'];
  const experiment = await selectOne(db, Experiment, experimentUuid);
  if (!experiment) throw new ShingoError('NOT_FOUND', 'There is no such experiment.', 404, field);
  if (experiment.projectUuid !== model.projectUuid)
    throw new ShingoError('OTHER_PROJECT', 'This experiment belongs to another project.', 409, field);
  requireWeights(experiment, 'experimentId');
  return {
    task: experiment.task,
    classes: classesOf(await countLights(db, experiment.datasetVersionUuid)),
    experimentUuid,
    description,
    ...{ framework: null, codeVersion: null, artifact: null, idempotencyKey: null },
    hash: hashOf([experimentUuid, description ?? '']),
  };
}
