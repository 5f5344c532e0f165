/** What the service does by itself once a day, whatever the number of its processes: each work is a job. */
import type { DataSource } from 'typeorm';
import { startOrphanCollection } from '../jobs/task/startOrphanCollection.js';
import { startPurge } from '../jobs/task/startPurge.js';
import type { BlobStore } from '../platform/blobs.js';
import type { Config } from '../platform/config.js';
import { every } from '../platform/every.js';
import type { Log } from '../platform/log.js';
import type { Queue } from '../platform/queue.js';
import { DEFAULT_RETENTION } from './retention.js';

interface Services {
  db: DataSource;
  blobs: BlobStore;
  queue: Queue;
  config: Pick<Config, 'nightly' | 'orphanGraceHours'>;
  log: Log;
}

const LOOK_MS = 10 * 60_000;
/** Behind all that people have asked for. */
const PRIORITY = -100;

/** Looks every ten minutes until stopped; not at all where SHINGO_NIGHTLY is off. */
export function startNightly(services: Services): () => Promise<void> {
  if (!services.config.nightly) return async () => undefined;
  return every(LOOK_MS, 'the nightly work', services.log, () => enqueueNightly(services));
}

/**
 * Each once a day, of UTC, by the clock of the database: the key of a job has the date.
 * @throws ShingoError QUEUE_FULL
 */
export async function enqueueNightly(services: Services): Promise<void> {
  const { db } = services;
  const [{ today }]: [{ today: string }] = await db.query(
    "/* nightly.today */ SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS today",
  );
  const common = { dryRun: false, job: { priority: PRIORITY } };
  for (const projectUuid of await projectsToPurge(db, `purge ${today}`)) {
    const request = { ...common, projectUuid, experimentUuids: null, idempotencyKey: `purge ${today}` };
    await startPurge(services, request);
  }
  // For the whole database: of the oldest project. Where that is younger than a day, nothing is old enough to go.
  const [oldest]: { id: string }[] = await db.query(
    `/* nightly.project */ SELECT id FROM project
     WHERE created_at < now() - interval '1 day' ORDER BY created_at, id LIMIT 1`,
  );
  if (!oldest) return;
  const request = { ...common, projectUuid: oldest.id, takeStore: false, idempotencyKey: `orphans ${today}` };
  await startOrphanCollection(services, request);
}

/** Projects that have something to purge, and no job for it that has this key; the next look takes those beyond 100. */
async function projectsToPurge(db: DataSource, key: string): Promise<string[]> {
  const rows: { id: string }[] = await db.query(
    `/* nightly.purges */ SELECT p.id FROM project p LEFT JOIN retention r ON r.project_id = p.id
     WHERE NOT EXISTS (SELECT FROM job j WHERE j.project_id = p.id AND j.idempotency_key = $1)
       AND (r.failed_days IS NOT NULL OR r.checkpoint_days IS NOT NULL OR EXISTS (SELECT FROM experiment e
         WHERE e.project_id = p.id AND e.deleted_at <= now() - make_interval(days => coalesce(r.deleted_days, $2))))
     ORDER BY p.id LIMIT 100`,
    [key, DEFAULT_RETENTION.deletedDays],
  );
  return rows.map(({ id }) => id);
}
