import type { DataSource } from 'typeorm';
import { ShingoError } from '../platform/error.js';
import type { Queue } from '../platform/queue.js';
import { changeJob, requeueJob, withJob } from './change.js';
import { bringBackDependents, waitAgain } from './graph/dependents.js';
import { selectOne } from '../graphql/select.js';
import { Job } from './job.js';
import { checkQueued } from './limits.js';
import { JobState } from './vocabulary.js';

/**
 * Puts a job back that FAILED or was CANCELLED, to go on from its checkpoint with all its attempts. Once for each key; a
 * job that waits or runs already is left as it is.
 * What was cancelled because of it comes back and waits for it; what waits for jobs itself waits again.
 * @throws ShingoError NOT_FOUND, JOB_FINISHED, BAD_USER_INPUT, QUEUE_FULL, DEPENDENCY_FAILED
 */
export async function retryJob(
  { db, queue }: { db: DataSource; queue: Queue },
  uuid: string,
  key: string,
): Promise<Job> {
  if (key.length < 1 || key.length > 200 || key.includes('\0'))
    throw new ShingoError('BAD_USER_INPUT', 'idempotencyKey has 1 to 200 characters.', 400, [
      'idempotencyKey',
    ]);
  const retried = await withJob(db, uuid, async (manager, job) => {
    const [fresh]: { key: string }[] = await manager.query(
      `/* job.retry */ INSERT INTO job_retry (job_id, key, attempt) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
       RETURNING key`,
      [uuid, key, job.attempt],
    );
    if (!fresh) return job;
    if (job.state === JobState.SUCCEEDED)
      throw new ShingoError('JOB_FINISHED', 'This job has SUCCEEDED; start another.', 409, ['jobId']);
    if (job.state !== JobState.FAILED && job.state !== JobState.CANCELLED) return job;
    const message = 'Put back by request; it goes on from its checkpoint, if it has one.';
    await requeueJob(manager, queue, job, { reason: { code: 'RETRIED', message } });
    await waitAgain(manager, job);
    await bringBackDependents(manager, job, { changeJob });
    // By now the project is held.
    await checkQueued(manager, job.projectUuid, 1);
    return (await selectOne(manager, Job, uuid)) as Job;
  });
  if (!retried) throw new ShingoError('NOT_FOUND', 'There is no such job.', 404, ['jobId']);
  return retried;
}
