/** Services that start together on one database, a migration that takes its time, and one whose process loses its database. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { migrations } from '../../migrations/index.js';
import { connect, migrate } from '../../src/platform/database/dataSource.js';
import { parseConfig } from '../../src/platform/config.js';
import { connectDatabase, connectMigrator } from '../../src/service.js';
import { admin, serverUrl } from '../support/database.js';
import { INHERITED } from '../support/inherited.js';
import { pick } from '../../seeds/random.js';
import { randomOf } from './chance.js';
import { startWire } from './wire.js';
import { until } from './world.js';

const random = randomOf('migrations');
let url: string;
let name: string;
let folder: string;
beforeEach(async () => {
  name = `migrations_${randomBytes(6).toString('hex')}`;
  await admin(`CREATE DATABASE ${name} TEMPLATE template0`);
  const target = new URL(serverUrl());
  target.pathname = `/${name}`;
  url = target.href;
  folder = await mkdtemp(join(tmpdir(), 'shingo-migrations-'));
});
afterEach(async () => {
  await admin(`DROP DATABASE ${name} WITH (FORCE)`);
  await rm(folder, { recursive: true, force: true });
});

/** Of the migrations that have run, in order. */
const ran = async (): Promise<string[]> => {
  const db = await connectDatabase(parseConfig({}), url, 'test');
  try {
    const rows: { name: string }[] = await db.query('SELECT name FROM migration ORDER BY id');
    return rows.map((row) => row.name);
  } finally {
    await db.destroy();
  }
};
const ALL = migrations.map((migration) => migration.name);

/** `shingo migrate`, in a process of its own. */
function migrateProcess(host: string) {
  const child = spawn(process.execPath, ['dist/src/main.js', 'migrate'], {
    env: {
      ...{ ...INHERITED, SHINGO_LOG_LEVEL: 'info' },
      ...{ SHINGO_DATABASE_URL: url, SHINGO_DATA_DIR: join(folder, host) },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, output }));
  return { ended, output: () => output, kill: () => child.kill('SIGKILL') };
}

it('of three processes that migrate one empty database at a time one does it all, and the others wait and find it done', async () => {
  const ends = await Promise.all(['a', 'b', 'c'].map((host) => migrateProcess(host).ended));
  expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(ends.filter(({ output }) => output.includes('The database is up to date.'))).toHaveLength(2);
  expect(await ran()).toEqual(ALL);
}, 60_000);

class Slow implements MigrationInterface {
  readonly name = 'Slow1764999999999';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE IF NOT EXISTS slow (settings text, times int)');
    await runner.query(
      `INSERT INTO slow SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout'), 1`,
    );
    await runner.query('SELECT pg_sleep(6)');
  }
  down = () => Promise.resolve();
}

it('a migration may take as long as it takes, and who waits for it waits so long', async () => {
  const open = () =>
    connect({ url, pool: 2, entities: [], migrations: [Slow], applicationName: 'slow', statementMs: 0 });
  const [one, other, service] = [await open(), await open(), await connectMigrator(parseConfig({}), url)];
  try {
    let waits = 0;
    const first = migrate(one, () => (waits += 1));
    await until(async () => (await service.query("SELECT to_regclass('migration') AS t"))[0].t !== null);
    const second = migrate(other, () => (waits += 1));
    const names = await Promise.all([first, second]);
    expect(names.map((done) => done.length).sort()).toEqual([0, 1]);
    expect(waits).toBe(1);
    // A statement of the API is ended after 30 s.
    expect(await service.query('SELECT * FROM slow')).toEqual([{ settings: '0 0', times: 1 }]);
    expect(await service.query('SHOW statement_timeout')).toEqual([{ statement_timeout: '0' }]);
  } finally {
    for (const db of [one, other, service]) await db.destroy();
  }
}, 60_000);

it('a process whose connection breaks in the middle leaves whole migrations only, and another goes on from there', async () => {
  const at = pick(random, [
    'CREATE TABLE',
    'CREATE INDEX',
    'INSERT INTO "migration"',
    'ALTER TABLE',
    'COMMIT',
  ]);
  let left = 5 + Math.floor(random() * 20);
  const wire = await startWire(url, undefined, (text) => {
    if (text.includes(at) && (left -= 1) === 0) setImmediate(() => wire.cut());
  });
  const [cut, whole] = [
    await connectMigrator(parseConfig({}), wire.url),
    await connectMigrator(parseConfig({}), url),
  ];
  try {
    await expect(migrate(cut)).rejects.toThrow();
    expect(left).toBeLessThanOrEqual(0);
    const before = await ran();
    expect(before).toEqual(ALL.slice(0, before.length));
    expect(await migrate(whole)).toEqual(ALL.slice(before.length));
    expect(await ran()).toEqual(ALL);
  } finally {
    await cut.destroy();
    await whole.destroy();
    await wire.stop();
  }
}, 60_000);
