/** How an attempt ends that did not finish its job. */
import type { EntityManager } from 'typeorm';
import type { Queue } from '../../platform/queue.js';
import { changeJob, requeueJob } from '../change.js';
import type { Job } from '../job.js';
import { JobState, type Reason } from '../vocabulary.js';

const CANCELLED: Reason = { code: 'CANCELLED', message: 'Cancelled by request.' };

/** Tries again, unless it was to be cancelled anyway or has crashed too often. */
export async function settleCrash(
  manager: EntityManager,
  queue: Queue,
  job: Job,
  reason: Reason,
): Promise<void> {
  if (job.state === JobState.CANCELLING)
    await changeJob(manager, job, JobState.CANCELLED, { reason: CANCELLED });
  else if (job.crashes + 1 < job.maxAttempts)
    await requeueJob(manager, queue, job, { reason, crashed: true });
  else await changeJob(manager, job, JobState.FAILED, { reason, crashed: true });
}

/** Back to the queue at no cost: its worker is going, and it goes on where it was. */
export async function settleStop(manager: EntityManager, queue: Queue, job: Job): Promise<void> {
  if (job.state === JobState.CANCELLING)
    await changeJob(manager, job, JobState.CANCELLED, { reason: CANCELLED });
  else {
    const message = 'Its worker is shutting down; another goes on from the checkpoint.';
    await requeueJob(manager, queue, job, { reason: { code: 'DRAINED', message } });
  }
}

/** A failure that the next attempt would meet again. */
export async function settleFailure(manager: EntityManager, job: Job, reason: Reason): Promise<void> {
  if (job.state === JobState.CANCELLING)
    await changeJob(manager, job, JobState.CANCELLED, { reason: CANCELLED });
  else await changeJob(manager, job, JobState.FAILED, { reason });
}
