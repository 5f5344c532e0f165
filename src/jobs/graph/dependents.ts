/** Jobs that need jobs: let go when all of those have succeeded, cancelled when one will not. */
import type { DataSource, EntityManager } from 'typeorm';
import { toGlobalId } from '../../graphql/node.js';
import { ShingoError } from '../../platform/error.js';
import type { Job } from '../job.js';
import { JobState, type JobKind, type Reason } from '../vocabulary.js';
import { letGo, lockFree, lockProject, lockWaiting, type Hands } from './hold.js';

export const DEPENDENCY_FAILED = 'DEPENDENCY_FAILED';

/** @param job that has ended; its project is held */
export async function settleDependents(manager: EntityManager, job: Job, hands: Hands): Promise<void> {
  const rows: { id: string }[] = await manager.query(
    '/* job.dependents */ SELECT job_id AS id FROM job_dependency WHERE needs_id = $1',
    [job.uuid],
  );
  for (const one of await lockWaiting(
    manager,
    rows.map(({ id }) => id),
  ))
    await settleWaiting(manager, one, hands);
}

interface Needed {
  id: string;
  kind: JobKind;
  state: JobState;
  code: string | null;
}

/** Looks at what it needs once more: whoever ended the last of them holds the project, so that one of two sees both. */
async function settleWaiting(manager: EntityManager, job: Job, hands: Hands): Promise<void> {
  const needed = await neededBy(manager, job);
  const lost = needed.find(isLost);
  if (lost || needed.length === 0)
    await hands.changeJob(manager, job, JobState.CANCELLED, { reason: because(lost) });
  else if (needed.every(({ state }) => state === JobState.SUCCEEDED)) await letGo(manager, job, hands);
}

const neededBy = (manager: EntityManager, { uuid }: Pick<Job, 'uuid'>): Promise<Needed[]> =>
  manager.query(
    `/* job.needed */ SELECT n.id, n.kind, n.state, n.reason_code AS code FROM job_dependency d
     JOIN job n ON n.id = d.needs_id WHERE d.job_id = $1 ORDER BY n.id`,
    [uuid],
  );

const isLost = ({ state }: Needed): boolean => state === JobState.FAILED || state === JobState.CANCELLED;

function because(lost: Needed | undefined): Reason {
  const message = lost
    ? `It needs the ${lost.kind} job ${toGlobalId('Job', lost.id)}, which is ${lost.state}${lost.code ? `: ${lost.code}` : ''}.`
    : 'The job that it needed was deleted.';
  return { code: DEPENDENCY_FAILED, message };
}

const MOST = 1_000;

/**
 * Settles jobs that wait although what they need has ended: whoever ended it could not have their rows. One that has
 * reason to wait is left alone. Returns how many were settled.
 */
export async function mendDependents(db: DataSource, hands: Hands): Promise<number> {
  const rows: { id: string; project: string }[] = await db.query(
    `/* job.mendDependents */ SELECT j.id, j.project_id AS project FROM job j
     WHERE j.held AND NOT EXISTS (SELECT FROM sweep_trial t WHERE t.job_id = j.id)
       AND (NOT EXISTS (SELECT FROM job_dependency d JOIN job n ON n.id = d.needs_id
              WHERE d.job_id = j.id AND n.state <> 'SUCCEEDED')
         OR EXISTS (SELECT FROM job_dependency d JOIN job n ON n.id = d.needs_id
              WHERE d.job_id = j.id AND n.state IN ('FAILED', 'CANCELLED'))) LIMIT ${MOST}`,
  );
  let settled = 0;
  for (const { id, project } of rows)
    await db.transaction(async (manager) => {
      await lockProject(manager, project);
      for (const job of await lockWaiting(manager, [id])) {
        await settleWaiting(manager, job, hands);
        settled += 1;
      }
    });
  return settled;
}

/**
 * Puts the jobs back that were cancelled because `job` had failed, and those that were because of them: they wait again.
 * For whoever puts `job` itself back into the queue, in the same transaction, with its row and its project held.
 */
export async function bringBackDependents(
  manager: EntityManager,
  job: Pick<Job, 'uuid'>,
  { changeJob }: Pick<Hands, 'changeJob'>,
): Promise<void> {
  const rows: { id: string }[] = await manager.query(
    `/* job.cancelledDependents */ WITH RECURSIVE lost AS (
       SELECT d.job_id AS id FROM job_dependency d JOIN job j ON j.id = d.job_id
       WHERE d.needs_id = $1 AND j.state = 'CANCELLED' AND j.reason_code = '${DEPENDENCY_FAILED}'
       UNION SELECT d.job_id FROM lost JOIN job_dependency d ON d.needs_id = lost.id JOIN job j ON j.id = d.job_id
       WHERE j.state = 'CANCELLED' AND j.reason_code = '${DEPENDENCY_FAILED}')
     SELECT id FROM lost ORDER BY id`,
    [job.uuid],
  );
  for (const one of await lockFree(
    manager,
    rows.map(({ id }) => id),
    `t.state = 'CANCELLED'`,
  )) {
    await changeJob(manager, one, JobState.QUEUED);
    await manager.query('/* job.holdAgain */ UPDATE job SET held = true WHERE id = $1', [one.uuid]);
  }
}

/**
 * A job that has just been put back waits for what it needs, if that is not over. A trial of a sweep that decided
 * without it runs to its end.
 * @throws ShingoError DEPENDENCY_FAILED: what it needs will not succeed
 */
export async function waitAgain(manager: EntityManager, job: Pick<Job, 'uuid'>): Promise<void> {
  const needed = await neededBy(manager, job);
  const lost = needed.find(isLost);
  if (lost) {
    const message = `${because(lost).message} Retry that one; this one comes back with it.`;
    throw new ShingoError(DEPENDENCY_FAILED, message, 409, ['jobId']);
  }
  const waits = needed.some(({ state }) => state !== JobState.SUCCEEDED);
  await manager.query('/* job.waitAgain */ UPDATE job SET held = $2, pause_epoch = NULL WHERE id = $1', [
    job.uuid,
    waits,
  ]);
}
