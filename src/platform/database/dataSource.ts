import pg from 'pg';
import { DataSource, MigrationExecutor, type DataSourceOptions } from 'typeorm';
import { ShingoError, messageOf } from '../error.js';
import { Connection, KEEP_ALIVE, SERVER_KEEP_ALIVE, connectionOf } from './connection.js';

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
  /** What a statement may take; 0: as long as it takes. */
  statementMs?: number;
}

/** No statement of the API needs 30 s; one that does is a fault that must not hold a connection for ever. */
const STATEMENT_MS = 30_000;
/**
 * A transaction whose client says nothing for so long is ended, and what it holds is free: less than a worker has to be
 * silent for before its job is another's.
 */
const IDLE_IN_TRANSACTION_MS = 10_000;

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
      ...{ Client: Connection, ...KEEP_ALIVE },
      statement_timeout: options.statementMs ?? STATEMENT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      connectionTimeoutMillis: 10_000,
      // Compiling a statement takes longer than any list of ours; the embedded server cannot, others do by default.
      options: `-c timezone=UTC -c jit=off ${SERVER_KEEP_ALIVE}`,
    },
    applicationName: options.applicationName,
  });
  try {
    return await dataSource.initialize();
  } catch (error) {
    throw new ShingoError('DATABASE_UNAVAILABLE', `PostgreSQL cannot be reached: ${messageOf(error)}`, 503);
  }
}

/** Of a connection that migrates: its process is busy between two statements, and no longer there after a minute. */
const MIGRATOR_IDLE_MS = 60_000;

/**
 * Brings the database to the newest migration, each in a transaction of its own. Returns the names of those run.
 * @param dataSource whose statements may take as long as they take: an index of a million rows has no 30 s
 * @param onWait another process migrates
 */
export async function migrate(dataSource: DataSource, onWait?: () => void): Promise<string[]> {
  return alone(dataSource, onWait, async (executor) =>
    (await executor.executePendingMigrations()).map(({ name }) => name),
  );
}

/** Takes back the newest migration. */
export async function migrateDown(dataSource: DataSource, onWait?: () => void): Promise<void> {
  await alone(dataSource, onWait, (executor) => executor.undoLastMigration());
}

/**
 * The lock is the very connection's that migrates: neither outlives the other, so that a process that has lost its
 * database on the way has lost both, and whoever waits finds a migration done or undone.
 */
async function alone<T>(
  dataSource: DataSource,
  onWait: (() => void) | undefined,
  work: (executor: MigrationExecutor) => Promise<T>,
): Promise<T> {
  const runner = dataSource.createQueryRunner();
  const connection = await connectionOf(runner);
  try {
    await runner.query(
      `/* platform.migrator */ SELECT set_config('idle_session_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $1, false)`,
      [String(MIGRATOR_IDLE_MS)],
    );
    const [{ free }] = await runner.query(
      '/* platform.migrationFree */ SELECT pg_try_advisory_lock($1) AS free',
      [MIGRATION_LOCK],
    );
    if (!free) {
      onWait?.();
      await runner.query('/* platform.migrationLock */ SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    }
    const executor = new MigrationExecutor(dataSource, runner);
    executor.transaction = 'each';
    return await work(executor);
  } finally {
    // With the connection, the lock goes and what was set on it.
    await connection.end().catch(() => undefined);
    await runner.release();
  }
}
