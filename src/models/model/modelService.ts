import type { DataSource, EntityManager } from 'typeorm';
import { findReference, referenceUuid, type Referable } from '../../graphql/reference.js';

export const MODEL: Referable = {
  type: 'Model',
  noun: 'model',
  forms: '"project name/model name"',
  sql: `/* model.resolve */ SELECT id AS uuid, project_id AS "projectUuid" FROM model WHERE id = $1
    UNION ALL SELECT m.id, m.project_id FROM unnest($2::text[], $3::text[]) AS named(project, model)
      JOIN project p ON p.name = named.project JOIN model m ON m.project_id = p.id AND m.name = named.model`,
};

/** @throws ShingoError NOT_FOUND, INVALID_ID */
export const findModelReference = (
  db: DataSource | EntityManager,
  idOrReference: string,
  field: string[],
): Promise<{ uuid: string; projectUuid: string }> => findReference(db, MODEL, idOrReference, field);

/** Of what may not be there, if it is an id. @throws ShingoError NOT_FOUND, INVALID_ID */
export const modelUuid = (
  db: DataSource | EntityManager,
  idOrReference: string,
  field?: string[],
): Promise<string> => referenceUuid(db, MODEL, idOrReference, field);
