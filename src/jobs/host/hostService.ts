import type { DataSource } from 'typeorm';
import { columnsOf, hydrate } from '../../graphql/select.js';
import { Job } from '../job.js';
import type { Host } from './host.js';

/** SQL: a worker says every 5 s that it is there. A time that is yet to come is one from before a clock was set back. */
export const PRESENT = `host.seen_at BETWEEN clock_timestamp() - interval '20 seconds'
  AND clock_timestamp() + interval '20 seconds'`;
/** More are not listed. */
const MOST_HOSTS = 1_000;

/** By name; those not seen for a day are gone. */
export async function listHosts(db: DataSource, present: boolean | null): Promise<Host[]> {
  return db.query(
    `/* host.list */ SELECT id AS uuid, name, worker, labels, engines, slots, task_slots AS "taskSlots", version,
       started_at AS "startedAt", seen_at AS "seenAt", ${PRESENT} AS present
     FROM host WHERE $1::boolean IS NULL OR (${PRESENT}) = $1 ORDER BY name, worker, id LIMIT ${MOST_HOSTS}`,
    [present],
  );
}

const keyOf = (host: string | null, worker: string | null) => `${host} ${worker}`;
export const workerKey = ({ name, worker }: Pick<Host, 'name' | 'worker'>): string => keyOf(name, worker);

/** What each of these workers is at. @param workers by `workerKey` */
export async function jobsOfWorkers(db: DataSource, workers: readonly string[]): Promise<Job[][]> {
  const rows: Record<string, unknown>[] = await db.query(
    `/* host.jobs */ SELECT ${columnsOf(db, Job)} FROM job t
     WHERE t.state IN ('RUNNING', 'CANCELLING') AND t.host || ' ' || t.worker = ANY ($1) ORDER BY t.started_at, t.id`,
    [workers],
  );
  const jobs = Map.groupBy(
    rows.map((row) => hydrate(db, Job, row)),
    ({ host, worker }) => keyOf(host, worker),
  );
  return workers.map((worker) => jobs.get(worker) ?? []);
}
