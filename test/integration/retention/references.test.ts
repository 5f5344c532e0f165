/** What keeps a blob: every column that names one, and each found by an index. */
import { REFERENCES, UNREFERENCED, unreferenced } from '../../../src/retention/references.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { createWriters, insertUpload, randomDigest, type Column, type Writers } from './support.js';

let database: TestDatabase;
let writers: Writers & { project: string };
beforeAll(async () => {
  database = await createTestDatabase();
  writers = await createWriters(database.db);
});
afterAll(() => database.stop());

/** Columns that look as if they named a blob, and do not. */
const NO_REFERENCES: Record<string, string> = {
  'image.sha256': 'of a picture, which keeps the blob',
  'dataset_item.sha256': 'of a picture',
  'evaluation_prediction.sha256': 'names an image',
  'evaluation_image.sha256': 'names an image',
  'blob_removal.sha256': 'the mark of a removal',
};

test('a column that may name a blob is a reference, or is said to be none', async () => {
  const rows: { name: string }[] = await database.db.query(
    `SELECT c.table_name || '.' || c.column_name AS name FROM information_schema.columns c
     JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type IN ('text', 'bytea', 'json', 'jsonb', 'ARRAY')
       AND c.column_name ~ 'sha256|checkpoint|input|digest|blob'`,
  );
  const named = rows.map(({ name }) => name).sort();
  expect(named).toEqual([...Object.keys(REFERENCES), ...Object.keys(NO_REFERENCES)].sort());
});

test.each(Object.keys(REFERENCES) as Column[])('a blob in %s is kept, and another is not', async (column) => {
  const [named, other] = [randomDigest(), randomDigest()];
  expect(await unreferenced(database.db, [named, other])).toHaveLength(2);
  await writers[column](named);
  expect(await unreferenced(database.db, [named, other])).toEqual([other]);
});

test('an upload keeps its blob from its completion until it expires', async () => {
  const [underWay, expired, complete] = [randomDigest(), randomDigest(), randomDigest()];
  await insertUpload(database.db, writers.project, underWay, { completed: false });
  await insertUpload(database.db, writers.project, expired, { hours: -1 });
  await insertUpload(database.db, writers.project, complete);
  const unused = await unreferenced(database.db, [underWay, expired, complete]);
  expect(unused.sort()).toEqual([underWay, expired].sort());
});

test('every reference is found by an index: no table is read from end to end', async () => {
  const plan = await database.db.transaction(async (manager) => {
    // Of tables as small as these it would be read if it may.
    await manager.query('SET LOCAL enable_seqscan = off');
    const rows: { 'QUERY PLAN': string }[] = await manager.query(`EXPLAIN ${UNREFERENCED}`, [
      [randomDigest(), randomDigest()],
    ]);
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  });
  expect(plan).not.toMatch(/Seq Scan/);
  for (const index of ['picture_pkey', 'artifact_sha256', 'upload_sha256', 'job_file_sha256'])
    expect(plan).toContain(index);
  for (const index of ['model_version_artifact', 'job_checkpoint_files', 'job_input_sha256'])
    expect(plan).toContain(index);
});
