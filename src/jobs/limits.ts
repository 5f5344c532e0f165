/** How much of the hosts a project may take: its share beside others, and limits of its own. */
import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../platform/error.js';

type Db = DataSource | EntityManager;

export interface JobLimits {
  /** Of two projects whose jobs wait, that with the fewest running jobs for its share goes first. */
  share: number;
  /** Null: no limit. */
  maxRunning: number | null;
  maxQueued: number | null;
}

const NONE: JobLimits = { share: 1, maxRunning: null, maxQueued: null };

export async function jobLimits(db: Db, projectUuids: readonly string[]): Promise<JobLimits[]> {
  const rows: (JobLimits & { id: string })[] = await db.query(
    `/* job.limits */ SELECT project_id AS id, share, max_running AS "maxRunning", max_queued AS "maxQueued"
     FROM job_limit WHERE project_id = ANY ($1)`,
    [projectUuids],
  );
  const found = new Map(rows.map((row) => [row.id, row]));
  return projectUuids.map((uuid) => found.get(uuid) ?? NONE);
}

/** @throws ShingoError BAD_USER_INPUT */
export async function setJobLimits(db: Db, projectUuid: string, limits: JobLimits): Promise<void> {
  const { share, maxRunning, maxQueued } = limits;
  if (!(share > 0 && share <= 1000))
    throw new ShingoError('BAD_USER_INPUT', 'A share is above 0, and 1000 at most.', 400, ['share']);
  for (const [name, value] of Object.entries({ maxRunning, maxQueued }))
    if (value !== null && value < 0)
      throw new ShingoError('BAD_USER_INPUT', `${name} is 0 or more; null is no limit.`, 400, [name]);
  await db.query(
    `/* job.setLimits */ INSERT INTO job_limit (project_id, share, max_running, max_queued) VALUES ($1, $2, $3, $4)
     ON CONFLICT (project_id) DO UPDATE SET share = $2, max_running = $3, max_queued = $4`,
    [projectUuid, share, maxRunning, maxQueued],
  );
}

/**
 * The caller holds the project's row, so that of two who race neither slips past.
 * @param ours how many of those that wait are the caller's own @throws ShingoError QUEUE_FULL
 */
export async function checkQueued(manager: EntityManager, projectUuid: string, ours = 0): Promise<void> {
  const [limits = NONE] = await jobLimits(manager, [projectUuid]);
  const { maxQueued } = limits;
  if (maxQueued === null) return;
  const [row]: { n: number }[] = await manager.query(
    `/* job.countQueued */ SELECT count(*)::int AS n
     FROM (SELECT FROM job WHERE project_id = $1 AND state = 'QUEUED' LIMIT $2) AS waiting`,
    [projectUuid, maxQueued + ours],
  );
  if ((row?.n ?? 0) - ours < maxQueued) return;
  const message = `${maxQueued} jobs of this project wait already, as many as may; try again later, or raise maxQueued.`;
  throw new ShingoError('QUEUE_FULL', message, 429);
}

/** Whether more of its jobs run than may. The caller holds the project's row. */
export async function runsTooMany(manager: EntityManager, projectUuid: string): Promise<boolean> {
  const [row]: { over: boolean }[] = await manager.query(
    `/* job.countRunning */ SELECT max_running < (SELECT count(*) FROM job
       WHERE project_id = $1 AND state IN ('RUNNING', 'CANCELLING')) AS over
     FROM job_limit WHERE project_id = $1`,
    [projectUuid],
  );
  return row?.over ?? false;
}
