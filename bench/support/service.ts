/** The whole service, API and database, in a folder of its own that goes when the benchmark is over. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Services } from '../../src/graphql/context.js';
import { parseConfig } from '../../src/platform/config.js';
import { migrateDatabase, openDatabase, openServices, startApi } from '../../src/service.js';

export async function withService<T>(
  work: (service: { url: string; services: Services }) => Promise<T>,
): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
  const config = parseConfig({ SHINGO_DATA_DIR: dataDir, SHINGO_PORT: '0' });
  const log = pino({ level: 'silent' });
  const stops: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true, force: true })];
  try {
    const database = await openDatabase(config, log);
    stops.push(() => database.stop());
    await migrateDatabase(config, database.url, log);
    const services = await openServices(config, database.url, log, 'api');
    stops.push(() => services.stop());
    const api = await startApi(services);
    stops.push(() => api.stop());
    return await work({ url: api.url, services });
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
