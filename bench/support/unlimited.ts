/** A connection whose statements may take as long as they take: filling millions of rows has no 30 s. */
import type { DataSource, QueryRunner } from 'typeorm';
import { connectionOf } from '../../src/platform/database/connection.js';

export async function unlimited<T>(db: DataSource, work: (runner: QueryRunner) => Promise<T>): Promise<T> {
  const runner = db.createQueryRunner();
  const connection = await connectionOf(runner);
  try {
    await connection.allowSession(0);
    return await work(runner);
  } finally {
    // A connection that broke has no settings to take back, and its own error is the one to hear of.
    await connection.allowSession(null).catch(() => undefined);
    await runner.release();
  }
}
