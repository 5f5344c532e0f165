import type { DataSource } from 'typeorm';
import type { Queue } from '../../platform/queue.js';
import type { Job } from '../job.js';
import type { TaskInputs } from '../task/tasks.js';
import { Engine } from '../vocabulary.js';
import { insertJob, jobOfRequest, once, request } from './request.js';

export interface NewTask<K extends keyof TaskInputs> {
  projectUuid: string;
  kind: K;
  input: TaskInputs[K];
  idempotencyKey: string;
  /** What else makes the request what it is, where `input` has it in another form. */
  asked?: object;
}

/**
 * Job and message in one transaction; the same key and request again are the same job.
 * @param check runs where there is no such job yet: an upload that has expired since does not refuse a retry
 * @throws ShingoError BAD_USER_INPUT, CONFLICT, and what `check` throws
 */
export async function startTask<K extends keyof TaskInputs>(
  { db, queue }: { db: DataSource; queue: Queue },
  { projectUuid, kind, input, idempotencyKey, asked }: NewTask<K>,
  check: () => Promise<unknown> = async () => undefined,
): Promise<Job> {
  const wanted = request(projectUuid, idempotencyKey, { kind, ...(asked ?? input) });
  const known = await jobOfRequest(db, wanted);
  if (known) return known;
  await check();
  return once(db, wanted, (manager) =>
    insertJob(manager, queue, wanted, { kind, input, engine: Engine.AUTO }),
  );
}
