import type { DataSource } from 'typeorm';
import { uploadedFile } from '../../catalog/upload/uploadService.js';
import { LearningTask, type Split } from '../../catalog/vocabulary.js';
import { insertEvaluation } from '../../experiments/evaluationService.js';
import { COLORS } from '../../experiments/predictions/prediction.js';
import { formatsOf, type PredictionFormat } from '../../experiments/predictions/read.js';
import { protocolFor } from '../../experiments/protocol/protocolService.js';
import { versionOfPredictions } from '../../models/version/predictions.js';
import type { BlobStore } from '../../platform/blobs.js';
import { claimBlobs } from '../../platform/blobs/claim.js';
import { ShingoError } from '../../platform/error.js';
import type { Queue } from '../../platform/queue.js';
import type { Job } from '../job.js';
import { countLights, inSplit } from '../lights.js';
import { withOptions, type JobOptionsInput } from '../options.js';
import { Engine, JobKind } from '../vocabulary.js';
import { insertJob, jobOfRequest, once, request } from './request.js';
import { findModel, findVersion } from './subjects.js';

export interface StartPredictions {
  datasetVersionUuid: string;
  split: Split;
  /** Missing: LIGHT_DETECTION, or the model version's. */
  task?: LearningTask | null;
  /** Missing: the model version's. */
  modelUuid?: string | null;
  /** Made elsewhere: the evaluation is of it at once. */
  modelVersionUuid?: string | null;
  /** What the predictions are called. */
  name: string;
  uploadUuid: string;
  format: PredictionFormat;
  lenient: boolean;
  /** Missing: the project's newest for the task. */
  protocolUuid: string | null;
  idempotencyKey: string;
  job?: JobOptionsInput | null;
}

/**
 * Evaluation, job and message in one transaction; the same key and request again are the same job.
 * @throws ShingoError NOT_FOUND, OTHER_PROJECT, BAD_USER_INPUT, CONFLICT, PROTOCOL_TASK, SPLIT_EMPTY,
 *   TEST_IMAGES_TRAINED_ON, BLOB_BEING_REMOVED, BLOB_MISSING, UPLOAD_*
 */
export async function startPredictions(
  { db, blobs, queue }: { db: DataSource; blobs: BlobStore; queue: Queue },
  { idempotencyKey, job: options, ...asked }: StartPredictions,
): Promise<Job> {
  const { datasetVersionUuid, split, name, format, lenient } = asked;
  const { projectUuid } = await findVersion(db, datasetVersionUuid);
  if (name.trim() === '' || name.length > 200) throw bad('name', 'A name has 1 to 200 characters.');
  const wanted = request(
    projectUuid,
    idempotencyKey,
    withOptions({ kind: JobKind.PREDICTIONS, ...asked }, options),
  );
  const known = await jobOfRequest(db, wanted);
  if (known) return known;
  const { modelUuid, task, version } = await subjectOf(db, asked);
  await findModel(db, modelUuid, projectUuid);
  if (!formatsOf(task).includes(format))
    throw bad('format', `Predictions of ${task} are ${formatsOf(task).join(', ')}.`);
  const protocol = await protocolFor(db, projectUuid, task, asked.protocolUuid);
  await requireLights(db, datasetVersionUuid, split);
  // The bytes stay in the blob store when the upload is forgotten; the job names them.
  const { sha256, fileName } = await uploadedFile(db, projectUuid, asked.uploadUuid);
  return once(db, wanted, async (manager) => {
    await claimBlobs(manager, blobs, [sha256]);
    const evaluationUuid = await insertEvaluation(manager, {
      ...{ projectUuid, modelUuid, protocolUuid: protocol.uuid, task, datasetVersionUuid, split },
      ...{ classes: [...COLORS], source: 'IMPORTED', name, modelVersionUuid: version?.uuid ?? null },
    });
    const input = {
      ...{ evaluationUuid, sha256, fileName, format, lenient, classes: version?.classes ?? null },
      trainingKnown: version?.trainedOnUuid != null,
    };
    const job = { kind: JobKind.PREDICTIONS as const, evaluationUuid, engine: Engine.AUTO, input, options };
    return insertJob(manager, queue, wanted, job);
  });
}

const bad = (field: string, message: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);

/** Whose predictions they are, and of what task. @throws ShingoError NOT_FOUND, BAD_USER_INPUT, TEST_IMAGES_TRAINED_ON */
async function subjectOf(db: DataSource, asked: Omit<StartPredictions, 'idempotencyKey'>) {
  const { modelUuid, modelVersionUuid, task } = asked;
  if (modelVersionUuid == null) {
    if (modelUuid == null)
      throw bad('modelId', 'Give modelId or modelVersionId: whose predictions they are.');
    return { modelUuid, task: task ?? LearningTask.LIGHT_DETECTION, version: null };
  }
  const version = await versionOfPredictions(db, modelVersionUuid, asked);
  if (modelUuid != null && modelUuid !== version.modelUuid)
    throw bad('modelId', 'The model version is of another model; leave modelId out.');
  if (task != null && task !== version.task)
    throw bad('task', `The model version is of ${version.task}; leave task out.`);
  return { modelUuid: version.modelUuid, task: version.task, version };
}

async function requireLights(db: DataSource, versionUuid: string, split: Split): Promise<void> {
  if (inSplit(await countLights(db, versionUuid), split) > 0) return;
  const message = `This version has no light whose colour is known in its ${split} split.`;
  throw new ShingoError('SPLIT_EMPTY', message, 409, ['split']);
}
