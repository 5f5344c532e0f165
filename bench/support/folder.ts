import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * For a database that goes with its folder. Started by root, PostgreSQL runs as another user, who must come in:
 * else its files lie elsewhere, and stay (17 GB of `experiments`).
 */
export async function folderOfCluster(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
  await chmod(folder, 0o755);
  return folder;
}
