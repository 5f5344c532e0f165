/**
 * A lease is a job and the number of the attempt that has it. Each claim raises the number, and every write names
 * its own: whoever was declared dead and is not can write nothing any more.
 */
import type { DataSource, EntityManager } from 'typeorm';
import type { BlobStore } from '../../platform/blobs.js';
import type { Config } from '../../platform/config.js';
import type { Hub } from '../../platform/hub.js';
import type { Log } from '../../platform/log.js';
import type { Queue } from '../../platform/queue.js';
import { lockJob } from '../change.js';
import type { Job } from '../job.js';
import { JobState } from '../vocabulary.js';

/** What a worker needs of the process's services. */
export interface WorkerServices {
  config: Config;
  /** Of the database, for processes that open it themselves. */
  databaseUrl: string;
  db: DataSource;
  blobs: BlobStore;
  queue: Queue;
  hub: Hub;
  log: Log;
}

export interface Lease {
  /** As it was when claimed. */
  job: Job;
  attempt: number;
}

/** Another attempt has the job, or it is over: whatever this one knows is void. */
export class FenceLost extends Error {
  constructor(lease: Lease) {
    super(`Attempt ${lease.attempt} of job ${lease.job.uuid} no longer has it.`);
  }
}

const holds = (job: Job | null, lease: Lease): job is Job =>
  job !== null &&
  job.attempt === lease.attempt &&
  (job.state === JobState.RUNNING || job.state === JobState.CANCELLING);

/** One transaction that holds the job's row and is sure that the lease holds. @throws FenceLost */
export function fenced<T>(
  db: DataSource,
  lease: Lease,
  work: (manager: EntityManager, job: Job) => Promise<T>,
): Promise<T> {
  return db.transaction(async (manager) => {
    const job = await lockJob(manager, lease.job.uuid);
    if (!holds(job, lease)) throw new FenceLost(lease);
    return work(manager, job);
  });
}

export interface Pulse {
  state: JobState;
  /** It has run longer than it may. */
  overdue: boolean;
}

/** Says that the lease is alive, and hears whether it is to end. @param lines what it said last @throws FenceLost */
export async function heartbeat(
  db: DataSource,
  lease: Lease,
  lines: readonly string[] | null = null,
): Promise<Pulse> {
  const [rows]: [Pulse[]] = await db.query(
    `/* job.heartbeat */ UPDATE job SET heartbeat_at = clock_timestamp(), last_lines = coalesce($3, last_lines)
     WHERE id = $1 AND attempt = $2 AND state IN ('RUNNING', 'CANCELLING')
     RETURNING state, coalesce(ran_seconds + extract(epoch FROM clock_timestamp() - running_since) > timeout_seconds,
       false) AS overdue`,
    [lease.job.uuid, lease.attempt, lines],
  );
  if (!rows[0]) throw new FenceLost(lease);
  return rows[0];
}
