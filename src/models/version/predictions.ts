/** Of which versions predictions may be that were made elsewhere, and on which images. */
import type { DataSource } from 'typeorm';
import type { Split } from '../../catalog/vocabulary.js';
import { refuseTrainedOn } from '../../jobs/start/trainedOn.js';
import { ShingoError } from '../../platform/error.js';
import type { ModelVersion } from './version.js';
import { findModelVersion } from './versionService.js';

export interface PredictedOn {
  datasetVersionUuid: string;
  split: Split;
}

/**
 * The version, if predictions of it on this split count. One that does not say what it was trained on (`trainedOnUuid` is
 * null) cannot be checked, and is believed.
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT, TEST_IMAGES_TRAINED_ON
 */
export async function versionOfPredictions(
  db: DataSource,
  versionUuid: string,
  { datasetVersionUuid, split }: PredictedOn,
): Promise<ModelVersion & { projectUuid: string }> {
  const version = await findModelVersion(db, versionUuid);
  if (version.experimentUuid !== null) {
    const message =
      "This version is an experiment's: what it predicts is evaluated here, by startEvaluation.";
    throw new ShingoError('BAD_USER_INPUT', message, 400, ['modelVersionId']);
  }
  if (version.trainedOnUuid !== null)
    await refuseTrainedOn(db, { datasetVersionUuid: version.trainedOnUuid }, datasetVersionUuid, split);
  return version;
}
