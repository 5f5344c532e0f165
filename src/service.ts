/** Puts the parts together: what `up`, `serve` and `work` start, and how they stop. */
import type { AddressInfo } from 'node:net';
import type { DataSource } from 'typeorm';
import { migrations } from '../migrations/index.js';
import { blobRoutes } from './catalog/image/blobRoutes.js';
import { startCoveragePrune } from './catalog/coverage/columns/sync.js';
import { thumbnailRoutes } from './catalog/image/thumbnail/thumbnailRoutes.js';
import { startUploadSweep } from './catalog/upload/sweep.js';
import { uploadRoutes } from './catalog/upload/uploadRoutes.js';
import { artifactRoutes } from './experiments/artifactRoutes.js';
import { Connections } from './graphql/connections.js';
import type { Services } from './graphql/context.js';
import { createHttpServer } from './graphql/http.js';
import { attachSocketServer } from './graphql/socket.js';
import { jobFileRoutes, startScheduler, startWorker as runWorker, type WorkerOptions } from './jobs/index.js';
import { modelArtifactRoutes } from './models/index.js';
import { openBlobs } from './platform/blobs/open.js';
import { isUnavailable, type BlobStore } from './platform/blobs.js';
import type { Config } from './platform/config.js';
import { connect, migrate } from './platform/database/dataSource.js';
import { startEmbeddedPostgres } from './platform/database/embedded.js';
import { keepUp } from './platform/database/keepUp.js';
import { every } from './platform/every.js';
import { ShingoError, messageOf } from './platform/error.js';
import { createHub } from './platform/hub.js';
import type { Log } from './platform/log.js';
import { openPartials } from './platform/openPartials.js';
import { createQueue } from './platform/queue.js';
import { createSigner, keyInFolder } from './platform/signer.js';
import { startNightly } from './retention/nightly.js';
import { createSchema, entities } from './schema.js';

export interface Running {
  stop(): Promise<void>;
}

/** A given PostgreSQL, or the embedded one, started. */
export async function openDatabase(config: Config, log: Log): Promise<{ url: string } & Running> {
  if (config.databaseUrl) return { url: config.databaseUrl, stop: async () => undefined };
  const embedded = await startEmbeddedPostgres(config.dataDir);
  log.info({ dataDir: config.dataDir }, 'embedded PostgreSQL is up');
  return keepUp(embedded, log);
}

export function connectDatabase(
  config: Config,
  url: string,
  applicationName: string,
  statementMs?: number,
): Promise<DataSource> {
  return connect({ url, pool: config.databasePool, entities, migrations, applicationName, statementMs });
}

/** What migrates takes as long as it takes. */
export const connectMigrator = (config: Config, url: string): Promise<DataSource> =>
  connectDatabase(config, url, 'shingo migrate', 0);

/** Brings the schema up to date. Returns the migrations that ran. */
export async function migrateDatabase(config: Config, url: string, log: Log): Promise<string[]> {
  const db = await connectMigrator(config, url);
  try {
    const ran = await migrate(db, () => log.info('another process migrates the database; waiting for it'));
    if (ran.length > 0) log.info({ migrations: ran }, 'database migrated');
    return ran;
  } finally {
    await db.destroy();
  }
}

const SWEEP_MS = 10 * 60_000;

/** What every process has: database, queue, blobs, hints. */
export async function openServices(
  config: Config,
  url: string,
  log: Log,
  role: 'api' | 'worker',
): Promise<Services & Running & { databaseUrl: string }> {
  const db = await connectDatabase(config, url, `shingo ${role}`);
  try {
    const queue = createQueue();
    const blobs = await openBlobs(config);
    await checkBlobs(blobs, log);
    const hub = createHub(url, log);
    const endSweep = every(SWEEP_MS, 'the sweep of the blob store', log, () => blobs.sweep());
    const stop = async () => {
      await endSweep();
      await hub.close();
      await db.destroy();
    };
    return {
      ...{ config, db, databaseUrl: url, log, queue, hub, stop },
      ...{ blobs, partials: openPartials(blobs) },
      signer: createSigner(config.uploadKey ?? (await keyInFolder(config.dataDir))),
    };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** What only a person can mend is said at once; a store that is away comes back. @throws ShingoError BLOB_STORE_REFUSED */
async function checkBlobs(blobs: BlobStore, log: Log): Promise<void> {
  await blobs.check().catch((error: unknown) => {
    if (!isUnavailable(error)) throw error;
    log.warn({ reason: messageOf(error) }, 'the blob store is away');
  });
}

/** The API. Returns its address. @throws ShingoError ADDRESS_IN_USE */
export async function startApi(services: Services): Promise<{ url: string } & Running> {
  const { config, log } = services;
  const schema = await createSchema();
  const connections = new Connections();
  const app = await createHttpServer(services, schema, connections);
  await blobRoutes(app, services);
  await thumbnailRoutes(app, services);
  await artifactRoutes(app, services);
  await modelArtifactRoutes(app, services);
  await jobFileRoutes(app, services);
  await uploadRoutes(app, services);
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new ShingoError(
      'ADDRESS_IN_USE',
      `Port ${config.port} of ${config.host} is taken; set SHINGO_PORT.`,
    );
  }
  const sweeps = [
    startUploadSweep(services),
    startCoveragePrune(services),
    startScheduler(services),
    startNightly(services),
  ];
  const closeSockets = attachSocketServer(app.server, services, schema, connections);
  const { port } = app.server.address() as AddressInfo;
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
  log.info({ url }, 'API is up');
  return {
    url,
    stop: async () => {
      await Promise.all(sweeps.map((stop) => stop()));
      await closeSockets();
      // A client that neither sends nor goes away must not hold up the stop.
      const patience = setTimeout(() => app.server.closeAllConnections(), config.drainSeconds * 1000);
      await app.close().finally(() => clearTimeout(patience));
    },
  };
}

/** How long a job waits for a blob store that is away before it fails. */
const WORKER_PATIENCE_MS = 10 * 60_000;

/** The worker, which looks after schedules and nightly work as well. */
export function startWorker(services: Parameters<typeof runWorker>[0], options: WorkerOptions): Running {
  const blobs = services.blobs.patient(WORKER_PATIENCE_MS);
  const worker = runWorker({ ...services, blobs }, options);
  const looks = [startScheduler(services), startNightly(services)];
  return {
    stop: async () => {
      blobs.hurry();
      await Promise.all([...looks.map((stop) => stop()), worker.stop()]);
    },
  };
}
