/** A store that two databases share by mistake: only its owner removes anything from it. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { sweepUploads } from '../../../src/catalog/upload/sweep.js';
import type { BlobStore } from '../../../src/platform/blobs.js';
import { FolderBlobs } from '../../../src/platform/blobs/folder.js';
import { openBlobs } from '../../../src/platform/blobs/open.js';
import { claimStore } from '../../../src/platform/blobs/owner.js';
import { openPartials } from '../../../src/platform/openPartials.js';
import { collectOrphans, type OrphansQuestion } from '../../../src/retention/collectOrphans.js';
import { purge } from '../../../src/retention/purge.js';
import { removeBlobs } from '../../../src/retention/removal.js';
import { insertProject } from '../../faults/world.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { insertDeleted } from '../../support/experiments.js';
import { describeS3, openObjectStore, type ObjectStore } from '../../support/objectStore.js';
import { plainTask } from '../../support/task.js';
import { store } from './support.js';

let first: TestDatabase;
let second: TestDatabase;
let folder: string;
beforeAll(async () => {
  [first, second] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  folder = await mkdtemp(join(tmpdir(), 'shingo-owner-'));
});
afterAll(async () => {
  await Promise.all([first.stop(), second.stop()]);
  await rm(folder, { recursive: true, force: true });
});

const OTHERS = { code: 'STORE_OF_ANOTHER_DATABASE' };

async function collect({ db }: TestDatabase, blobs: BlobStore, question: Partial<OrphansQuestion> = {}) {
  await using task = await plainTask<never>(db, { blobs });
  return collectOrphans(task, { dryRun: false, graceHours: 0, takeStore: false, ...question });
}

/** @param open another process's view of a store that is nobody's yet */
function behaviour(open: () => Promise<BlobStore>): void {
  let blobs: BlobStore;
  beforeEach(async () => {
    blobs = await open();
  });

  test('belongs to who claims it first, and the other is told what to do', async () => {
    await claimStore({ db: first.db, blobs });
    await claimStore({ db: first.db, blobs });
    await expect(claimStore({ db: second.db, blobs })).rejects.toMatchObject(OTHERS);
    await expect(claimStore({ db: second.db, blobs })).rejects.toThrow(/takeStore: true/);
  });

  test('of many who claim it at once one has it', async () => {
    const names = Array.from({ length: 20 }, () => randomUUID());
    const owners = new Set(await Promise.all(names.map((name) => blobs.owner(name))));
    expect(owners.size).toBe(1);
    expect(names).toContain([...owners][0]);
    expect(await blobs.owner('late')).toBe([...owners][0]);
  });

  test('loses no blob to the other: not by a collection, a removal or a purge', async () => {
    await claimStore({ db: first.db, blobs });
    const sha256 = await store(blobs);
    await expect(collect(second, blobs)).rejects.toMatchObject(OTHERS);
    await expect(collect(second, blobs, { dryRun: true })).rejects.toMatchObject(OTHERS);
    await expect(removeBlobs({ db: second.db, blobs }, [sha256])).rejects.toMatchObject(OTHERS);
    const project = await insertProject(second.db);
    const experiment = await insertDeleted(second.db, project, 10, { days: 90 });
    await using task = await plainTask<never>(second.db, { blobs });
    const request = { projectUuid: project, experimentUuids: null, dryRun: false };
    await expect(purge(task, request)).rejects.toMatchObject(OTHERS);
    expect(await second.db.query('SELECT id FROM experiment WHERE project_id = $1', [project])).toEqual([
      { id: experiment },
    ]);
    expect(await blobs.has(sha256)).toBe(true);
    expect(await collect(first, blobs)).toMatchObject({ removed: 1 });
    expect(await blobs.has(sha256)).toBe(false);
  });

  test('a dry run that would take it counts, and leaves it whose it is', async () => {
    await claimStore({ db: first.db, blobs });
    const sha256 = await store(blobs);
    expect(await collect(second, blobs, { dryRun: true, takeStore: true })).toMatchObject({ removed: 1 });
    expect(await blobs.has(sha256)).toBe(true);
    await claimStore({ db: first.db, blobs });
    await expect(claimStore({ db: second.db, blobs })).rejects.toMatchObject(OTHERS);
  });

  test('is the other’s once it says so, and no longer the first one’s', async () => {
    await claimStore({ db: first.db, blobs });
    await store(blobs);
    expect(await collect(second, blobs, { takeStore: true })).toMatchObject({ removed: 1 });
    await expect(collect(first, blobs)).rejects.toMatchObject(OTHERS);
    expect(await collect(second, blobs)).toMatchObject({ removed: 0 });
  });
}

describe('a folder', () => {
  behaviour(async () => new FolderBlobs(join(folder, randomUUID())));

  test('that is owned is only read: its owner makes room on a disk that is full', async () => {
    const blobs = new FolderBlobs(join(folder, 'owned'));
    await claimStore({ db: first.db, blobs });
    const before = (await stat(join(folder, 'owned'))).mtimeMs;
    await claimStore({ db: first.db, blobs });
    expect((await stat(join(folder, 'owned'))).mtimeMs).toBe(before);
  });

  test('keeps the uploads of its owner, whatever another sweeps', async () => {
    const blobs = new FolderBlobs(join(folder, randomUUID()));
    await claimStore({ db: first.db, blobs });
    const partials = openPartials(blobs);
    const piece = { offset: null, total: 9, signal: AbortSignal.timeout(10_000) };
    await partials.append(randomUUID(), Readable.from([Buffer.from('half')]), piece);
    await expect(sweepUploads({ db: second.db, blobs, partials })).rejects.toMatchObject(OTHERS);
    expect(await readdir(blobs.pieces.folder)).toHaveLength(1);
    expect(await sweepUploads({ db: first.db, blobs, partials })).toEqual({ rows: 0, files: 1 });
  });
});

describeS3('a bucket', () => {
  let bucket: ObjectStore;
  beforeAll(async () => {
    bucket = await openObjectStore();
  });
  afterAll(() => bucket.stop());
  behaviour(() => {
    const blobUrl = bucket.url.replace('?', `/${randomUUID()}?`);
    return openBlobs({ dataDir: folder, blobUrl, blobCacheBytes: 1_000_000 });
  });
});

test('a role without any rights of the server can say which database it is', async () => {
  const runner = first.db.createQueryRunner();
  await runner.connect();
  try {
    await runner.query('BEGIN; CREATE ROLE no_rights; SET LOCAL ROLE no_rights');
    const rows: { n: string }[] = await runner.query(
      'SELECT system_identifier::text AS n FROM pg_control_system()',
    );
    expect(rows[0]?.n).toMatch(/^\d+$/);
  } finally {
    await runner.query('ROLLBACK');
    await runner.release();
  }
});
