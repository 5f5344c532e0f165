/** One embedded PostgreSQL for all test files, with a template database that the migrations built. */
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/platform/database/dataSource.js';
import { startEmbeddedPostgres } from '../../src/platform/database/embedded.js';
import { parseConfig } from '../../src/platform/config.js';
import { connectDatabase } from '../../src/service.js';

export default async function globalSetup(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-test-'));
  // As root the server runs as another user, who must be able to enter.
  await chmod(folder, 0o755);
  // Run as root, PostgreSQL is another user: let it walk there, or its files would be moved where nobody removes them.
  await chmod(folder, 0o755);
  // Without fsync: a test's database need not survive a power cut.
  const server = await startEmbeddedPostgres(folder, false);
  const db = await connectDatabase(parseConfig({}), server.url, 'template');
  try {
    await migrate(db);
  } finally {
    // A template must have no connection when it is cloned.
    await db.destroy();
  }
  process.env.SHINGO_TEST_SERVER = server.url;
  (globalThis as { shingoTest?: object }).shingoTest = { server, folder };
}
