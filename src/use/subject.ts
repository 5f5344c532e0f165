/** Which model is used: an experiment's best weights, or a model version, which are those of its experiment. */
import type { DataSource } from 'typeorm';
import { experimentUuid } from '../experiments/experimentService.js';
import { modelVersionUuid } from '../models/version/reference.js';
import { findModelVersion } from '../models/version/versionService.js';
import { ShingoError } from '../platform/error.js';

export interface Subject {
  experimentId?: string | null;
  modelVersionId?: string | null;
}

/** @throws ShingoError BAD_USER_INPUT, NOT_FOUND, INVALID_ID, WEIGHTS_MISSING */
export async function experimentOfSubject(
  db: DataSource,
  { experimentId = null, modelVersionId = null }: Subject,
): Promise<string> {
  if ((experimentId === null) === (modelVersionId === null))
    throw new ShingoError('BAD_USER_INPUT', 'Give one of experimentId and modelVersionId.', 400, [
      'experimentId',
    ]);
  if (experimentId !== null) return experimentUuid(db, experimentId, ['experimentId']);
  const uuid = await modelVersionUuid(db, modelVersionId!, ['modelVersionId']);
  const { experimentUuid: experiment, number } = await findModelVersion(db, uuid);
  if (experiment !== null) return experiment;
  throw new ShingoError(
    'WEIGHTS_MISSING',
    `Version ${number} was made elsewhere: its predictions can be imported, and its weights cannot be run here.`,
    409,
    ['modelVersionId'],
  );
}
