/** What the service does by itself once a day, whatever the number of its processes: each work is a job. */
import type { DataSource } from 'typeorm';
import { startOrphanCollection } from '../jobs/task/startOrphanCollection.js';
import type { BlobStore } from '../platform/blobs.js';
import type { Config } from '../platform/config.js';
import { every } from '../platform/every.js';
import type { Log } from '../platform/log.js';
import type { Queue } from '../platform/queue.js';

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
 * One job a day (of UTC, by the clock of the database) for the whole database: its key has the date, and its project is
 * the oldest one. Where that is younger than a day, there is nothing old enough to be cleared away.
 * @throws ShingoError QUEUE_FULL
 */
export async function enqueueNightly(services: Services): Promise<void> {
  const [oldest]: { id: string; today: string }[] = await services.db.query(
    `/* nightly.project */ SELECT id, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS today FROM project
     WHERE created_at < now() - interval '1 day' ORDER BY created_at, id LIMIT 1`,
  );
  if (!oldest) return;
  await startOrphanCollection(services, {
    projectUuid: oldest.id,
    dryRun: false,
    idempotencyKey: `orphans ${oldest.today}`,
    job: { priority: PRIORITY },
  });
}
