import pg from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { ShingoError, messageOf } from '../error.js';

export type Entities = NonNullable<DataSourceOptions['entities']>;
export type Migrations = NonNullable<DataSourceOptions['migrations']>;

/** Two services that start together must not migrate together; the key is arbitrary and ours alone. */
const MIGRATION_LOCK = 7_446_461;

/** bigint as a number: counts, sizes and sequence numbers of ours stay far below 2^53. */
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

export interface DatabaseOptions {
  url: string;
  pool: number;
  entities: Entities;
  migrations: Migrations;
  applicationName: string;
}

/** @throws ShingoError DATABASE_UNAVAILABLE */
export async function connect(options: DatabaseOptions): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'postgres',
    url: options.url,
    entities: options.entities,
    migrations: options.migrations,
    migrationsTableName: 'migration',
    synchronize: false,
    poolSize: options.pool,
    installExtensions: false,
    extra: {
      // No statement of the API needs 30 s; one that does is a fault that must not hold a connection for ever.
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 60_000,
      connectionTimeoutMillis: 10_000,
      // Compiling a statement takes longer than any list of ours; the embedded server cannot, others do by default.
      options: '-c timezone=UTC -c jit=off',
    },
    applicationName: options.applicationName,
  });
  try {
    return await dataSource.initialize();
  } catch (error) {
    throw new ShingoError('DATABASE_UNAVAILABLE', `PostgreSQL cannot be reached: ${messageOf(error)}`, 503);
  }
}

/** Brings the database to the newest migration, each in a transaction of its own. Returns the names of those run. */
export async function migrate(dataSource: DataSource): Promise<string[]> {
  return withMigrationLock(dataSource, async () => {
    const done = await dataSource.runMigrations({ transaction: 'each' });
    return done.map((migration) => migration.name);
  });
}

/** Takes back the newest migration. */
export async function migrateDown(dataSource: DataSource): Promise<void> {
  await withMigrationLock(dataSource, () => dataSource.undoLastMigration({ transaction: 'each' }));
}

async function withMigrationLock<T>(dataSource: DataSource, work: () => Promise<T>): Promise<T> {
  const lock = dataSource.createQueryRunner();
  await lock.connect();
  try {
    await lock.query('/* platform.migrationLock */ SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await work();
  } finally {
    await lock
      .query('/* platform.migrationUnlock */ SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK])
      .catch(() => undefined);
    await lock.release();
  }
}
