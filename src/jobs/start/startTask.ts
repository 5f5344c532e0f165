import type { DataSource } from 'typeorm';
import type { BlobStore } from '../../platform/blobs.js';
import { claimBlobs } from '../../platform/blobs/claim.js';
import type { Queue } from '../../platform/queue.js';
import type { Job } from '../job.js';
import type { TaskInputs } from '../task/tasks.js';
import { withOptions, type JobOptionsInput } from '../options.js';
import { Engine } from '../vocabulary.js';
import { insertJob, jobOfRequest, once, request } from './request.js';

export interface NewTask<K extends keyof TaskInputs> {
  projectUuid: string;
  kind: K;
  /** What makes two requests different. */
  asked: object;
  idempotencyKey: string;
  job?: JobOptionsInput | null;
}

/**
 * Job and message in one transaction; the same key and request again are the same job.
 * @param input what the job is to read; checked and made only where there is no such job yet, so that an upload that has
 *   expired since does not refuse a retry
 * @throws ShingoError BAD_USER_INPUT, CONFLICT, BLOB_BEING_REMOVED, BLOB_MISSING, and what `input` throws
 */
export async function startTask<K extends keyof TaskInputs>(
  { db, blobs, queue }: { db: DataSource; blobs: BlobStore; queue: Queue },
  { projectUuid, kind, asked, idempotencyKey, job: options }: NewTask<K>,
  input: () => Promise<TaskInputs[K]>,
): Promise<Job> {
  const wanted = request(projectUuid, idempotencyKey, withOptions({ kind, ...asked }, options));
  const known = await jobOfRequest(db, wanted);
  if (known) return known;
  const job = { kind, input: await input(), engine: Engine.AUTO, options };
  return once(db, wanted, async (manager) => {
    // From here on the job's row keeps it.
    if ('sha256' in job.input) await claimBlobs(manager, blobs, [job.input.sha256]);
    return insertJob(manager, queue, wanted, job);
  });
}
