/** Reads the hashes of images from the database: 32 bytes each, many in one value. */
import type { DataSource } from 'typeorm';
import { SnapshotColumns, type SnapshotClient } from '../../coverage/columns/sync.js';
import { HashColumns } from './hashColumns.js';

/** UUID, hash and number, big-endian. */
export const RECORD_BYTES = 32;
/** Images per value: 1.3 MB of base64, about 15 ms of work between two turns of the event loop. */
const CHUNK = 30_000;

/**
 * The records of the images that a condition holds of (alias t; alias p: the picture), which have a hash, in chunks; by a
 * cursor: one pass over the tables, however many there are. Within the transaction of the client.
 */
export async function* hashRecords(
  client: SnapshotClient,
  where: string,
  values: unknown[],
  orderBy = '',
): AsyncGenerator<Buffer, void> {
  // All rows are fetched: a plan for the first tenth would look each picture up by itself.
  await client.query('SET LOCAL cursor_tuple_fraction = 1');
  await client.query(
    `/* hashes.open */ DECLARE hashes NO SCROLL CURSOR FOR
       SELECT uuid_send(t.id) || int8send(p.perceptual_hash) || int8send(t.nr) AS record
       FROM image t JOIN picture p ON p.sha256 = t.sha256 WHERE p.perceptual_hash IS NOT NULL AND ${where} ${orderBy && `ORDER BY ${orderBy}`}`,
    values,
  );
  for (let full = true; full;) {
    const { rows } = await client.query<{ record: Buffer }>(`/* hashes.next */ FETCH ${CHUNK} FROM hashes`);
    yield Buffer.concat(rows.map(({ record }) => record));
    full = rows.length === CHUNK;
  }
  await client.query('/* hashes.close */ CLOSE hashes');
}

export function addRecords(columns: HashColumns, records: Buffer): void {
  for (let at = 0; at < records.length; at += RECORD_BYTES)
    columns.add(records.subarray(at, at + RECORD_BYTES));
}

/** Every image of the project, in the order of their ids where they were made in it. */
async function load(client: SnapshotClient, columns: HashColumns, projectUuid: string): Promise<void> {
  for await (const records of hashRecords(client, 't.project_id = $1', [projectUuid]))
    addRecords(columns, records);
}

async function apply(
  client: SnapshotClient,
  columns: HashColumns,
  projectUuid: string,
  touched: { id: string; nr: number }[],
): Promise<void> {
  for (let start = 0; start < touched.length; start += CHUNK) {
    const chunk = touched.slice(start, start + CHUNK);
    for (const { nr } of chunk) columns.remove(nr);
    const ids = chunk.map(({ id }) => id);
    for await (const records of hashRecords(client, 't.project_id = $1 AND t.id = ANY ($2)', [
      projectUuid,
      ids,
    ]))
      addRecords(columns, records);
  }
}

/** Images over all projects: at 72 bytes each they take as much memory as the 4 million of coverage. */
const MAX_IMAGES = 10_000_000;
const ofDatabase = new WeakMap<DataSource, SnapshotColumns<HashColumns>>();

/** One for each connection pool of the process; exactly as of a snapshot no older than the question (decision 0006). */
export function hashColumns(db: DataSource): SnapshotColumns<HashColumns> {
  let columns = ofDatabase.get(db);
  const kind = { make: () => new HashColumns(), load, apply };
  if (!columns) ofDatabase.set(db, (columns = new SnapshotColumns(db, kind, MAX_IMAGES)));
  return columns;
}
