/** Data set versions of small projects with known content. */
import type { DataSource } from 'typeorm';
import type { Box } from '../../../src/catalog/annotation/annotationService.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { createDatasetVersion, type VersionRecipe } from '../../../src/datasets/createVersion.js';
import type { DatasetVersion } from '../../../src/datasets/datasetVersion.js';
import { createNamed } from '../../../src/platform/database/named.js';
import { light, newImages, type ImageRow } from '../graphql/support/world.js';

export const RECIPE: VersionRecipe = { seed: 1, train: 0.7, validation: 0.15, test: 0.15, maxLeakShare: 1 };

const COLORS = ['RED', 'GREEN', 'YELLOW'];

/** `count` images with a light each, by turns red, green and yellow. */
export const lights = (count: number, prefix: string): ImageRow[] =>
  Array.from({ length: count }, (_, n) => ({
    label: `${prefix}-${n}`,
    boxes: [light(COLORS[n % 3]) as Box & object],
  }));

export const newDataset = (db: DataSource, project: Project, name = 'set') =>
  createNamed(db, 'dataset', project.uuid, { name });

export const version = (
  db: DataSource,
  dataset: string,
  change: Partial<VersionRecipe> = {},
): Promise<DatasetVersion> => createDatasetVersion(db, dataset, { ...RECIPE, ...change });

export interface Item {
  sha256: string;
  image_id: string;
  split: string;
  weather: string | null;
  time_of_day: string | null;
  conditions: number[];
  annotations: Record<string, unknown>[] | null;
  lights: number;
}

export const itemsOf = (db: DataSource, { uuid }: DatasetVersion): Promise<Item[]> =>
  db.query('SELECT * FROM dataset_item WHERE version_id = $1 ORDER BY sha256', [uuid]);

export { newImages };
