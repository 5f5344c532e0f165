import type { TrainerArtifact } from './protocol.js';

/**
 * A failure that a user can act on and that a retry would meet again. `code` is stable and goes to the API
 * unchanged; `message` is a full sentence that names the file, class or engine at fault.
 */
export class TrainingError extends Error {
  /** Files below outputDir that are worth keeping all the same. */
  artifacts: TrainerArtifact[] = [];

  constructor(
    readonly code: TrainingErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'TrainingError';
  }
}

export type TrainingErrorCode =
  | 'SPEC_INVALID'
  | 'ENGINE_UNAVAILABLE'
  | 'PICTURE_UNREADABLE'
  | 'BOX_OUTSIDE_PICTURE'
  | 'SPLIT_CLASS_EMPTY'
  | 'SPLIT_EMPTY'
  | 'LOSS_NOT_FINITE'
  | 'METRIC_MISSING'
  | 'CHECKPOINT_INVALID'
  | 'MODEL_INVALID'
  | 'INTERNAL';
