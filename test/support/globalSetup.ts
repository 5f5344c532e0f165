/**
 * One PostgreSQL for all test files, with a template database that the migrations built: an embedded one or, to try the
 * tests on another release, the server of SHINGO_TEST_DATABASE_URL, whose database `shingo` is made anew.
 */
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../src/platform/database/dataSource.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/platform/database/embedded.js';
import { parseConfig } from '../../src/platform/config.js';
import { connectDatabase } from '../../src/service.js';

export default async function globalSetup(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-test-'));
  // Run as root, PostgreSQL is another user: let it walk there, or its files would be moved where nobody removes them.
  await chmod(folder, 0o755);
  // Without fsync: a test's database need not survive a power cut.
  const given = process.env.SHINGO_TEST_DATABASE_URL;
  const server = given ? await emptied(given) : await startEmbeddedPostgres(folder, false);
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

/** @param url of a server's database `postgres`, as one who may create databases */
async function emptied(url: string): Promise<Pick<EmbeddedPostgres, 'url' | 'stop'>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('DROP DATABASE IF EXISTS shingo WITH (FORCE)');
    await client.query('CREATE DATABASE shingo');
  } finally {
    await client.end();
  }
  const own = new URL(url);
  own.pathname = '/shingo';
  return { url: own.href, stop: () => Promise.resolve() };
}
