import type { DataSource, EntityManager } from 'typeorm';
import { parseGlobalId, uuidOf } from '../../graphql/node.js';
import { namePairs } from '../../graphql/reference.js';
import { ShingoError } from '../../platform/error.js';

/**
 * A model is named by its global id or, as people do, by "project name/model name".
 * @throws ShingoError NOT_FOUND, INVALID_ID (the id of something else)
 */
export async function findModelReference(
  db: DataSource | EntityManager,
  idOrReference: string,
  field: string[],
): Promise<{ uuid: string; projectUuid: string }> {
  const uuid = parseGlobalId(idOrReference) ? uuidOf('Model', idOrReference) : null;
  const rows: { uuid: string; projectUuid: string }[] = await db.query(
    `/* model.resolve */ SELECT id AS uuid, project_id AS "projectUuid" FROM model WHERE id = $1
     UNION ALL SELECT m.id, m.project_id FROM unnest($2::text[], $3::text[]) AS named(project, model)
       JOIN project p ON p.name = named.project JOIN model m ON m.project_id = p.id AND m.name = named.model`,
    [uuid, ...namePairs(idOrReference)],
  );
  if (rows[0]) return rows[0];
  throw new ShingoError(
    'NOT_FOUND',
    `There is no model ${JSON.stringify(idOrReference.slice(0, 200))}; give its id or "project name/model name".`,
    404,
    field,
  );
}
