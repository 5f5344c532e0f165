/** Near-duplicates among all images of a project: the same as all pairs compared one by one. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { findDuplicates, type DuplicatesQuestion } from '../../../src/datasets/duplicates/findDuplicates.js';
import { uuidOf } from '../../../src/graphql/node.js';
import type { TaskContext } from '../../../src/platform/task.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { codeOf, newImages, newProject } from '../graphql/support/world.js';

let database: TestDatabase;
let db: DataSource;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'shingo-test-'))));
afterEach(() => rm(folder, { recursive: true }));
afterAll(() => database.stop());

const taskOf = (rest: Partial<TaskContext> = {}): TaskContext => ({
  db,
  blobs: null as never,
  log: pino({ level: 'silent' }),
  folder,
  signal: new AbortController().signal,
  checkpoint: null,
  progress: () => undefined,
  transaction: () => Promise.reject(new Error('Nothing is written.')),
  ...rest,
});

let made = 0;
/** Images with these hashes; null: without. */
async function imagesWith(hashes: (bigint | null)[], fileName = (n: number) => `${n}.jpg`) {
  const project = await newProject(db);
  const prefix = `duplicates ${++made}`;
  const rows = hashes.map((_, n) => ({ label: `${prefix} ${n}`, fileName: fileName(n) }));
  const uuids = await newImages(db, project, rows);
  await db.query(
    `UPDATE picture p SET perceptual_hash = h.hash FROM unnest($1::uuid[], $2::bigint[]) AS h(id, hash)
     JOIN image i ON i.id = h.id WHERE p.sha256 = i.sha256`,
    [uuids, hashes.map((hash) => hash && String(BigInt.asIntN(64, hash)))],
  );
  return { project: project.uuid, uuids };
}

interface PairRow {
  image_id: string;
  file_name: string;
  other_image_id: string;
  other_file_name: string;
  distance: string;
}

async function find(question: DuplicatesQuestion, task = taskOf()) {
  await rm(join(folder, 'pairs.csv'), { force: true });
  const { report, files } = await findDuplicates(task, question);
  expect(files).toEqual([{ name: 'pairs.csv', mediaType: 'text/csv', path: join(folder, 'pairs.csv') }]);
  const rows: PairRow[] = parse(await readFile(files[0]!.path, 'utf8'), { columns: true });
  return { report, rows };
}

const bitsApart = (a: bigint, b: bigint) =>
  BigInt.asUintN(64, a ^ b)
    .toString(2)
    .replaceAll('0', '').length;

/** By hand: all pairs; of equal hashes the first by id stands for all. */
function slow(hashes: (bigint | null)[], uuids: string[], distance: number) {
  const images = uuids
    .flatMap((uuid, n) => (hashes[n] === null ? [] : [{ uuid, hash: hashes[n]! }]))
    .sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
  const firstOf = new Map<bigint, string>();
  for (const { uuid, hash } of images) if (!firstOf.has(hash)) firstOf.set(hash, uuid);
  const pairs: string[] = [];
  const linked = new Map(images.map(({ uuid }) => [uuid, new Set([uuid])]));
  images.forEach((x, n) => {
    for (const y of images.slice(n + 1)) {
      const apart = bitsApart(x.hash, y.hash);
      if (apart > distance) continue;
      const wanted =
        apart === 0
          ? firstOf.get(x.hash) === x.uuid
          : firstOf.get(x.hash) === x.uuid && firstOf.get(y.hash) === y.uuid;
      if (wanted) pairs.push([...[x.uuid, y.uuid].sort(), apart].join(' '));
      const both = new Set([...linked.get(x.uuid)!, ...linked.get(y.uuid)!]);
      for (const uuid of both) linked.set(uuid, both);
    }
  });
  const groups = [...new Set(linked.values())].map((group) => group.size).filter((size) => size > 1);
  return { pairs: pairs.sort(), groups: groups.sort((a, b) => b - a) };
}

test('pairs and groups are those of a comparison of all with all', async () => {
  const hash = fc.oneof(
    fc
      .array(fc.nat(63), { maxLength: 6 })
      .map((bits) => bits.reduce((value, bit) => value ^ (1n << BigInt(bit)), 0xf0e1d2c3b4a59687n)),
    fc.constant(0n),
    fc.constant(null),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(hash, { minLength: 1, maxLength: 25 }),
      fc.integer({ min: 0, max: 7 }),
      async (hashes, distance) => {
        const { project, uuids } = await imagesWith(hashes);
        const { report, rows } = await find({ projectUuid: project, distance });
        const expected = slow(hashes, uuids, distance);
        const found = rows.map((row) =>
          [...[row.image_id, row.other_image_id].map((id) => uuidOf('Image', id)).sort(), row.distance].join(
            ' ',
          ),
        );
        expect(found.sort()).toEqual(expected.pairs);
        const distances = rows.map((row) => Number(row.distance));
        expect(distances).toEqual(distances.toSorted((a, b) => a - b));
        for (const row of rows)
          expect(row.file_name).toBe(`${uuids.indexOf(uuidOf('Image', row.image_id))}.jpg`);
        expect(report).toMatchObject({
          images: hashes.length,
          withoutHash: hashes.filter((one) => one === null).length,
          distance,
          pairs: expected.pairs.length,
          groups: expected.groups.length,
          grouped: expected.groups.reduce((sum, size) => sum + size, 0),
          largestGroup: expected.groups[0] ?? 0,
          truncated: false,
        });
        expect(report.examples.map(({ images }) => images)).toEqual(expected.groups.slice(0, 20));
        for (const { images, members } of report.examples) {
          expect(members).toHaveLength(Math.min(10, images));
          const of = (id: string) => hashes[uuids.indexOf(uuidOf('Image', id))]!;
          for (const { imageId, distanceToFirst } of members)
            expect(distanceToFirst).toBe(bitsApart(of(members[0]!.imageId), of(imageId)));
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('k equal hashes are k - 1 pairs, and no more are written than asked for, with the true number beside', async () => {
  const { project } = await imagesWith(Array.from({ length: 40 }, () => 7n));
  expect((await find({ projectUuid: project })).report).toMatchObject({
    pairs: 39,
    groups: 1,
    largestGroup: 40,
  });
  const { report, rows } = await find({ projectUuid: project, maxPairs: 5 });
  expect(rows).toHaveLength(5);
  expect(report).toMatchObject({ pairs: 39, largestGroup: 40, truncated: true });
});

test('a filter chooses what is compared, and no other project is', async () => {
  await imagesWith([1n, 1n]);
  const { project } = await imagesWith([1n, 1n, 1n, 2n ** 63n + 1n], (n) =>
    n === 0 ? 'left.jpg' : `${n}.jpg`,
  );
  const where = { not: { fileName: { eq: 'left.jpg' } } };
  expect((await find({ projectUuid: project, where })).report).toMatchObject({
    images: 3,
    pairs: 2,
    groups: 1,
  });
});

test('file names are quoted as CSV has it', async () => {
  const names = ['a,"b".jpg', 'two\nlines.jpg'];
  const { project } = await imagesWith([5n, 5n], (n) => names[n]!);
  const { rows } = await find({ projectUuid: project });
  expect([rows[0]!.file_name, rows[0]!.other_file_name].sort()).toEqual(names);
});

test('progress names its phases, and cancelling ends it without a transaction left open', async () => {
  const { project } = await imagesWith([5n, 5n, 6n]);
  const phases = new Set<string>();
  await find({ projectUuid: project }, taskOf({ progress: (phase) => void phases.add(phase) }));
  expect([...phases]).toEqual(['READING', 'COMPARING', 'WRITING']);
  for (const at of phases) {
    const abort = new AbortController();
    const progress = (phase: string) => phase === at && abort.abort();
    await expect(find({ projectUuid: project }, taskOf({ signal: abort.signal, progress }))).rejects.toThrow(
      'aborted',
    );
  }
  const open = await db.query(
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
  );
  expect(open).toEqual([]);
});

test('what is out of range is refused', async () => {
  for (const wrong of [
    { distance: 8 },
    { distance: -1 },
    { distance: 1.5 },
    { maxPairs: 0 },
    { maxPairs: 1e7 },
  ])
    expect(await codeOf(findDuplicates(taskOf(), { projectUuid: database.url, ...wrong }))).toBe(
      'BAD_USER_INPUT',
    );
});
