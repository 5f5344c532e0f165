import { hostname } from 'node:os';
import { parseConfig, type Config } from '../platform/config.js';
import { migrateDown } from '../platform/database/dataSource.js';
import { ShingoError } from '../platform/error.js';
import { createLog, type Log } from '../platform/log.js';
import {
  connectMigrator,
  migrateDatabase,
  openDatabase,
  openServices,
  startApi,
  startWorker,
} from '../service.js';
import type { WorkerOptions } from '../jobs/index.js';
import { probeEngines } from '../training/engines/present.js';
import { Lifecycle, lockDataDir } from './lifecycle.js';

const workerOptions = ({ engine, taskSlots, workerName, slots, hostLabels }: Config): WorkerOptions => ({
  ...{ engine, taskSlots, labels: hostLabels, engines: workingEngines() },
  ...(slots && { seats: slots }),
  name: workerName ?? `${hostname()}-${process.pid}`,
});

/** The others work everywhere; to try one that needs a driver takes a second or two. */
const workingEngines = async () =>
  (await probeEngines(['cuda', 'native', 'webgpu'])).filter(({ works }) => works).map(({ engine }) => engine);

/** Database, API and worker in this process. Returns the API's address. */
export async function startEverything(config: Config, log: Log, life: Lifecycle): Promise<string> {
  life.started('data folder', await lockDataDir(config.dataDir));
  const database = life.started('PostgreSQL', await openDatabase(config, log));
  await migrateDatabase(config, database.url, log);
  const services = life.started('connections', await openServices(config, database.url, log, 'worker'));
  // Stopped in the other order: sockets close with a reason, then the running job is saved.
  life.started('worker', startWorker(services, workerOptions(config)));
  const api = life.started('API', await startApi(services));
  return api.url;
}

export async function up(): Promise<void> {
  const config = parseConfig(process.env);
  const log = createLog(config.logLevel);
  await using life = new Lifecycle(log);
  const url = await startEverything(config, log, life);
  console.log(
    `Shingo is at ${url}\n  GraphQL   ${url}/graphql  (HTTP and WebSocket)\n  GraphiQL  ${url}/\n  data      ${config.dataDir}\nCtrl-C stops it; its data stay.`,
  );
  await life.untilInterrupted();
}

export async function serve(): Promise<void> {
  const config = parseConfig(process.env);
  checkShared(config);
  const log = createLog(config.logLevel);
  await using life = new Lifecycle(log);
  if (!config.databaseUrl) life.started('data folder', await lockDataDir(config.dataDir));
  const database = life.started('PostgreSQL', await openDatabase(config, log));
  await migrateDatabase(config, database.url, log);
  const services = life.started('connections', await openServices(config, database.url, log, 'api'));
  const { url } = life.started('API', await startApi(services));
  console.log(`Shingo's API is at ${url}`);
  await life.untilInterrupted();
}

/** An address that one process signs is brought to another: each with a key of its own would refuse the other's. */
function checkShared({ databaseUrl, blobUrl, uploadKey }: Config): void {
  if (databaseUrl === undefined || blobUrl === undefined || uploadKey !== undefined) return;
  throw new ShingoError(
    'CONFIG_INVALID',
    'Where database and blobs are shared, so is the key of upload addresses: set SHINGO_UPLOAD_KEY, the same for every API process (openssl rand -hex 32).',
  );
}

export async function work(): Promise<void> {
  const config = parseConfig(process.env);
  if (!config.databaseUrl) {
    throw new ShingoError(
      'CONFIG_INVALID',
      'A worker of its own needs SHINGO_DATABASE_URL, the database of the API.',
    );
  }
  const log = createLog(config.logLevel);
  await using life = new Lifecycle(log);
  const services = life.started('connections', await openServices(config, config.databaseUrl, log, 'worker'));
  life.started('worker', startWorker(services, workerOptions(config)));
  console.log('Shingo works; Ctrl-C saves the running job and gives it back.');
  await life.untilInterrupted();
}

export async function migrateCommand({ down }: { down?: boolean }): Promise<void> {
  const config = parseConfig(process.env);
  const log = createLog(config.logLevel);
  await using life = new Lifecycle(log);
  if (!config.databaseUrl) life.started('data folder', await lockDataDir(config.dataDir));
  const database = life.started('PostgreSQL', await openDatabase(config, log));
  if (down) {
    const db = life.started('connections', await stoppable(config, database.url));
    await migrateDown(db.db);
    console.log('The newest migration is taken back.');
    return;
  }
  const ran = await migrateDatabase(config, database.url, log);
  console.log(ran.length === 0 ? 'The database is up to date.' : `Migrated: ${ran.join(', ')}`);
}

async function stoppable(config: Config, url: string) {
  const db = await connectMigrator(config, url);
  return { db, stop: () => db.destroy() };
}
