/** How an attempt ends that did not finish its job. */
import type { EntityManager } from 'typeorm';
import type { Config } from '../../platform/config.js';
import type { Queue } from '../../platform/queue.js';
import { changeJob, requeueJob, type Change } from '../change.js';
import type { Job } from '../job.js';
import { JobState, type Reason } from '../vocabulary.js';

const CANCELLED: Reason = { code: 'CANCELLED', message: 'Cancelled by request.' };
/** Of a worker; see settleCrash. */
export const WORKER_LOST = 'WORKER_LOST';
/**
 * So many workers lost in a row make a job suspect of killing them. One that has stored a checkpoint in between is not: a
 * long training on hosts that come and go loses many.
 */
const MOST_LOSSES = 2;
const LONGEST_WAIT_SECONDS = 300;

/** What settling needs of the services. */
export interface Settler {
  queue: Queue;
  config: Pick<Config, 'retrySeconds'>;
}

/** Tries again after a while, twice as long each time, unless it was to be cancelled anyway or has crashed too often. */
export async function settleCrash(
  manager: EntityManager,
  { queue, config }: Settler,
  job: Job,
  reason: Reason,
  lines?: readonly string[] | null,
): Promise<void> {
  const lost = reason.code === WORKER_LOST;
  const change: Change = { reason, crashed: true, lost, ...(lines && { lines }) };
  if (job.state === JobState.CANCELLING)
    await changeJob(manager, job, JobState.CANCELLED, { reason: CANCELLED });
  else if (job.crashes + 1 >= job.maxAttempts || (lost && job.losses + 1 >= MOST_LOSSES))
    await changeJob(manager, job, JobState.FAILED, { ...change, dead: true });
  else {
    const afterSeconds = Math.min(config.retrySeconds * 2 ** job.crashes, LONGEST_WAIT_SECONDS);
    await requeueJob(manager, queue, job, { ...change, afterSeconds });
  }
}

/** So often an attempt may end because the database went away before it is held against its job: it may be what ends it. */
const MOST_AWAY = 20;

/** The database was away for longer than the attempt could wait: no fault of the job's, which goes on when it is back. */
export async function settleAway(manager: EntityManager, settler: Settler, job: Job): Promise<void> {
  const message = 'PostgreSQL was away in the middle of it; it goes on from its last checkpoint.';
  const reason = { code: 'DATABASE_AWAY', message };
  if (job.state === JobState.CANCELLING || job.attempt >= job.maxAttempts + MOST_AWAY)
    return settleCrash(manager, settler, job, reason);
  await requeueJob(manager, settler.queue, job, { reason, afterSeconds: settler.config.retrySeconds });
}

/** Why an attempt was stopped: by its worker, which is going, or because its job has run too long. */
export type Stop = 'DRAINED' | 'TIMED_OUT';

/** Back to the queue at no cost, to go on where it was; or to an end, if it has run too long. */
export async function settleStop(
  manager: EntityManager,
  queue: Queue,
  job: Job,
  why: Stop = 'DRAINED',
): Promise<void> {
  if (job.state === JobState.CANCELLING)
    await changeJob(manager, job, JobState.CANCELLED, { reason: CANCELLED });
  else if (why === 'TIMED_OUT') {
    const message = `It has run longer than its ${job.timeoutSeconds} s; retryJob goes on from its checkpoint.`;
    await changeJob(manager, job, JobState.FAILED, { reason: { code: why, message } });
  } else {
    const message = 'Its worker is shutting down; another goes on from the checkpoint.';
    await requeueJob(manager, queue, job, { reason: { code: why, message } });
  }
}

/** A failure that the next attempt would meet again. */
export async function settleFailure(manager: EntityManager, job: Job, reason: Reason): Promise<void> {
  if (job.state === JobState.CANCELLING)
    await changeJob(manager, job, JobState.CANCELLED, { reason: CANCELLED });
  else await changeJob(manager, job, JobState.FAILED, { reason });
}
