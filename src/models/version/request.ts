/** What createModelVersion is asked for: of an experiment, or made elsewhere; never half of both. */
import type { DataSource } from 'typeorm';
import { experimentUuid } from '../../experiments/experimentService.js';
import { uuidOf } from '../../graphql/node.js';
import { ShingoError } from '../../platform/error.js';
import type { ElsewhereVersion } from './ofElsewhere.js';
import type { ExperimentVersion } from './ofExperiment.js';
import type { LearningTask } from '../../catalog/vocabulary.js';
import { datasetVersionUuid } from '../../datasets/reference.js';

export interface VersionRequest {
  experimentId?: string | null;
  description?: string | null;
  task?: LearningTask | null;
  classes?: string[] | null;
  framework?: string | null;
  codeVersion?: string | null;
  trainedOnId?: string | null;
  artifact?: { uploadId?: string | null; sha256?: string | null; name?: string | null } | null;
  idempotencyKey?: string | null;
}

const ELSEWHERE = [
  ...(['task', 'classes', 'framework', 'codeVersion', 'trainedOnId', 'artifact', 'idempotencyKey'] as const),
];

/** @throws ShingoError BAD_USER_INPUT, NOT_FOUND, INVALID_ID */
export async function newVersion(
  db: DataSource,
  input: VersionRequest,
): Promise<ExperimentVersion | ElsewhereVersion> {
  const bad = (field: string, message: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);
  const { experimentId, description, task, classes, idempotencyKey } = input;
  const artifact = input.artifact && {
    uploadUuid: input.artifact.uploadId == null ? null : uuidOf('Upload', input.artifact.uploadId),
    sha256: input.artifact.sha256,
    name: input.artifact.name,
  };
  const trainedOnUuid =
    input.trainedOnId == null ? null : await datasetVersionUuid(db, input.trainedOnId, ['trainedOnId']);
  if (experimentId != null) {
    const idle = ELSEWHERE.find((name) => input[name] != null);
    if (idle) throw bad(idle, `${idle} follows from the experiment; leave it out.`);
    return { experimentUuid: await experimentUuid(db, experimentId, ['experimentId']), description };
  }
  if (task == null) throw bad('task', 'Of what was made elsewhere, say the task.');
  if (classes == null) throw bad('classes', 'Of what was made elsewhere, say the classes.');
  if (idempotencyKey == null)
    throw bad('idempotencyKey', 'Give an idempotencyKey: without an experiment a retry cannot be told.');
  return {
    ...{ task, classes, idempotencyKey, description },
    ...{ framework: input.framework, codeVersion: input.codeVersion },
    trainedOnUuid,
    artifact,
  };
}
