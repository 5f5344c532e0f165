import type { DataSource } from 'typeorm';
import { uploadedFile } from '../../catalog/upload/uploadService.js';
import { LearningTask, type Split } from '../../catalog/vocabulary.js';
import { insertEvaluation } from '../../experiments/evaluationService.js';
import { COLORS } from '../../experiments/predictions/prediction.js';
import type { PredictionFormat } from '../../experiments/predictions/read.js';
import { protocolFor } from '../../experiments/protocol/protocolService.js';
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
  modelUuid: string;
  /** What the predictions are called. */
  name: string;
  uploadUuid: string;
  format: PredictionFormat;
  lenient: boolean;
  /** Missing: the project's newest for detection. */
  protocolUuid: string | null;
  idempotencyKey: string;
  job?: JobOptionsInput | null;
}

/**
 * Evaluation, job and message in one transaction; the same key and request again are the same job.
 * @throws ShingoError NOT_FOUND, OTHER_PROJECT, BAD_USER_INPUT, CONFLICT, PROTOCOL_TASK, SPLIT_EMPTY, UPLOAD_*
 */
export async function startPredictions(
  { db, queue }: { db: DataSource; queue: Queue },
  { idempotencyKey, job: options, ...asked }: StartPredictions,
): Promise<Job> {
  const { datasetVersionUuid, split, modelUuid, name, format, lenient } = asked;
  const { projectUuid } = await findVersion(db, datasetVersionUuid);
  await findModel(db, modelUuid, projectUuid);
  if (name.trim() === '' || name.length > 200)
    throw new ShingoError('BAD_USER_INPUT', 'A name has 1 to 200 characters.', 400, ['name']);
  const wanted = request(
    projectUuid,
    idempotencyKey,
    withOptions({ kind: JobKind.PREDICTIONS, ...asked }, options),
  );
  const known = await jobOfRequest(db, wanted);
  if (known) return known;
  const task = LearningTask.LIGHT_DETECTION;
  const protocol = await protocolFor(db, projectUuid, task, asked.protocolUuid);
  await requireLights(db, datasetVersionUuid, split);
  // The bytes stay in the blob store when the upload is forgotten; the job names them.
  const { sha256, fileName } = await uploadedFile(db, projectUuid, asked.uploadUuid);
  return once(db, wanted, async (manager) => {
    const evaluationUuid = await insertEvaluation(manager, {
      ...{ projectUuid, modelUuid, protocolUuid: protocol.uuid, task, datasetVersionUuid, split },
      ...{ classes: [...COLORS], source: 'IMPORTED', name },
    });
    const input = { evaluationUuid, sha256, fileName, format, lenient };
    const job = { kind: JobKind.PREDICTIONS as const, evaluationUuid, engine: Engine.AUTO, input, options };
    return insertJob(manager, queue, wanted, job);
  });
}

async function requireLights(db: DataSource, versionUuid: string, split: Split): Promise<void> {
  if (inSplit(await countLights(db, versionUuid), split) > 0) return;
  const message = `This version has no light whose colour is known in its ${split} split.`;
  throw new ShingoError('SPLIT_EMPTY', message, 409, ['split']);
}
