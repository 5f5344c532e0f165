import { changeJob, JOB_QUEUE, lockJob } from '../change.js';
import { JobState } from '../vocabulary.js';
import type { Lease, WorkerServices } from './fence.js';

/**
 * The next job of the queue `from`, now this worker's; null if there is none. The message is completed in the transaction
 * that claims: a crash before it leaves the message, a crash after it a job whose heartbeat stops.
 */
export async function claimNext(
  { db, queue, log }: Pick<WorkerServices, 'db' | 'queue' | 'log'>,
  worker: string,
  from = JOB_QUEUE,
): Promise<Lease | null> {
  for (;;) {
    const message = await queue.fetch<{ jobUuid: string }>(from);
    if (!message) return null;
    try {
      const lease = await db.transaction(async (manager) => {
        const job = await lockJob(manager, message.data.jobUuid);
        // Cancelled meanwhile, or a second message for the same job: nothing to do but to drop it.
        const claimed =
          job?.state === JobState.QUEUED && !job.held && (await changeJob(manager, job, JobState.RUNNING, { worker }));
        await queue.complete(manager, from, message.id);
        return claimed ? { job: claimed, attempt: claimed.attempt } : null;
      });
      if (lease) return lease;
    } catch (error) {
      log.warn({ err: error, job: message.data.jobUuid }, 'a job could not be claimed');
      await queue.fail(from, message.id, 'claim failed').catch(() => undefined);
      throw error;
    }
  }
}
