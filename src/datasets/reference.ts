import type { DataSource, EntityManager } from 'typeorm';
import { referenceUuid, type Referable } from '../graphql/reference.js';

type Db = DataSource | EntityManager;

const DATASET: Referable = {
  type: 'Dataset',
  noun: 'data set',
  forms: '"project name/data set name"',
  sql: `/* dataset.resolve */ SELECT id AS uuid FROM dataset WHERE id = $1
    UNION ALL SELECT d.id FROM unnest($2::text[], $3::text[]) AS named(project, dataset)
      JOIN project p ON p.name = named.project JOIN dataset d ON d.project_id = p.id AND d.name = named.dataset`,
};

const DATASET_VERSION: Referable = {
  type: 'DatasetVersion',
  noun: 'data set version',
  forms: '"project name/data set name@number" or "…@newest"',
  versions: true,
  sql: `/* datasetVersion.resolve */ SELECT id AS uuid FROM dataset_version WHERE id = $1
    UNION ALL SELECT v.id FROM unnest($2::text[], $3::text[]) AS named(project, dataset)
      JOIN project p ON p.name = named.project
      JOIN dataset d ON d.project_id = p.id AND d.name = named.dataset
      CROSS JOIN LATERAL (SELECT id FROM dataset_version
        WHERE dataset_id = d.id AND (version = $5 OR $4 = 'newest') ORDER BY version DESC LIMIT 1) v`,
};

/** Of what may not be there, if it is an id. @throws ShingoError NOT_FOUND, INVALID_ID */
export const datasetUuid = (db: Db, idOrReference: string, field?: string[]): Promise<string> =>
  referenceUuid(db, DATASET, idOrReference, field);

/** Of what may not be there, if it is an id. @throws ShingoError NOT_FOUND, INVALID_ID */
export const datasetVersionUuid = (db: Db, idOrReference: string, field?: string[]): Promise<string> =>
  referenceUuid(db, DATASET_VERSION, idOrReference, field);
