import type { DataSource } from 'typeorm';
import type { Loaders } from '../../graphql/context.js';
import { reasonOf, type Reason } from '../../jobs/vocabulary.js';

/** Why an experiment failed or was cancelled: its last event says so, whoever trained it. */
export const endReason = (load: Loaders, db: DataSource, experimentUuid: string): Promise<Reason | null> =>
  load.batch('experiment.reason', (uuids) => selectReasons(db, uuids)).load(experimentUuid);

async function selectReasons(db: DataSource, uuids: readonly string[]): Promise<(Reason | null)[]> {
  const rows: { id: string; reason_code: string | null; message: string | null }[] = await db.query(
    `/* experiment.reason */ SELECT e.id, v.reason_code, v.message FROM experiment e
     JOIN experiment_event v ON v.experiment_id = e.id AND v.seq = e.last_seq AND v.kind = 'DONE'
     WHERE e.id = ANY ($1)`,
    [uuids],
  );
  const found = new Map(rows.map((row) => [row.id, reasonOf(row.reason_code, row.message)]));
  return uuids.map((uuid) => found.get(uuid) ?? null);
}
