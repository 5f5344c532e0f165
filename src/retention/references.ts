/** Everything that keeps a blob. A new column that names one must be here; references.test.ts finds those that are not. */
import type { DataSource, EntityManager } from 'typeorm';

/** By column: SQL, whether a row refers to `d.sha256`. Each is answered by an index. */
export const REFERENCES = {
  'picture.sha256': 'SELECT FROM picture r WHERE r.sha256 = d.sha256',
  'artifact.sha256': 'SELECT FROM artifact r WHERE r.sha256 = d.sha256',
  // One under way has its bytes elsewhere; one that has expired gives nothing any more.
  'upload.sha256': `SELECT FROM upload r
    WHERE r.sha256 = d.sha256 AND r.completed_at IS NOT NULL AND r.expires_at > now()`,
  'job_file.sha256': 'SELECT FROM job_file r WHERE r.sha256 = d.sha256',
  'model_version.artifact_sha256': 'SELECT FROM model_version r WHERE r.artifact_sha256 = d.sha256',
  // Of a training: {"files": {name: digest}, …}.
  'job.checkpoint': `SELECT FROM job r WHERE r.checkpoint IS NOT NULL
    AND jsonb_path_query_array(r.checkpoint, '$.files.*') ? d.sha256`,
  // Of an import, and of predictions.
  'job.input': "SELECT FROM job r WHERE r.input->>'sha256' = d.sha256",
};

/** Those of these digests that nothing refers to. Some hundreds at a time. */
export async function unreferenced(
  manager: DataSource | EntityManager,
  digests: readonly string[],
): Promise<string[]> {
  const rows: { sha256: string }[] = await manager.query(UNREFERENCED, [digests]);
  return rows.map(({ sha256 }) => sha256);
}

export const UNREFERENCED = `/* blob.unreferenced */ SELECT d.sha256 FROM unnest($1::text[]) d (sha256)
  WHERE ${Object.values(REFERENCES)
    .map((refers) => `NOT EXISTS (${refers})`)
    .join('\n AND ')}`;

/** Rows that refer to each. Some hundreds at a time. */
export async function referenceCounts(
  db: DataSource | EntityManager,
  digests: readonly string[],
): Promise<Map<string, number>> {
  const counts = Object.values(REFERENCES).map((refers) => `(SELECT count(*) FROM (${refers}) r)`);
  const rows: { sha256: string; rows: number }[] = await db.query(
    `/* blob.references */ SELECT d.sha256, (${counts.join(' + ')})::int AS rows FROM unnest($1::text[]) d (sha256)`,
    [digests],
  );
  return new Map(rows.map((row) => [row.sha256, row.rows]));
}
