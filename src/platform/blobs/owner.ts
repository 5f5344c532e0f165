/**
 * Whose the store is. What the rows of a database do not name is garbage for it; in a store that two databases share, it
 * would be what the other keeps. So a store has one owner, written into it, and only the owner removes anything.
 */
import type { DataSource } from 'typeorm';
import type { BlobStore } from '../blobs.js';
import { ShingoError } from '../error.js';

interface Stores {
  db: DataSource;
  blobs: Pick<BlobStore, 'owner'>;
}

/**
 * Of this database in this cluster: a copy of it, restored elsewhere, is another, and knows nothing of what the first
 * one stores from then on. https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CONTROLDATA
 */
async function identify(db: DataSource): Promise<string> {
  const [row]: [{ id: string }] = await db.query(
    `/* store.database */ SELECT system_identifier || '/' || d.oid AS id FROM pg_control_system(), pg_database d
     WHERE d.datname = current_database()`,
  );
  return row.id;
}

/** The store is this database's, if it was nobody's. @throws ShingoError STORE_OF_ANOTHER_DATABASE, BLOB_STORE_UNAVAILABLE */
export async function claimStore({ db, blobs }: Stores): Promise<void> {
  const database = await identify(db);
  const owner = await blobs.owner(database);
  if (owner === database) return;
  throw new ShingoError(
    'STORE_OF_ANOTHER_DATABASE',
    `The blob store belongs to the database ${owner}, and this is ${database}: nothing is removed from it. If the other one is gone for good, say startOrphanCollection(input: {takeStore: true}); else give each a store of its own.`,
    409,
  );
}

/** The store is this database's, whosever it was. @throws ShingoError BLOB_STORE_UNAVAILABLE */
export async function takeStore({ db, blobs }: Stores): Promise<void> {
  await blobs.owner(await identify(db), true);
}
