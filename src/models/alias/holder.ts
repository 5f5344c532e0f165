import type { DataSource, EntityManager } from 'typeorm';

/** UUID of the version that holds the alias, or null. */
export async function holderOf(
  db: DataSource | EntityManager,
  modelUuid: string,
  alias: string,
): Promise<string | null> {
  const rows: { version_id: string }[] = await db.query(
    '/* alias.holder */ SELECT version_id FROM model_alias WHERE model_id = $1 AND name = $2',
    [modelUuid, alias],
  );
  return rows[0]?.version_id ?? null;
}
