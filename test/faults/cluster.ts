/** A PostgreSQL of a test's own, which it may kill: durable, as one that people use. */
import { readFile, chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/platform/database/dataSource.js';
import { startEmbeddedPostgres } from '../../src/platform/database/embedded.js';
import { parseConfig } from '../../src/platform/config.js';
import { connectDatabase } from '../../src/service.js';
import type { TestDatabase } from '../support/database.js';
import { gone } from './processes.js';
import { until } from './world.js';

export interface Cluster extends TestDatabase {
  /** kill -9 of the postmaster; its processes notice and go. Nobody listens afterwards. */
  kill(): Promise<void>;
  /** At the same address. */
  revive(): Promise<void>;
}

/** Migrated. */
export async function startCluster(): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-cluster-'));
  // PostgreSQL is another user where the tests are root's.
  await chmod(folder, 0o755);
  const server = await startEmbeddedPostgres(folder);
  const db = await connectDatabase(parseConfig({}), server.url, 'test');
  await migrate(db);
  const postmaster = async () =>
    Number((await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  return {
    url: server.url,
    db,
    kill: async () => {
      const pid = await postmaster();
      process.kill(pid, 'SIGKILL');
      await gone([pid]);
    },
    // What its processes hold keeps a new server from starting until the last of them has gone.
    revive: () =>
      until(() =>
        server.revive().then(
          () => true,
          () => false,
        ),
      ).then(() => undefined),
    stop: async () => {
      await db.destroy();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
