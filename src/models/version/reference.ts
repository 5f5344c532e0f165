import type { DataSource, EntityManager } from 'typeorm';
import { parseGlobalId, uuidOf } from '../../graphql/node.js';
import { namePairs } from '../../graphql/reference.js';
import { ShingoError } from '../../platform/error.js';

/**
 * A model version is named by its global id or, as people do, by "project name/model name@alias" or "…@number". Names
 * may hold @: the last one counts.
 * @throws ShingoError NOT_FOUND, INVALID_ID (the id of something else)
 */
export async function modelVersionUuid(
  db: DataSource | EntityManager,
  idOrReference: string,
  field?: string[],
): Promise<string> {
  const uuid = parseGlobalId(idOrReference) ? uuidOf('ModelVersion', idOrReference) : null;
  const [, names = '', which = ''] = /^(.*)@([^@]*)$/s.exec(idOrReference.slice(0, 500)) ?? [];
  const rows: { id: string }[] = await db.query(
    `/* modelVersion.resolve */ SELECT id FROM model_version WHERE id = $1
     UNION ALL SELECT v.id FROM unnest($2::text[], $3::text[]) AS named(project, model)
       JOIN project p ON p.name = named.project
       JOIN model m ON m.project_id = p.id AND m.name = named.model
       LEFT JOIN model_alias a ON a.model_id = m.id AND a.name = $4
       JOIN model_version v ON v.model_id = m.id AND (v.id = a.version_id OR v.number = $5)`,
    [uuid, ...namePairs(names), which, /^\d{1,9}$/.test(which) ? Number(which) : null],
  );
  if (rows[0]) return rows[0].id;
  throw new ShingoError(
    'NOT_FOUND',
    `There is no model version ${JSON.stringify(idOrReference.slice(0, 200))}; give its id, "project name/model name@alias" or "…@number".`,
    404,
    field,
  );
}
