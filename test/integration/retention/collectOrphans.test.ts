/** The collection of a whole store: exactly what is old and unused goes. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { BlobStore } from '../../../src/platform/blobs.js';
import { FolderBlobs } from '../../../src/platform/blobs/folder.js';
import { openBlobs } from '../../../src/platform/blobs/open.js';
import { newId } from '../../../src/platform/ids.js';
import {
  collectOrphans,
  type OrphansCheckpoint,
  type OrphansQuestion,
} from '../../../src/retention/collectOrphans.js';
import { REFERENCES } from '../../../src/retention/references.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { describeS3, openObjectStore, type ObjectStore } from '../../support/objectStore.js';
import { plainTask, type PlainTaskOptions } from '../../support/task.js';
import { createWriters, forgetReferences, store, type Column, type Writers } from './support.js';

let database: TestDatabase;
let folder: string;
let writers: Writers;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'shingo-orphans-'));
  writers = await createWriters(database.db);
});
afterEach(() => forgetReferences(database.db));
afterAll(async () => {
  await database.stop();
  await rm(folder, { recursive: true, force: true });
});

const HOUR_MS = 3_600_000;
const NIGHT: OrphansQuestion = { dryRun: false, graceHours: 24, takeStore: false };

async function collect(
  blobs: BlobStore,
  question: OrphansQuestion,
  options: PlainTaskOptions<OrphansCheckpoint> = {},
) {
  await using task = await plainTask<OrphansCheckpoint>(database.db, { blobs, ...options });
  return collectOrphans(task, question);
}

async function age(blobs: FolderBlobs, sha256: string, hours: number): Promise<void> {
  const then = new Date(Date.now() - hours * HOUR_MS);
  await utimes(blobs.path(sha256), then, then);
}

async function everything(blobs: BlobStore): Promise<string[]> {
  return (await blobs.list(null, 10_000)).map(({ sha256 }) => sha256);
}

test('whatever there is: exactly the referenced and the young remain, and a dry run has said so', async () => {
  const columns = Object.keys(REFERENCES) as Column[];
  const blob = fc.record({
    bytes: fc.integer({ min: 0, max: 40 }),
    hours: fc.constantFrom(0, 23, 25, 1000),
    references: fc.subarray(columns),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(blob, { maxLength: 25 }), async (plan) => {
      await forgetReferences(database.db);
      const blobs = new FolderBlobs(await mkdtemp(join(folder, 'store-')));
      const stay: string[] = [];
      const go = { blobs: 0, bytes: 0 };
      for (const [index, { bytes, hours, references }] of plan.entries()) {
        const sha256 = await store(blobs, Buffer.concat([Buffer.from(`${index} `), randomBytes(bytes)]));
        await age(blobs, sha256, hours);
        for (const column of references) await writers[column](sha256);
        if (hours < 24 || references.length > 0) stay.push(sha256);
        else {
          go.blobs += 1;
          go.bytes += await blobs.size(sha256);
        }
      }
      const expected = {
        looked: plan.length,
        young: plan.filter(({ hours }) => hours < 24).length,
        ...{ removed: go.blobs, bytes: go.bytes },
      };
      expect(await collect(blobs, { ...NIGHT, dryRun: true })).toEqual({ ...expected, dryRun: true });
      expect(await everything(blobs)).toHaveLength(plan.length);
      expect(await collect(blobs, NIGHT)).toEqual({ ...expected, dryRun: false });
      expect(await everything(blobs)).toEqual(stay.sort());
    }),
    { numRuns: 25 },
  );
});

test('more than a batch: each is looked at once, also where it is cancelled in between and goes on', async () => {
  const blobs = new FolderBlobs(await mkdtemp(join(folder, 'store-')));
  const kept: string[] = [];
  for (let n = 0; n < 1200; n += 1) {
    const sha256 = await store(blobs, Buffer.from(`of many ${n}`));
    await age(blobs, sha256, 48);
    if (n % 3 === 0) kept.push(sha256);
  }
  for (const sha256 of kept) await writers['picture.sha256'](sha256);
  const cancelled = new AbortController();
  await using task = await plainTask<OrphansCheckpoint>(database.db, {
    blobs,
    signal: cancelled.signal,
    onCommit: () => cancelled.abort(),
  });
  await expect(collectOrphans(task, NIGHT)).rejects.toMatchObject({ name: 'AbortError' });
  expect(task.kept?.counts).toMatchObject({ looked: 500 });
  const progress: number[] = [];
  const report = await collect(blobs, NIGHT, {
    checkpoint: task.kept,
    onProgress: (_, done, total) => progress.push(done / (total ?? NaN)),
  });
  expect(report).toMatchObject({ looked: 1200, young: 0, removed: 800 });
  expect(await everything(blobs)).toEqual(kept.sort());
  expect(progress.every((share) => share > 0.3 && share <= 1)).toBe(true);
});

test('an empty store is looked through as well', async () => {
  const blobs = new FolderBlobs(await mkdtemp(join(folder, 'store-')));
  const nothing = { looked: 0, young: 0, removed: 0, bytes: 0, dryRun: false };
  expect(await collect(blobs, NIGHT)).toEqual(nothing);
});

describeS3('a bucket', () => {
  let bucket: ObjectStore;
  beforeAll(async () => {
    bucket = await openObjectStore();
  });
  afterAll(() => bucket.stop());

  test('is cleared of what nothing refers to; pieces of a file that arrives are no blobs', async () => {
    const blobs = await openBlobs({ dataDir: folder, blobUrl: bucket.url, blobCacheBytes: 1_000_000 });
    const kept = [await store(blobs), await store(blobs)].sort();
    const orphans = [await store(blobs), await store(blobs), await store(blobs)];
    await writers['artifact.sha256'](kept[0]!);
    await writers['job.checkpoint'](kept[1]!);
    if ('folder' in blobs.pieces) throw new Error('A bucket keeps pieces in itself.');
    await blobs.pieces.put(`${newId()}/0`, Buffer.from('half'));
    const young = { looked: 5, young: 5, removed: 0, bytes: 0, dryRun: true };
    expect(await collect(blobs, { dryRun: true, graceHours: 24, takeStore: false })).toEqual(young);
    const wanted = { looked: 5, young: 0, removed: 3, bytes: 60 };
    expect(await collect(blobs, { dryRun: true, graceHours: 0, takeStore: false })).toEqual({
      ...wanted,
      dryRun: true,
    });
    expect(await blobs.pieces.list('')).toHaveLength(1);
    expect(await collect(blobs, { dryRun: false, graceHours: 0, takeStore: false })).toEqual({
      ...wanted,
      dryRun: false,
    });
    expect(await everything(blobs)).toEqual(kept);
    // No upload speaks of it.
    expect(await blobs.pieces.list('')).toEqual([]);
    // Copies in the cache of this host do not make it say that they are there.
    for (const sha256 of orphans) expect(await blobs.has(sha256)).toBe(false);
  });
});
