import type { EntityManager } from 'typeorm';

/** Wall-clock times as instants, by the time zones of their places; one statement. */
export async function instants(
  manager: EntityManager,
  times: { local: string; zone: string }[],
): Promise<Date[]> {
  if (times.length === 0) return [];
  const rows: { at: Date }[] = await manager.query(
    `/* image.instants */ SELECT (l AT TIME ZONE z) AS at
     FROM unnest($1::timestamp[], $2::text[]) WITH ORDINALITY AS t(l, z, n) ORDER BY n`,
    [times.map(({ local }) => local), times.map(({ zone }) => zone)],
  );
  return rows.map(({ at }) => at);
}
