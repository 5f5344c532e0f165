import type { DataSource } from 'typeorm';
import { LearningTask, type Split } from '../../catalog/vocabulary.js';
import { ShingoError } from '../../platform/error.js';

/** Labels may be in a version before their pictures are; nothing is learnt from those. @throws ShingoError PICTURES_MISSING */
export async function requirePictures(
  db: DataSource,
  versionUuid: string,
  splits: Split[],
  task = LearningTask.LIGHT_STATE,
): Promise<void> {
  const detection = task === LearningTask.LIGHT_DETECTION;
  const needed = detection ? "jsonb_typeof(item.annotations) = 'array'" : 'item.lights > 0';
  const rows: { n: number; example: string | null }[] = await db.query(
    `/* job.picturesMissing */ SELECT count(*)::int AS n, min(coalesce(image.file_name, item.sha256)) AS example
     FROM dataset_item item LEFT JOIN image ON image.id = item.image_id
     WHERE item.version_id = $1 AND item.split = ANY ($2) AND ${needed}
       AND NOT EXISTS (SELECT 1 FROM picture WHERE picture.sha256 = item.sha256)`,
    [versionUuid, splits],
  );
  const { n = 0, example = null } = rows[0] ?? {};
  if (n === 0) return;
  throw new ShingoError(
    'PICTURES_MISSING',
    `${n} ${n === 1 ? 'image' : 'images'} with ${detection ? 'labels' : 'lights'}, such as ${JSON.stringify(example)}, had no picture here when ` +
      `this version was made. Register the pictures under these file names, then make a new version.`,
    409,
    ['datasetVersionId'],
  );
}
