/** The whole service, API and database, in a folder of its own that goes when the benchmark is over. */
import { rm } from 'node:fs/promises';
import { pino } from 'pino';
import { folderOfCluster } from './folder.js';
import type { Services } from '../../src/graphql/context.js';
import { parseConfig, type Config } from '../../src/platform/config.js';
import type { Log } from '../../src/platform/log.js';
import { migrateDatabase, openDatabase, openServices, startApi } from '../../src/service.js';

interface Database {
  config: Config;
  url: string;
  log: Log;
  /** Run when the work is over, the last first. */
  stops: (() => Promise<unknown>)[];
}

/** The migrated database alone. */
export async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const dataDir = await folderOfCluster();
  const config = parseConfig({ SHINGO_DATA_DIR: dataDir, SHINGO_PORT: '0' });
  const log = pino({ level: 'silent' });
  const stops: Database['stops'] = [() => rm(dataDir, { recursive: true, force: true })];
  try {
    const database = await openDatabase(config, log);
    stops.push(() => database.stop());
    await migrateDatabase(config, database.url, log);
    return await work({ config, url: database.url, log, stops });
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

export const withService = <T>(
  work: (service: { url: string; services: Services }) => Promise<T>,
): Promise<T> =>
  withDatabase(async ({ config, url, log, stops }) => {
    const services = await openServices(config, url, log, 'api');
    stops.push(() => services.stop());
    const api = await startApi(services);
    stops.push(() => api.stop());
    return work({ url: api.url, services });
  });
