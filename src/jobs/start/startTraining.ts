import type { DataSource, EntityManager } from 'typeorm';
import { LearningTask, Split } from '../../catalog/vocabulary.js';
import { appendEvents } from '../../experiments/events/log.js';
import { freeName, insertExperiment } from '../../experiments/experimentService.js';
import { ShingoError } from '../../platform/error.js';
import type { Queue } from '../../platform/queue.js';
import { usedParameters } from '../../training/detectionParameters.js';
import type { TrainingParameters } from '../../training/protocol.js';
import type { Hold } from '../graph/hold.js';
import type { ExperimentJob } from '../job.js';
import { classesOf, countLights, inSplit } from '../lights.js';
import { withOptions, type JobOptionsInput } from '../options.js';
import { Engine, JobKind, JobState } from '../vocabulary.js';
import { checkNames, checkParent } from './checkNames.js';
import { checkParameters } from './checkParameters.js';
import { requirePictures } from './pictures.js';
import { insertJob, jobOfRequest, once, request } from './request.js';
import { findModel, findVersion } from './subjects.js';

export interface StartTraining {
  datasetVersionUuid: string;
  modelUuid: string;
  /** Experiment whose best weights it begins with. */
  parentUuid?: string | null;
  name?: string | null;
  engine?: Engine | null;
  /** As given; what is missing takes the server's default. */
  parameters?: object | null;
  job?: JobOptionsInput | null;
  idempotencyKey: string;
}

/** What a training needs to be made, apart from what only the database can refuse. */
export interface TrainingPlan {
  projectUuid: string;
  modelName: string;
  parameters: TrainingParameters;
  task: LearningTask;
  /** What makes two requests different. */
  asked: object;
}

type Wish = Omit<StartTraining, 'idempotencyKey'>;

/** @throws ShingoError or UserErrors NOT_FOUND, OTHER_PROJECT, BAD_PARAMETER, BAD_USER_INPUT */
export async function planTraining(db: DataSource, input: Wish): Promise<TrainingPlan> {
  const { datasetVersionUuid, modelUuid, parentUuid = null, name = null, engine = null } = input;
  const { projectUuid } = await findVersion(db, datasetVersionUuid);
  const model = await findModel(db, modelUuid, projectUuid);
  const parameters = checkParameters(input.parameters ?? {});
  checkName(name);
  const asked = { kind: JobKind.TRAINING, datasetVersionUuid, modelUuid, name, engine, parameters };
  return {
    ...{ projectUuid, modelName: model.name, parameters, task: LearningTask[parameters.task] },
    asked: parentUuid ? { ...asked, parentUuid } : asked,
  };
}

/** @throws ShingoError or UserErrors BAD_PARAMETER, DATASET_NOT_TRAINABLE, PICTURES_MISSING, EXPERIMENT_NOT_TRAINED */
export async function checkTraining(
  db: DataSource,
  { datasetVersionUuid, parentUuid }: Wish,
  { projectUuid, parameters, task }: TrainingPlan,
): Promise<void> {
  await checkTrainable(db, task, datasetVersionUuid);
  await checkNames(db, datasetVersionUuid, parameters);
  if (parentUuid) await checkParent(db, parentUuid, projectUuid, parameters.algorithm);
  await requirePictures(db, datasetVersionUuid, [Split.TRAIN, Split.VALIDATION], task);
}

/** Experiment, parameters, first event and job; the caller holds the project. @throws ShingoError NAME_TAKEN */
export async function insertTraining(
  manager: EntityManager,
  queue: Queue,
  wanted: Parameters<typeof insertJob>[2],
  { datasetVersionUuid, modelUuid, parentUuid = null, name = null, engine = null, job: options }: Wish,
  { projectUuid, modelName, parameters, task }: TrainingPlan,
  hold: Hold | null = null,
): Promise<ExperimentJob> {
  const experimentUuid = await insertExperiment(manager, {
    ...{ projectUuid, modelUuid, datasetVersionUuid, parentUuid, task },
    name: name ?? (await freeName(manager, projectUuid, modelName)),
    algorithm: parameters.algorithm,
    parameters: usedParameters(parameters),
  });
  await appendEvents(manager, experimentUuid, [{ kind: 'STATUS', state: JobState.QUEUED, reason: null }]);
  const job = {
    kind: JobKind.TRAINING as const,
    experimentUuid,
    evaluationUuid: null,
    engine: engine ?? Engine.AUTO,
    ...{ hold, options: options ?? null },
  };
  return insertJob<ExperimentJob>(manager, queue, wanted, job);
}

/**
 * Experiment, parameters, job and message in one transaction.
 * @throws ShingoError or UserErrors NOT_FOUND, OTHER_PROJECT, BAD_PARAMETER, CONFLICT, NAME_TAKEN, DATASET_NOT_TRAINABLE,
 *   PICTURES_MISSING, EXPERIMENT_NOT_TRAINED
 */
export async function startTraining(
  { db, queue }: { db: DataSource; queue: Queue },
  input: StartTraining,
): Promise<ExperimentJob> {
  const plan = await planTraining(db, input);
  const wanted = request(plan.projectUuid, input.idempotencyKey, withOptions(plan.asked, input.job));
  const known = await jobOfRequest<ExperimentJob>(db, wanted);
  if (known) return known;
  await checkTraining(db, input, plan);
  return once(db, wanted, (manager) => insertTraining(manager, queue, wanted, input, plan));
}

function checkName(name: string | null): void {
  if (name === null || (name.trim() !== '' && name.length <= 200)) return;
  throw new ShingoError('BAD_USER_INPUT', 'A name has 1 to 200 characters.', 400, ['name']);
}

async function checkTrainable(db: DataSource, task: LearningTask, versionUuid: string): Promise<void> {
  const counts = await countLights(db, versionUuid);
  const classes = classesOf(counts);
  const refuse = (message: string): never => {
    throw new ShingoError('DATASET_NOT_TRAINABLE', message, 409, ['datasetVersionId']);
  };
  const detection = task === LearningTask.LIGHT_DETECTION;
  if (classes.length < (detection ? 1 : 2)) {
    const found = classes.length === 0 ? 'no light whose colour is known' : `${classes.join()} lights only`;
    const purpose = detection ? 'finds lights with their colours' : 'tells colours apart and needs two';
    refuse(`Training ${purpose}; this version has ${found}.`);
  }
  // Without VALIDATION a detector stops by its training loss; the classifier always asked for one.
  for (const split of detection ? [Split.TRAIN] : [Split.TRAIN, Split.VALIDATION]) {
    if (inSplit(counts, split) === 0) refuse(`This version has no light in its ${split} split.`);
  }
}
