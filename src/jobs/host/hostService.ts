import type { DataSource } from 'typeorm';
import { columnsOf, hydrate } from '../../graphql/select.js';
import { Job } from '../job.js';
import type { Host } from './host.js';

/** SQL: a worker says every 5 s that it is there. A host whose time is yet to come had its database's clock set back. */
export const PRESENT = "host.seen_at > clock_timestamp() - interval '20 seconds'";
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

/** What each of these workers is at. */
export async function jobsOfWorkers(db: DataSource, workers: readonly string[]): Promise<Job[][]> {
  const rows: Record<string, unknown>[] = await db.query(
    `/* host.jobs */ SELECT ${columnsOf(db, Job)} FROM job t
     WHERE t.state IN ('RUNNING', 'CANCELLING') AND t.worker = ANY ($1) ORDER BY t.started_at, t.id`,
    [workers],
  );
  const jobs = Map.groupBy(rows.map((row) => hydrate(db, Job, row)), ({ worker }) => worker);
  return workers.map((worker) => jobs.get(worker) ?? []);
}
