import { JobState } from '../jobs/vocabulary.js';
import { ShingoError } from '../platform/error.js';
import { Experiment, ExperimentSource } from './experiment.js';

/** One whose weights are here: what is trained here always knows its data. */
export type Trained = Experiment & { datasetVersionUuid: string };

/** @throws ShingoError EXPERIMENT_NOT_TRAINED */
export function requireWeights(experiment: Experiment, field: string): asserts experiment is Trained {
  const message = reason(experiment);
  if (message) throw new ShingoError('EXPERIMENT_NOT_TRAINED', message, 409, [field]);
}

function reason({ source, state, datasetVersionUuid }: Experiment): string | null {
  if (source === ExperimentSource.LOGGED || !datasetVersionUuid)
    return 'This experiment was trained elsewhere and only logged here: its weights cannot be run. Register them as a model version with an artifact.';
  if (state !== JobState.SUCCEEDED)
    return `The training of this experiment is ${state}; only one that SUCCEEDED has weights.`;
  return null;
}

/** SQL: whether an evaluation of an experiment is one of its best, or of predictions of it that were made elsewhere and logged. */
export const judges = (evaluation: string): string =>
  `(${evaluation}.weights = 'BEST' OR ${evaluation}.source = 'IMPORTED')`;
