import type { DataSource } from 'typeorm';
import type { VersionRecipe } from '../../datasets/createVersion.js';
import { DatasetVersion } from '../../datasets/datasetVersion.js';
import { columnsOf, hydrate } from '../../graphql/select.js';
import { ShingoError } from '../../platform/error.js';

export type Recipe = VersionRecipe;

/** @throws ShingoError DATASET_WITHOUT_VERSION */
export async function latestVersion(db: DataSource, datasetUuid: string): Promise<DatasetVersion> {
  const rows: Record<string, unknown>[] = await db.query(
    `/* schedule.newestVersion */ SELECT ${columnsOf(db, DatasetVersion)} FROM dataset_version t
     WHERE t.dataset_id = $1 ORDER BY t.version DESC LIMIT 1`,
    [datasetUuid],
  );
  if (rows[0]) return hydrate(db, DatasetVersion, rows[0]);
  const message = 'This data set has no version yet; make its first one, whose recipe the others then have.';
  throw new ShingoError('DATASET_WITHOUT_VERSION', message, 409, ['datasetId']);
}
