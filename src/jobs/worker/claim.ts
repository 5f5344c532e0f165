/**
 * Which job a free slot gets. Jobs that wait are read by leaps: those of one priority, project, engine and labels are a
 * group, any of which is as good for this taker as any other, so that 100,000 of them cost one look at the first. Of the
 * groups that the taker can serve, the highest priority goes first; then the project with the fewest running jobs for its
 * share; then whoever has waited longest.
 */
import { hostname } from 'node:os';
import { isLocked } from '../../platform/database/errors.js';
import { changeJob, JOB_QUEUE, lockJob } from '../change.js';
import { runsTooMany } from '../limits.js';
import { JobState } from '../vocabulary.js';
import type { Lease, WorkerServices } from './fence.js';

export interface Taker {
  worker: string;
  /** Name of the machine. */
  host: string;
  device: string | null;
  labels: readonly string[];
  /** Those that its slot can run; 'auto' is understood. Null: whatever is asked for. */
  engines: readonly string[] | null;
}

/** Groups that one claim looks at. */
const MOST_GROUPS = 5_000;
/** Somebody who holds a project for longer, such as its deletion, holds up its own jobs and nobody else's. */
const LOCK_MS = 1_000;
/** No wait after a crash is so long: a job that is to wait longer has had the clock set back under it. */
const LONGEST_WAIT = "interval '10 minutes'";

const GROUP = '(-priority), project_id, requested_engine, required_labels';
const WAITS = "lane = $1 AND state = 'QUEUED' AND NOT held";
const DUE = `(not_before IS NULL OR not_before <= clock_timestamp() OR not_before > clock_timestamp() + ${LONGEST_WAIT})`;
const firstOf = (group: string, columns: string) =>
  `SELECT ${columns} FROM job WHERE ${WAITS} AND (-priority) = ${group}.rank AND project_id = ${group}.project_id
     AND requested_engine = ${group}.requested_engine AND required_labels = ${group}.required_labels AND ${DUE}
     ORDER BY coalesce(not_before, queued_at), id LIMIT 1`;

export const PICK = `/* job.pick */ WITH RECURSIVE line AS (
    (SELECT -priority AS rank, project_id, requested_engine, required_labels FROM job WHERE ${WAITS}
     ORDER BY ${GROUP} LIMIT 1)
    UNION ALL
    SELECT next.* FROM line CROSS JOIN LATERAL (
      SELECT -priority AS rank, project_id, requested_engine, required_labels FROM job
      WHERE ${WAITS} AND (${GROUP}) > (line.rank, line.project_id, line.requested_engine, line.required_labels)
      ORDER BY ${GROUP} LIMIT 1) AS next),
  served AS (SELECT * FROM line WHERE ($2::text[] IS NULL OR requested_engine = ANY ($2)) AND required_labels <@ $3::text[]
    AND project_id <> ALL ($4::uuid[]) LIMIT ${MOST_GROUPS}),
  busy AS (SELECT project_id, count(*) AS jobs, count(*) FILTER (WHERE lane = $1) AS here FROM job
    WHERE state IN ('RUNNING', 'CANCELLING') GROUP BY project_id),
  turns AS (SELECT served.* FROM served LEFT JOIN busy USING (project_id) LEFT JOIN job_limit USING (project_id)
    CROSS JOIN LATERAL (${firstOf('served', 'coalesce(not_before, queued_at) AS since')}) AS head
    WHERE max_running IS NULL OR coalesce(busy.jobs, 0) < max_running
    ORDER BY rank, coalesce(busy.here, 0) / coalesce(share, 1), head.since)
  SELECT picked.id FROM turns CROSS JOIN LATERAL (${firstOf('turns', 'id')} FOR UPDATE SKIP LOCKED) AS picked LIMIT 1`;

/**
 * The best job of the lane for this taker, now its own; null if there is none. A job that somebody else is taking at this
 * moment is passed over, never waited for, and so is a project that somebody holds for longer than a second.
 */
export async function claimNext(
  { db }: Pick<WorkerServices, 'db'>,
  taker: string | Taker,
  lane = JOB_QUEUE,
): Promise<Lease | null> {
  const { worker, host, device, labels, engines } = typeof taker === 'string' ? anything(taker) : taker;
  const full: string[] = [];
  for (;;) {
    let project = '';
    const lease = await db
      .transaction(async (manager) => {
        await manager.query(`/* job.patience */ SET LOCAL lock_timeout = ${LOCK_MS}`);
        const able = engines && ['auto', ...engines];
        const [picked]: { id: string }[] = await manager.query(PICK, [lane, able, labels, full]);
        const job = picked && (await lockJob(manager, picked.id));
        if (!job) return null;
        project = job.projectUuid;
        const claimed = await changeJob(manager, job, JobState.RUNNING, { taker: { worker, host, device } });
        // From that change on the project is held: of two who take its last free place, the second sees the first.
        if (await runsTooMany(manager, project)) throw new Full();
        return { job: claimed, attempt: claimed.attempt };
      })
      .catch((error: unknown) => {
        if (error instanceof Full || (project !== '' && isLocked(error))) return undefined;
        throw error;
      });
    if (lease !== undefined) return lease;
    full.push(project);
  }
}

/** Takes back a claim. */
class Full extends Error {
  constructor() {
    super('More jobs of this project would run than may.');
  }
}

const anything = (worker: string): Taker => ({
  ...{ worker, host: hostname(), device: null },
  ...{ labels: [], engines: null },
});
