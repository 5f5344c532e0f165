import type { DataSource } from 'typeorm';
import type { Split } from '../../catalog/vocabulary.js';
import { insertEvaluation } from '../../experiments/evaluationService.js';
import { requireWeights } from '../../experiments/weights.js';
import { protocolFor } from '../../experiments/protocol/protocolService.js';
import { ShingoError } from '../../platform/error.js';
import type { Queue } from '../../platform/queue.js';
import type { ExperimentJob } from '../job.js';
import { classesOf, countLights, inSplit, type LightCount } from '../lights.js';
import { withOptions, type JobOptionsInput } from '../options.js';
import { Engine, JobKind, type Weights } from '../vocabulary.js';
import { requirePictures } from './pictures.js';
import { insertJob, jobOfRequest, once, request } from './request.js';
import { findExperiment, findVersion } from './subjects.js';
import { refuseTrainedOn } from './trainedOn.js';

export interface StartEvaluation {
  experimentUuid: string;
  datasetVersionUuid: string;
  split: Split;
  weights: Weights;
  engine?: Engine | null;
  /** Missing: the project's newest of the task. */
  protocolUuid?: string | null;
  job?: JobOptionsInput | null;
  idempotencyKey: string;
}

/**
 * Evaluation, job and message in one transaction.
 * @throws ShingoError NOT_FOUND, OTHER_PROJECT, CONFLICT, EXPERIMENT_NOT_TRAINED, SPLIT_EMPTY, CLASSES_DIFFER,
 *   PICTURES_MISSING, PROTOCOL_TASK, TEST_IMAGES_TRAINED_ON
 */
export async function startEvaluation(
  { db, queue }: { db: DataSource; queue: Queue },
  input: StartEvaluation,
): Promise<ExperimentJob> {
  const { experimentUuid, datasetVersionUuid, split, weights, engine = null, protocolUuid = null } = input;
  const version = await findVersion(db, datasetVersionUuid);
  const experiment = await findExperiment(db, experimentUuid, version.projectUuid);
  const content = {
    kind: JobKind.EVALUATION,
    experimentUuid,
    datasetVersionUuid,
    split,
    weights,
    engine,
    ...(protocolUuid && { protocolUuid }),
  };
  const wanted = request(version.projectUuid, input.idempotencyKey, withOptions(content, input.job));
  const known = await jobOfRequest<ExperimentJob>(db, wanted);
  if (known) return known;
  requireWeights(experiment, 'experimentId');
  const classes = classesOf(await countLights(db, experiment.datasetVersionUuid));
  checkSplit(await countLights(db, datasetVersionUuid), split, classes);
  const { task } = experiment;
  await requirePictures(db, datasetVersionUuid, [split], task);
  await refuseTrainedOn(db, { experimentUuid }, datasetVersionUuid, split);
  const { projectUuid } = version;
  const protocol = await protocolFor(db, projectUuid, task, protocolUuid);
  return once(db, wanted, async (manager) => {
    const evaluationUuid = await insertEvaluation(manager, {
      ...{ projectUuid, modelUuid: experiment.modelUuid, protocolUuid: protocol.uuid, task, source: 'JOB' },
      ...{ experimentUuid, datasetVersionUuid, split, weights, classes },
    });
    const job = {
      kind: JobKind.EVALUATION as const,
      experimentUuid,
      evaluationUuid,
      engine: engine ?? Engine.AUTO,
      options: input.job ?? null,
    };
    return insertJob<ExperimentJob>(manager, queue, wanted, job);
  });
}

function checkSplit(counts: LightCount[], split: Split, classes: string[]): void {
  if (inSplit(counts, split) === 0) {
    const message = `This version has no light whose colour is known in its ${split} split.`;
    throw new ShingoError('SPLIT_EMPTY', message, 409, ['split']);
  }
  // Leaving such lights out would make the figure look better than the model is.
  const strange = counts.filter((count) => count.split === split && !classes.includes(count.color));
  if (strange.length === 0) return;
  const found = strange.map(({ color, n }) => `${n} ${color}`).join(', ');
  const message = `The ${split} split has lights of colours that the model has not learnt: ${found}.`;
  throw new ShingoError('CLASSES_DIFFER', message, 409, ['datasetVersionId']);
}
