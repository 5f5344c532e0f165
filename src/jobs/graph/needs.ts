/** Which jobs a job waits for, and which wait for it; one statement for any number of jobs. */
import type { DataSource } from 'typeorm';
import type { Loaders } from '../../graphql/context.js';
import { columnsOf, hydrate } from '../../graphql/select.js';
import { Job } from '../job.js';

export type Side = 'needs' | 'neededBy';

export const neighbours = (load: Loaders, db: DataSource, side: Side, uuid: string): Promise<Job[]> =>
  load.batch(`job.${side}`, (uuids) => select(db, side, uuids)).load(uuid);

async function select(db: DataSource, side: Side, uuids: readonly string[]): Promise<Job[][]> {
  const [own, other] = side === 'needs' ? ['job_id', 'needs_id'] : ['needs_id', 'job_id'];
  const rows: ({ _of: string } & Record<string, unknown>)[] = await db.query(
    `/* job.${side} */ SELECT d.${own} AS "_of", ${columnsOf(db, Job)} FROM job_dependency d
     JOIN job t ON t.id = d.${other} WHERE d.${own} = ANY ($1) ORDER BY t.id`,
    [uuids],
  );
  const found = Map.groupBy(rows, (row) => row._of);
  return uuids.map((uuid) => (found.get(uuid) ?? []).map((row) => hydrate(db, Job, row)));
}
