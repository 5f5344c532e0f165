/** Mends what a dead worker leaves: jobs that nobody works on, and the folders of attempts. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { withJob } from '../change.js';
import { JobState } from '../vocabulary.js';
import type { WorkerServices } from './fence.js';
import { WORKER_LOST, settleCrash } from './settle.js';

export interface Stale {
  id: string;
  attempt: number;
  worker: string;
  heartbeat: string;
}

/** Running jobs whose worker has been silent for so long, or last spoke at a time that is yet to come: a clock was set back. */
export async function findStale(db: DataSource, staleSeconds: number): Promise<Stale[]> {
  return db.query(
    `/* job.stale */ SELECT id, attempt, worker, heartbeat_at::text AS heartbeat FROM job
     WHERE state IN ('RUNNING', 'CANCELLING') AND (heartbeat_at < clock_timestamp() - make_interval(secs => $1)
       OR heartbeat_at > clock_timestamp() + make_interval(secs => $1))`,
    [staleSeconds],
  );
}

/** Takes them from their workers, unless one has spoken since. Returns how many. */
export async function reap(
  { db, queue, config, log }: Pick<WorkerServices, 'db' | 'queue' | 'config' | 'log'>,
  stale: Stale[],
): Promise<number> {
  let reaped = 0;
  for (const { id, attempt, worker, heartbeat } of stale) {
    await withJob(db, id, async (manager, job) => {
      const [row]: { same: boolean }[] = await manager.query(
        '/* job.silent */ SELECT heartbeat_at = $2::timestamptz AS same FROM job WHERE id = $1',
        [id, heartbeat],
      );
      const working = job.state === JobState.RUNNING || job.state === JobState.CANCELLING;
      if (!working || job.attempt !== attempt || row?.same !== true) return;
      const message = `Worker ${worker} has not been heard of since ${heartbeat}.`;
      await settleCrash(manager, { queue, config }, job, { code: WORKER_LOST, message });
      log.warn({ job: id, attempt, worker }, 'a job was taken from a silent worker');
      reaped += 1;
    });
  }
  return reaped;
}

/**
 * Removes the folders of attempts that are over: a killed worker could not. A worker sweeps while it takes its first jobs:
 * folders are listed before the jobs are asked about, so that an attempt that began in between is none of those listed,
 * and only what was listed is removed.
 */
export async function sweepFolders(db: DataSource, dataDir: string): Promise<void> {
  const root = join(dataDir, 'work');
  const jobs = (await readdir(root).catch(() => [])).filter((name) => /^[0-9a-f-]{36}$/.test(name));
  if (jobs.length === 0) return;
  const attempts = new Map<string, string[]>();
  for (const job of jobs) attempts.set(job, await readdir(join(root, job)).catch(() => []));
  const rows: { id: string; attempt: number; waits: boolean }[] = await db.query(
    `/* job.working */ SELECT id, attempt, state = 'QUEUED' AS waits FROM job
     WHERE id = ANY ($1) AND state IN ('QUEUED', 'RUNNING', 'CANCELLING')`,
    [jobs],
  );
  const unfinished = new Map(rows.map((row) => [row.id, row]));
  for (const job of jobs) {
    const found = unfinished.get(job);
    // Nobody will take it up again.
    if (!found) await rm(join(root, job), { recursive: true, force: true });
    else
      for (const name of attempts.get(job)!)
        if (Number(name) < found.attempt || (found.waits && Number(name) === found.attempt))
          await rm(join(root, job, name), { recursive: true, force: true });
  }
}
