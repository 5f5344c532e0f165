/** A few warm processes that predict; what happens in one stays in it. */
import { fileURLToPath } from 'node:url';
import { ShingoError } from '../../platform/error.js';
import { PoolError, ProcessPool, type PoolFailure } from '../../platform/processPool.js';
import type { PredictAnswer, PredictReply, PredictRequest } from './messages.js';

/** With starting an engine and loading a model; a warm prediction takes milliseconds. */
const TIMEOUT_MS = 30_000;

export const predictors = new ProcessPool<PredictRequest, PredictAnswer>({
  module: fileURLToPath(new URL('./predictProcess.js', import.meta.url)),
  size: 2,
  // A model that is asked once a minute stays warm.
  idleMs: 5 * 60_000,
  maxWaiting: 64,
  timeoutMs: TIMEOUT_MS,
});

/** @throws ShingoError MODEL_BUSY, PREDICTION_TIMEOUT, PREDICTION_FAILED, PICTURE_UNREADABLE, BOX_OUTSIDE_PICTURE, … */
export async function askPredictor(request: PredictRequest): Promise<PredictReply> {
  const answer = await predictors.run(request).catch((error: unknown) => {
    throw error instanceof PoolError ? refusal(error.failure) : error;
  });
  if ('done' in answer) return answer.done;
  throw new ShingoError(answer.refused.code, answer.refused.message, 422);
}

function refusal(failure: PoolFailure): ShingoError {
  switch (failure.reason) {
    case 'BUSY':
      return new ShingoError('MODEL_BUSY', 'Too many predictions wait for a model; try again.', 503);
    case 'TIMEOUT':
      return new ShingoError(
        'PREDICTION_TIMEOUT',
        `The prediction did not come within ${TIMEOUT_MS / 1000} s, and was ended: try again, or use a smaller model or picture.`,
        503,
      );
    case 'MEMORY':
      return new ShingoError(
        'PREDICTION_FAILED',
        'The prediction needs more memory than it may have: use a smaller model or picture.',
        422,
      );
    case 'CRASH':
      return new ShingoError(
        'PREDICTION_FAILED',
        `The process of the model ended (${failure.exit}): try again; if it ends again, the model or the picture is the reason.`,
        500,
      );
  }
}
