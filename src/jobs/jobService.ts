import type { DataSource, EntityManager } from 'typeorm';
import type { Loaders } from '../graphql/context.js';
import { columnsOf, hydrate } from '../graphql/select.js';
import { ShingoError } from '../platform/error.js';
import { changeJob, withJob } from './change.js';
import { Job } from './job.js';
import { JobState } from './vocabulary.js';

type Db = DataSource | EntityManager;

/** The job that trains an experiment, or that makes an evaluation. */
export async function jobOf(
  load: Loaders,
  db: Db,
  subject: 'experiment' | 'evaluation',
  uuid: string,
): Promise<Job | null> {
  return load.batch(`job.of.${subject}`, (uuids) => selectJobs(db, subject, uuids)).load(uuid);
}

async function selectJobs(
  db: Db,
  subject: 'experiment' | 'evaluation',
  uuids: readonly string[],
): Promise<(Job | null)[]> {
  const restriction =
    subject === 'experiment'
      ? "t.experiment_id = ANY ($1) AND t.kind = 'TRAINING'"
      : 't.evaluation_id = ANY ($1)';
  const rows: Record<string, unknown>[] = await db.query(
    `/* job.of.${subject} */ SELECT ${columnsOf(db, Job)} FROM job t WHERE ${restriction}`,
    [uuids],
  );
  const found = new Map(rows.map((row) => [row[`${subject}_id`] as string, hydrate(db, Job, row)]));
  return uuids.map((uuid) => found.get(uuid) ?? null);
}

/** What the newest attempt of each said last. */
export async function lastLines(db: Db, uuids: readonly string[]): Promise<string[][]> {
  const rows: { id: string; lines: string[] }[] = await db.query(
    '/* job.lastLines */ SELECT id, last_lines AS lines FROM job WHERE id = ANY ($1)',
    [uuids],
  );
  const found = new Map(rows.map(({ id, lines }) => [id, lines]));
  return uuids.map((uuid) => found.get(uuid) ?? []);
}

/**
 * A queued job is cancelled at once; a running one as soon as its worker hears of it, within about 2 s. Asking twice
 * is asking once.
 * @throws ShingoError NOT_FOUND, JOB_FINISHED
 */
export async function cancelJob(db: DataSource, uuid: string): Promise<Job> {
  const cancelled = await withJob(db, uuid, (manager, job) => {
    const reason = { code: 'CANCELLED', message: 'Cancelled by request.' };
    if (job.state === JobState.QUEUED) return changeJob(manager, job, JobState.CANCELLED, { reason });
    if (job.state === JobState.RUNNING) return changeJob(manager, job, JobState.CANCELLING, { reason });
    if (job.state === JobState.CANCELLING || job.state === JobState.CANCELLED) return Promise.resolve(job);
    throw new ShingoError('JOB_FINISHED', `This job is over: ${job.state}.`, 409, ['jobId']);
  });
  if (!cancelled) throw new ShingoError('NOT_FOUND', 'There is no such job.', 404, ['jobId']);
  return cancelled;
}
