/** Mends what a dead worker leaves: jobs that nobody works on, and jobs that no message speaks of. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { QUEUES, enqueue, queueOf, withJob } from '../change.js';
import { JobState, type JobKind } from '../vocabulary.js';
import type { WorkerServices } from './fence.js';
import { settleCrash } from './settle.js';

export interface Stale {
  id: string;
  attempt: number;
  worker: string;
  heartbeat: string;
}

/** Running jobs whose worker has been silent for so long. */
export async function findStale(db: DataSource, staleSeconds: number): Promise<Stale[]> {
  return db.query(
    `/* job.stale */ SELECT id, attempt, worker, heartbeat_at::text AS heartbeat FROM job
     WHERE state IN ('RUNNING', 'CANCELLING') AND heartbeat_at < clock_timestamp() - make_interval(secs => $1)`,
    [staleSeconds],
  );
}

/** Takes them from their workers, unless one has spoken since. Returns how many. */
export async function reap(
  { db, queue, log }: Pick<WorkerServices, 'db' | 'queue' | 'log'>,
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
      await settleCrash(manager, queue, job, { code: 'WORKER_LOST', message });
      log.warn({ job: id, attempt, worker }, 'a job was taken from a silent worker');
      reaped += 1;
    });
  }
  return reaped;
}

/** Every queued job has a message, but for those that wait for others; one that has none gets one. Returns how many. */
export async function repairQueue({ db, queue }: Pick<WorkerServices, 'db' | 'queue'>): Promise<number> {
  const queued: { id: string; kind: JobKind }[] = await db.query(
    "/* job.queued */ SELECT id, kind FROM job WHERE state = 'QUEUED' AND NOT held ORDER BY seq LIMIT 10000",
  );
  let sent = 0;
  for (const name of QUEUES) {
    const ids = queued.filter((job) => queueOf(job) === name).map(({ id }) => id);
    if (ids.length === 0) continue;
    for (const uuid of await queue.lacking(db, name, ids)) {
      await withJob(db, uuid, async (manager, job) => {
        // Looked at again with the job held: two workers that mend at once send one message.
        const waits = job.state === JobState.QUEUED && !job.held;
        if (!waits || (await queue.lacking(manager, name, [uuid])).length === 0) return;
        await enqueue(manager, queue, job);
        sent += 1;
      });
    }
  }
  return sent;
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
