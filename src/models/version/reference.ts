import type { DataSource, EntityManager } from 'typeorm';
import { findReference, type Referable } from '../../graphql/reference.js';

const MODEL_VERSION: Referable = {
  type: 'ModelVersion',
  noun: 'model version',
  forms: '"project name/model name@alias" or "…@number"',
  versions: true,
  sql: `/* modelVersion.resolve */ SELECT id AS uuid FROM model_version WHERE id = $1
    UNION ALL SELECT v.id FROM unnest($2::text[], $3::text[]) AS named(project, model)
      JOIN project p ON p.name = named.project
      JOIN model m ON m.project_id = p.id AND m.name = named.model
      LEFT JOIN model_alias a ON a.model_id = m.id AND a.name = $4
      JOIN model_version v ON v.model_id = m.id AND (v.id = a.version_id OR v.number = $5)`,
};

/** @throws ShingoError NOT_FOUND, INVALID_ID (the id of something else) */
export async function modelVersionUuid(
  db: DataSource | EntityManager,
  idOrReference: string,
  field?: string[],
): Promise<string> {
  return (await findReference(db, MODEL_VERSION, idOrReference, field)).uuid;
}
