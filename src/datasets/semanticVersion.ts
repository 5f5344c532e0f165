/**
 * Croissant 1.1's rule for the versions of a data set: MAJOR when records were edited, removed or moved, or added to a
 * split that there was; MINOR when records came in a split that is new; PATCH when the records are the same and only what is
 * derived from them (weather by period, time of day, conditions) differs.
 */
import type { EntityManager } from 'typeorm';
import { differ } from './annotationContent.js';

/** @returns [major, minor, patch] of a version whose items are written, after `previous` (null: it is the first) */
export async function semanticVersion(
  manager: EntityManager,
  versionUuid: string,
  previous: { id: string; major: number; minor: number; patch: number } | null,
): Promise<[number, number, number]> {
  if (!previous) return [1, 0, 0];
  const [{ edited, added }]: [{ edited: boolean; added: boolean }] = await manager.query(
    `/* dataset.semanticVersion */ WITH before AS (SELECT * FROM dataset_item WHERE version_id = $1),
       after AS (SELECT * FROM dataset_item WHERE version_id = $2),
       compared AS (
         SELECT b.sha256 IS NULL AS is_new, b.split AS was, a.split AS split,
           ${differ('b.annotations', 'a.annotations')} AS other
         FROM before b FULL JOIN after a ON a.sha256 = b.sha256)
     SELECT coalesce(bool_or(CASE WHEN is_new THEN split IN (SELECT split FROM before)
         ELSE was IS DISTINCT FROM split OR other END), false) AS edited,
       coalesce(bool_or(is_new), false) AS added FROM compared`,
    [previous.id, versionUuid],
  );
  if (edited) return [previous.major + 1, 0, 0];
  if (added) return [previous.major, previous.minor + 1, 0];
  return [previous.major, previous.minor, previous.patch + 1];
}
