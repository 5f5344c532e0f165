import type { DataSource } from 'typeorm';

/** How many statements the work sends, but for those of the columns of coverage, which has a connection of its own. */
export async function statementsOf(db: DataSource, work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- applied to its own object below
  const original = db.query;
  db.query = function (this: DataSource, ...args: Parameters<DataSource['query']>) {
    count += 1;
    return original.apply(this, args);
  } as typeof original;
  try {
    await work();
  } finally {
    db.query = original;
  }
  return count;
}
