import type { DataSource, EntityManager } from 'typeorm';
import type { Split } from '../../catalog/vocabulary.js';
import { ShingoError } from '../../platform/error.js';

const EXAMPLES = 5;

/** What weights were trained by, or on. */
export type Trained = { experimentUuid: string } | { datasetVersionUuid: string };

/**
 * A figure on images that the weights were trained on says nothing of others: theirs, or those of an experiment whose
 * weights they began with. Images are the same if their bytes are.
 * @throws ShingoError TEST_IMAGES_TRAINED_ON
 */
export async function refuseTrainedOn(
  db: DataSource | EntityManager,
  trained: Trained,
  versionUuid: string,
  split: Split,
): Promise<void> {
  const [experiment, trainedOn] =
    'experimentUuid' in trained ? [trained.experimentUuid, null] : [null, trained.datasetVersionUuid];
  const rows: { n: number; examples: string[] | null }[] = await db.query(
    `/* job.trainedOn */ WITH RECURSIVE line AS (
       SELECT e.id, e.dataset_version_id, e.parent_id AS parent FROM experiment e WHERE e.id = $1
       UNION SELECT e.id, e.dataset_version_id, e.parent_id FROM experiment e JOIN line ON e.id = line.parent
     ), trained AS (
       SELECT dataset_version_id FROM line UNION SELECT $4::uuid
     ), seen AS (
       SELECT item.sha256, coalesce(image.file_name, item.sha256) AS name FROM dataset_item item
       LEFT JOIN image ON image.id = item.image_id
       WHERE item.version_id = $2 AND item.split = $3 AND EXISTS (
         SELECT 1 FROM trained JOIN dataset_item t ON t.version_id = trained.dataset_version_id
         WHERE t.sha256 = item.sha256 AND t.split = 'TRAIN')
     )
     SELECT count(*)::int AS n, (SELECT array_agg(name) FROM (SELECT name FROM seen ORDER BY name LIMIT ${EXAMPLES}) few) AS examples
     FROM seen`,
    [experiment, versionUuid, split, trainedOn],
  );
  const { n = 0, examples } = rows[0] ?? {};
  if (n === 0) return;
  const names = (examples ?? []).map((name) => JSON.stringify(name)).join(', ');
  throw new ShingoError(
    'TEST_IMAGES_TRAINED_ON',
    `${n} ${n === 1 ? 'image' : 'images'} of the ${split} split, such as ${names}, ${n === 1 ? 'was' : 'were'} in the ` +
      'training split of this model; evaluate on images that it has not seen.',
    409,
    ['split'],
  );
}
