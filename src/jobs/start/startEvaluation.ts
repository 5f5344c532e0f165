import type { DataSource, EntityManager } from 'typeorm';
import type { LearningTask, Split } from '../../catalog/vocabulary.js';
import { insertEvaluation } from '../../experiments/evaluationService.js';
import { requireWeights } from '../../experiments/weights.js';
import { protocolFor } from '../../experiments/protocol/protocolService.js';
import { ShingoError } from '../../platform/error.js';
import type { Queue } from '../../platform/queue.js';
import type { Hold } from '../graph/hold.js';
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
  const plan = await planEvaluation(db, input, experiment);
  await refuseTrainedOn(db, { experimentUuid }, datasetVersionUuid, split);
  return once(db, wanted, (manager) =>
    insertPlanned(manager, queue, wanted, { ...input, projectUuid: version.projectUuid, experiment, plan }),
  );
}

/** The experiment, as far as an evaluation asks for it before it is trained. */
export interface Evaluated {
  task: LearningTask;
  modelUuid: string;
  datasetVersionUuid: string;
}

export interface EvaluationPlan {
  classes: string[];
  protocolUuid: string;
}

/** @throws ShingoError NOT_FOUND, SPLIT_EMPTY, CLASSES_DIFFER, PICTURES_MISSING, PROTOCOL_TASK */
export async function planEvaluation(
  db: DataSource,
  {
    datasetVersionUuid,
    split,
    protocolUuid = null,
  }: Omit<StartEvaluation, 'experimentUuid' | 'idempotencyKey'>,
  { task, datasetVersionUuid: trainedOn }: Evaluated,
): Promise<EvaluationPlan> {
  const { projectUuid } = await findVersion(db, datasetVersionUuid);
  const classes = classesOf(await countLights(db, trainedOn));
  checkSplit(await countLights(db, datasetVersionUuid), split, classes);
  await requirePictures(db, datasetVersionUuid, [split], task);
  return { classes, protocolUuid: (await protocolFor(db, projectUuid, task, protocolUuid)).uuid };
}

export interface PlannedEvaluation extends Omit<StartEvaluation, 'idempotencyKey'> {
  projectUuid: string;
  experiment: Evaluated;
  plan: EvaluationPlan;
  hold?: Hold;
}

/** Evaluation and job; the caller holds the project. */
export async function insertPlanned(
  manager: EntityManager,
  queue: Queue,
  wanted: Parameters<typeof insertJob>[2],
  {
    projectUuid,
    experimentUuid,
    experiment,
    datasetVersionUuid,
    split,
    weights,
    engine,
    job: options,
    plan,
    hold,
  }: PlannedEvaluation,
): Promise<ExperimentJob> {
  const { modelUuid, task } = experiment;
  const evaluationUuid = await insertEvaluation(manager, {
    ...{ projectUuid, modelUuid, task, source: 'JOB', ...plan },
    ...{ experimentUuid, datasetVersionUuid, split, weights },
  });
  const job = {
    kind: JobKind.EVALUATION as const,
    ...{ experimentUuid, evaluationUuid, engine: engine ?? Engine.AUTO, hold: hold ?? null },
    options: options ?? null,
  };
  return insertJob<ExperimentJob>(manager, queue, wanted, job);
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
