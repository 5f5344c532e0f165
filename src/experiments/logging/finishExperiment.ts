import type { DataSource } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { isFinal, type JobState } from '../../jobs/vocabulary.js';
import { appendEvents, storable } from '../events/log.js';
import { setExperimentState } from '../experimentService.js';
import { batchOf, findTarget, lockOpen, logOnce, type Span } from './batch.js';

/** The code of a reason that a trainer elsewhere gave in its own words. */
const REPORTED = 'REPORTED';

/** @throws ShingoError NOT_FOUND, EXPERIMENT_NOT_LOGGED, EXPERIMENT_ENDED, CONFLICT, BAD_USER_INPUT */
export async function finishExperiment(
  db: DataSource,
  experimentUuid: string,
  batchId: string,
  state: JobState,
  reason: string | null,
): Promise<Span> {
  if (!isFinal(state))
    throw new ShingoError('BAD_USER_INPUT', 'It ends SUCCEEDED, FAILED or CANCELLED.', 400, ['state']);
  const batch = batchOf(batchId, 'FINISH', state, reason);
  const target = await findTarget(db, experimentUuid, batch);
  return logOnce(db, target, batch, async (manager) => {
    await lockOpen(manager, experimentUuid);
    const why = reason === null ? null : { code: REPORTED, message: storable(reason) };
    await appendEvents(manager, experimentUuid, [{ kind: 'DONE', state, reason: why }]);
    await setExperimentState(manager, experimentUuid, state);
  });
}
