/** Jobs that are QUEUED and wait for others: held, without a message, until someone lets them go. */
import type { EntityManager } from 'typeorm';
import { columnsOf, hydrate } from '../../graphql/select.js';
import { hint } from '../../platform/hub.js';
import { createQueue } from '../../platform/queue.js';
import type { changeJob, enqueue } from '../change.js';
import { Job } from '../job.js';
import { PROJECT_JOBS_TOPIC } from '../vocabulary.js';

/** What change.ts can do, given to those that it calls: they cannot import it. */
export interface Hands {
  changeJob: typeof changeJob;
  enqueue: typeof enqueue;
}

/** Of a job that is made. */
export interface Hold {
  /** Jobs that must succeed first; none: it waits until it is let go. */
  needs?: readonly string[];
  /** See sweep/. */
  pauseEpoch?: number | null;
}

export async function holdJob(
  manager: EntityManager,
  uuid: string,
  { needs = [], pauseEpoch = null }: Hold,
): Promise<void> {
  await manager.query('/* job.hold */ UPDATE job SET held = true, pause_epoch = $2 WHERE id = $1', [
    uuid,
    pauseEpoch,
  ]);
  if (needs.length > 0)
    await manager.query(
      '/* job.need */ INSERT INTO job_dependency (job_id, needs_id) SELECT $1, unnest($2::uuid[])',
      [uuid, needs],
    );
}

/**
 * Such of these jobs as wait and as nobody else holds, held until the transaction ends, in the order of their ids. The
 * caller holds the project: to wait for another's job then could be to wait for each other. Who holds it is ending it,
 * or changes nothing, and what is missed the next look of a worker mends.
 */
export const lockWaiting = (manager: EntityManager, uuids: readonly string[]): Promise<Job[]> =>
  lockFree(manager, uuids, 't.held');

/** The same of jobs in a state that `which` says. */
export async function lockFree(
  manager: EntityManager,
  uuids: readonly string[],
  which: string,
): Promise<Job[]> {
  if (uuids.length === 0) return [];
  const rows: Record<string, unknown>[] = await manager.query(
    `/* job.lockFree */ SELECT ${columnsOf(manager, Job)} FROM job t WHERE t.id = ANY ($1) AND ${which}
     ORDER BY t.id FOR NO KEY UPDATE SKIP LOCKED`,
    [uuids],
  );
  return rows.map((row) => hydrate(manager, Job, row));
}

/** Any worker may take it from now on. @param job as `lockWaiting` gave it in this transaction */
export async function letGo(manager: EntityManager, job: Job, { enqueue }: Hands): Promise<void> {
  await manager.query(
    `/* job.letGo */ WITH head AS (UPDATE project SET job_seq = job_seq + 1 WHERE id = $2 RETURNING job_seq)
     UPDATE job SET seq = head.job_seq, held = false FROM head WHERE id = $1`,
    [job.uuid, job.projectUuid],
  );
  await enqueue(manager, createQueue(), job);
  await hint(manager, PROJECT_JOBS_TOPIC, job.projectUuid);
}

/** Before other jobs are touched by someone who has changed none yet. */
export async function lockProject(manager: EntityManager, uuid: string): Promise<void> {
  await manager.query('/* job.lockProject */ SELECT 1 FROM project WHERE id = $1 FOR NO KEY UPDATE', [uuid]);
}
