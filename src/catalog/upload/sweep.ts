/** Forgets uploads whose time is over, and files that no upload speaks of. */
import type { Services } from '../../graphql/context.js';
import { claimStore } from '../../platform/blobs/owner.js';
import { every } from '../../platform/every.js';

const EVERY_MS = 10 * 60_000;
/** Rows and files looked at in one statement. */
const BATCH = 1000;

/** Returns how many rows and files went. @throws ShingoError STORE_OF_ANOTHER_DATABASE, once the rows are gone */
export async function sweepUploads({
  db,
  blobs,
  partials,
}: Pick<Services, 'db' | 'blobs' | 'partials'>): Promise<{ rows: number; files: number }> {
  const swept = { rows: 0, files: 0 };
  for (;;) {
    const [, rows]: [unknown, number] = await db.query(
      `/* upload.sweep */ DELETE FROM upload WHERE id IN
         (SELECT id FROM upload WHERE expires_at <= now() LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
    );
    swept.rows += rows;
    if (rows < BATCH) break;
  }
  await claimStore({ db, blobs });
  const names = await partials.idle();
  for (let from = 0; from < names.length; from += BATCH) {
    const batch = names.slice(from, from + BATCH);
    const rows: { id: string }[] = await db.query(
      '/* upload.files */ SELECT id FROM upload WHERE id = ANY($1) AND completed_at IS NULL',
      [batch],
    );
    const open = new Set(rows.map(({ id }) => id));
    for (const name of batch.filter((one) => !open.has(one))) {
      await partials.remove(name);
      swept.files += 1;
    }
  }
  return swept;
}

/** Now and every ten minutes. Returns how to stop. */
export const startUploadSweep = (
  services: Pick<Services, 'db' | 'blobs' | 'partials' | 'log'>,
): (() => Promise<void>) =>
  every(EVERY_MS, 'the sweep of uploads', services.log, async () => {
    const swept = await sweepUploads(services);
    if (swept.rows + swept.files > 0) services.log.info(swept, 'uploads swept');
  });
