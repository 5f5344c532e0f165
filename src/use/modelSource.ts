/** The weights that are used: those of an experiment's best epoch, which its evaluations judged. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import type { LearningTask } from '../catalog/vocabulary.js';
import { Experiment } from '../experiments/experiment.js';
import { requireWeights, type Trained } from '../experiments/weights.js';
import { selectOne } from '../graphql/select.js';
import { modelFiles } from '../jobs/worker/materialise.js';
import type { StoredFiles } from '../jobs/worker/files.js';
import { Weights } from '../jobs/vocabulary.js';
import { ShingoError } from '../platform/error.js';

export interface ModelSource {
  experiment: Trained;
  task: LearningTask;
  /** The model folder, by relative path. */
  files: StoredFiles;
}

/** @throws ShingoError NOT_FOUND, EXPERIMENT_NOT_TRAINED, WEIGHTS_MISSING */
export async function modelSource(db: DataSource, experimentUuid: string): Promise<ModelSource> {
  const experiment = await selectOne(db, Experiment, experimentUuid);
  if (!experiment) throw new ShingoError('NOT_FOUND', 'There is no such experiment.', 404, ['experimentId']);
  requireWeights(experiment, 'experimentId');
  return { experiment, task: experiment.task, files: await modelFiles(db, experimentUuid, Weights.BEST) };
}

export const classesOfModel = async (modelDir: string): Promise<string[]> =>
  JSON.parse(await readFile(join(modelDir, 'classes.json'), 'utf8')) as string[];
