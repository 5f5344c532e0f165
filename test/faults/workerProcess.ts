/** A worker in a process of its own, as `shingo work` is, with a trainer that follows a script; see workerProcesses.ts. */
import { pino } from 'pino';
import { parseConfig } from '../../src/platform/config.js';
import { openServices, startWorker } from '../../src/service.js';
import type { WorkerOptions } from '../../src/jobs/index.js';

const { databaseUrl, dataDir, options } = JSON.parse(process.argv[2] ?? '') as {
  databaseUrl: string;
  dataDir: string;
  options: WorkerOptions;
};
const config = { ...parseConfig({}), dataDir, retrySeconds: 0 };
const services = await openServices(config, databaseUrl, pino({ level: 'silent' }), 'worker');
startWorker(services, options);
process.send?.('up');
process.on('disconnect', () => process.exit(1));
