import type { DataSource } from 'typeorm';
import type { Services } from '../graphql/context.js';
import { columnsOf, hydrate } from '../graphql/select.js';
import { ShingoError } from '../platform/error.js';
import { endable } from '../platform/hub.js';
import { Job } from './job.js';
import { persist } from '../platform/database/persist.js';
import { PROJECT_JOBS_TOPIC } from './vocabulary.js';

const PAGE = 500;
/** A database that is away for longer ends the reading with an error. */
const AWAY_MS = 60_000;

/**
 * First every unfinished job as it is, then each job that changes, in the order of the changes; several changes of
 * one job between two looks are its newest state. With a cursor: each that has changed since, the finished ones too.
 * Ends when the reader has gone, or the project.
 * @param afterSeq the seq of the last job that came; null: from the beginning
 * @throws ShingoError BAD_USER_INPUT
 */
export async function followJobs(
  services: Pick<Services, 'db' | 'hub' | 'log'>,
  projectUuid: string,
  afterSeq: number | null,
  gone: AbortSignal,
): Promise<AsyncIterableIterator<Job, void>> {
  const head = await headOf(services.db, projectUuid);
  if (afterSeq !== null && (afterSeq < 0 || afterSeq > (head ?? 0))) {
    const message = `afterSeq is ${afterSeq}, but the jobs of this project have changed ${head ?? 0} times; leave it out to begin.`;
    throw new ShingoError('BAD_USER_INPUT', message, 400, ['afterSeq']);
  }
  return endable(gone, (signal) => jobs(services, projectUuid, afterSeq, signal));
}

async function* jobs(
  { db, hub, log }: Pick<Services, 'db' | 'hub' | 'log'>,
  projectUuid: string,
  afterSeq: number | null,
  signal: AbortSignal,
): AsyncGenerator<Job, void> {
  const hints = hub.listen(PROJECT_JOBS_TOPIC, projectUuid, signal);
  const steady = <T>(question: string, ask: () => Promise<T>) =>
    persist(log, () => hub.together(`jobs ${projectUuid} ${question}`, ask), AWAY_MS);
  try {
    const start = afterSeq === null ? await unfinished(db, projectUuid) : { head: afterSeq, jobs: [] };
    let cursor = start.head;
    for (const job of start.jobs) {
      if (hints.closed) return;
      yield job;
    }
    while (!hints.closed) {
      const head = await steady('head', () => headOf(db, projectUuid));
      if (head === null) return;
      while (cursor < head) {
        const page = await steady(`after ${cursor}`, () => changes(db, projectUuid, cursor));
        for (const job of page) {
          if (hints.closed) return;
          yield job;
        }
        const last = Number(page.at(-1)?.seq ?? 0);
        cursor = page.length < PAGE ? Math.max(head, last) : last;
      }
      await hints.wait();
    }
  } finally {
    hints.close();
  }
}

/** In one statement, so that the counter and the jobs are of one moment. */
async function unfinished(db: DataSource, projectUuid: string): Promise<{ head: number; jobs: Job[] }> {
  const rows: ({ id: string | null; head: string } & Record<string, unknown>)[] = await db.query(
    `/* job.unfinished */ SELECT p.job_seq AS head, ${columnsOf(db, Job)} FROM project p
     LEFT JOIN job t ON t.project_id = p.id AND t.state IN ('QUEUED', 'RUNNING', 'CANCELLING')
     WHERE p.id = $1 ORDER BY t.seq`,
    [projectUuid],
  );
  const jobs = rows.filter((row) => row.id !== null).map((row) => hydrate(db, Job, row));
  return { head: Number(rows[0]?.head ?? 0), jobs };
}

async function headOf(db: DataSource, projectUuid: string): Promise<number | null> {
  const rows: { head: string }[] = await db.query(
    '/* job.head */ SELECT job_seq AS head FROM project WHERE id = $1',
    [projectUuid],
  );
  return rows[0] ? Number(rows[0].head) : null;
}

async function changes(db: DataSource, projectUuid: string, after: number): Promise<Job[]> {
  const rows: Record<string, unknown>[] = await db.query(
    `/* job.changes */ SELECT ${columnsOf(db, Job)} FROM job t WHERE t.project_id = $1 AND t.seq > $2
     ORDER BY t.seq LIMIT ${PAGE}`,
    [projectUuid, after],
  );
  return rows.map((row) => hydrate(db, Job, row));
}
