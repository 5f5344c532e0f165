/** Splits by group, leaks between splits, and what changed from one version to the next. */
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import type { Project } from '../../../src/catalog/project/project.js';
import { findLeaks, type LeakOptions } from '../../../src/datasets/leaks/find.js';
import type { LeakColumns } from '../../../src/datasets/leaks/items.js';
import { metresBetween } from '../../../src/datasets/leaks/nearby.js';
import { leaksOf } from '../../../src/datasets/leaks/report.js';
import { SplitStrategy } from '../../../src/datasets/split/assign.js';
import { dealByTime, dealStratified, type Group, SPLITS } from '../../../src/datasets/split/groups.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { startTestService, type TestService } from '../../support/service.js';
import { codeOf, digestOf, newProject, type ImageRow } from '../graphql/support/world.js';
import { itemsOf, lights, newDataset, newImages, version } from './support.js';

let service: TestService;
let db: DataSource;
beforeAll(async () => {
  service = await startTestService();
  db = service.db;
});
afterAll(() => service.stop());

/** `count` images in drives of 6, an hour apart, a second between their images, all far from each other. */
const driven = (count: number): ImageRow[] =>
  lights(count, 'driven').map((row, n) => ({
    ...row,
    drive: `drive-${Math.floor(n / 6)}`,
    recordedAt: new Date(Date.UTC(2024, 0, 1, Math.floor(n / 6), 0, n % 6)),
    latitude: Math.floor(n / 6) / 10,
    longitude: 139,
  }));

async function datasetOf(rows: ImageRow[]): Promise<{ project: Project; dataset: string }> {
  const project = await newProject(db);
  await newImages(db, project, rows);
  return { project, dataset: await newDataset(db, project) };
}

const drives = (items: { drive?: string | null; split: string }[]) =>
  Map.groupBy(items, (item) => item.drive ?? null);

describe('a split by drive', () => {
  test('tears no drive, and gives every split its share of the images', async () => {
    const { dataset } = await datasetOf(driven(240));
    const made = await version(db, dataset, { strategy: SplitStrategy.BY_DRIVE, maxLeakShare: 0 });
    const items = (await itemsOf(db, made)) as never as { drive: string; split: string }[];
    for (const [drive, inDrive] of drives(items))
      expect([drive, new Set(inDrive.map(({ split }) => split)).size]).toEqual([drive, 1]);
    const share = (split: string) => items.filter((item) => item.split === split).length / 240;
    expect(share('VALIDATION')).toBeCloseTo(0.15, 1);
    expect(share('TEST')).toBeCloseTo(0.15, 1);
    const { leaks } = await leaksOf(db, made.uuid);
    expect(leaks.every(({ images }) => images === 0)).toBe(true);
    expect(leaks).toHaveLength(12);
  });

  test('by time has the oldest for training and the newest for the test', async () => {
    const { dataset } = await datasetOf(driven(120));
    const made = await version(db, dataset, { strategy: SplitStrategy.BY_TIME });
    const items = (await itemsOf(db, made)) as never as { recorded_at: Date; split: string }[];
    const times = (split: string) =>
      items.filter((item) => item.split === split).map(({ recorded_at }) => recorded_at.getTime());
    expect(Math.max(...times('TRAIN'))).toBeLessThan(Math.min(...times('VALIDATION')));
    expect(Math.max(...times('VALIDATION'))).toBeLessThan(Math.min(...times('TEST')));
    await db.query(
      'UPDATE image SET recorded_at = NULL WHERE id = (SELECT image_id FROM dataset_item WHERE version_id = $1 LIMIT 1)',
      [made.uuid],
    );
    expect(await codeOf(version(db, dataset, { strategy: SplitStrategy.BY_TIME }))).toBe(
      'SPLIT_TIME_MISSING',
    );
  });

  test('of the same recipe on the same data has the same data id', async () => {
    const { dataset } = await datasetOf(driven(60));
    const recipe = { strategy: SplitStrategy.BY_DRIVE };
    const first = await version(db, dataset, recipe);
    expect((await version(db, dataset, recipe)).uuid).toBe(first.uuid);
    const other = await datasetOf(driven(60));
    expect((await version(db, other.dataset, recipe)).dataId).toBe(first.dataId);
  });
});

describe('dealing groups', () => {
  const anyGroups = fc
    .array(
      fc.record({
        strata: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 20 }), {
          minKeys: 1,
        }),
        order: fc.string(),
        start: fc.integer({ min: 0, max: 1e12 }),
        fixed: fc.boolean(),
      }),
      { maxLength: 60 },
    )
    .map((groups): Group[] =>
      groups.map((group, n) => ({ ...group, key: String(n), strata: new Map(Object.entries(group.strata)) })),
    );

  test.each([
    ['by stratum', dealStratified],
    ['by time', dealByTime],
  ])('%s gives each group one split that has a share, and fixed ones the test', (_, deal) => {
    fc.assert(
      fc.property(
        anyGroups,
        fc.constantFrom([0.7, 0.15, 0.15], [0.8, 0.2, 0], [1, 0, 0], [0.5, 0, 0.5]),
        (groups, [TRAIN, VALIDATION, TEST]) => {
          const shares = { TRAIN: TRAIN, VALIDATION: VALIDATION, TEST: TEST };
          const dealt = deal(groups, shares);
          expect([...dealt.keys()].sort()).toEqual(groups.map(({ key }) => key).sort());
          for (const { key, fixed } of groups) {
            const split = dealt.get(key)!;
            expect(SPLITS).toContain(split);
            if (fixed) expect(split).toBe('TEST');
            else expect(shares[split]).toBeGreaterThan(0);
          }
        },
      ),
    );
  });

  test('a class that few groups have is in every split that can have it', () => {
    const group = (n: number, stratum: string): Group => ({
      key: `${stratum}${n}`,
      strata: new Map([[stratum, 10]]),
      order: String(n),
      start: null,
      fixed: false,
    });
    const groups = [
      ...Array.from({ length: 60 }, (_, n) => group(n, 'green')),
      ...Array.from({ length: 7 }, (_, n) => group(n, 'yellow')),
    ];
    const dealt = dealStratified(groups, { TRAIN: 0.7, VALIDATION: 0.15, TEST: 0.15 });
    const yellow = groups.filter(({ key }) => key.startsWith('yellow')).map(({ key }) => dealt.get(key));
    expect(new Set(yellow).size).toBe(3);
  });
});

describe('a fixed test set', () => {
  test('never shrinks: not by another filter, nor when an image leaves the catalog', async () => {
    const { project, dataset } = await datasetOf(driven(120));
    const first = await version(db, dataset, { strategy: SplitStrategy.BY_DRIVE });
    const tests = async (of: typeof first) =>
      (await itemsOf(db, of)).filter(({ split }) => split === 'TEST').map(({ sha256 }) => sha256);
    const fixed = await tests(first);
    expect(fixed.length).toBeGreaterThan(6);
    await db.query('DELETE FROM image WHERE project_id = $1 AND sha256 = $2', [project.uuid, fixed[0]]);
    await newImages(db, project, lights(60, 'later'));
    const next = await version(db, dataset, {
      strategy: SplitStrategy.BY_DRIVE,
      fixedTestFrom: first.uuid,
      where: { fileName: { contains: 'later' } },
    });
    expect(await tests(next)).toEqual(fixed);
    const splits = new Set((await itemsOf(db, next)).map(({ split }) => split));
    expect(splits).toEqual(new Set(['TRAIN', 'VALIDATION', 'TEST']));
    const random = await version(db, dataset, { fixedTestFrom: first.uuid });
    expect(await tests(random)).toEqual(fixed);
    expect(random.fixedTestUuid).toBe(first.uuid);
  });

  test('keeps an image and its labels when it was deleted and came again without them, and takes corrected ones', async () => {
    const { project, dataset } = await datasetOf(driven(60));
    const first = await version(db, dataset, { strategy: SplitStrategy.BY_DRIVE });
    const tests = async (of: typeof first) => (await itemsOf(db, of)).filter(({ split }) => split === 'TEST');
    const [again, corrected] = await tests(first);
    await db.query('DELETE FROM image WHERE id = $1', [again!.image_id]);
    const label = Array.from({ length: 60 }, (_, n) => `driven-${n}`).find(
      (one) => digestOf(one) === again!.sha256,
    )!;
    const [uuid] = await newImages(db, project, [{ label }]);
    await db.query('UPDATE annotation SET width = 77 WHERE image_id = $1', [corrected!.image_id]);
    const recipe = {
      strategy: SplitStrategy.BY_DRIVE,
      where: { annotations: { some: { width: { lt: 77 } } } },
    };
    const next = await version(db, dataset, { ...recipe, fixedTestFrom: first.uuid });
    const now = await tests(next);
    expect(now.map(({ sha256 }) => sha256)).toEqual((await tests(first)).map(({ sha256 }) => sha256));
    const of = ({ sha256 }: typeof again & object) => now.find((item) => item.sha256 === sha256)!;
    expect(of(again!)).toMatchObject({ image_id: uuid, annotations: again!.annotations, lights: 1 });
    expect(of(corrected!).annotations![0]!.width).toBe(77);
    expect(next.lightCount).toBe(60);
    // And once more, from the version that follows, when all are gone.
    await db.query(
      "DELETE FROM image WHERE project_id = $1 AND drive IN (SELECT drive FROM dataset_item WHERE version_id = $2 AND split = 'TEST')",
      [project.uuid, first.uuid],
    );
    await db.query('DELETE FROM image WHERE id = $1', [uuid]);
    const third = await version(db, dataset, { ...recipe, fixedTestFrom: next.uuid });
    expect(await tests(third)).toEqual(now.map((item) => ({ ...item, version_id: third.uuid })));
  });

  test('takes the rest of its drives with it', async () => {
    const { project, dataset } = await datasetOf(driven(60));
    const first = await version(db, dataset, { strategy: SplitStrategy.BY_DRIVE });
    const [{ drive }] = await db.query(
      "SELECT drive FROM dataset_item WHERE version_id = $1 AND split = 'TEST' LIMIT 1",
      [first.uuid],
    );
    await newImages(db, project, [{ ...lights(1, 'same drive')[0]!, drive }]);
    const next = await version(db, dataset, { strategy: SplitStrategy.BY_DRIVE, fixedTestFrom: first.uuid });
    const added = (await itemsOf(db, next)).find(({ sha256 }) => sha256 === digestOf('same drive-0'));
    expect(added?.split).toBe('TEST');
  });

  test('of another data set is NOT_FOUND', async () => {
    const [one, other] = [await datasetOf(driven(60)), await datasetOf(driven(60))];
    const first = await version(db, one.dataset, {});
    expect(await codeOf(version(db, other.dataset, { fixedTestFrom: first.uuid }))).toBe('NOT_FOUND');
  });
});

describe('leaks', () => {
  test('a random split of drives is refused with examples, unless it is allowed', async () => {
    const { dataset } = await datasetOf(driven(60));
    const create = `mutation ($input: CreateDatasetVersionInput!) { createDatasetVersion(input: $input) {
      datasetVersion { id semanticVersion strategy maxLeakShare } userErrors { code message field } } }`;
    const input = { datasetId: toGlobalId('Dataset', dataset) };
    const refused = await service.ask(create, { input });
    const [error] = refused.data.createDatasetVersion.userErrors;
    expect(error).toMatchObject({ code: 'DATASET_LEAKS', field: ['maxLeakShare'] });
    expect(error.message).toMatch(
      /SAME_DRIVE: \d+ of the images of (TEST|VALIDATION), [\d.]+ %, are known from \w+ \(for instance \w+ and \w+: drive drive-\d\)/,
    );
    expect(await db.query('SELECT 1 FROM dataset_version WHERE dataset_id = $1', [dataset])).toEqual([]);
    const allowed = await service.ok(create, { input: { ...input, maxLeakShare: 1 } });
    expect(allowed.createDatasetVersion.datasetVersion).toMatchObject({
      semanticVersion: '1.0.0',
      strategy: 'RANDOM',
      maxLeakShare: 1,
    });
    const { leakReport } = await service.ok(
      `query ($id: ID!) { leakReport(datasetVersionId: $id) { withoutHash withoutDrive leaks { kind known held images share examples { shares known { drive } held { drive } } } } }`,
      { id: allowed.createDatasetVersion.datasetVersion.id },
    );
    expect([leakReport.withoutHash, leakReport.withoutDrive]).toEqual([60, 0]);
    for (const leak of leakReport.leaks)
      for (const { known, held } of leak.examples) expect(known.drive).toBe(held.drive);
    expect(
      leakReport.leaks.find(
        (leak: { kind: string; images: number }) => leak.kind === 'SAME_PLACE_AND_TIME' && leak.images > 0,
      ),
    ).toBeDefined();
  });

  const columns = (rows: { hash?: string; lat?: number; lon?: number; time?: number }[]) => {
    const hashed = rows.flatMap((row, at) => (row.hash === undefined ? [] : [at]));
    return {
      imageUuids: rows.map((_, n) => String(n)),
      sha256: rows.map((_, n) => `${Math.random()}${n}`),
      drive: rows.map(() => null),
      latitude: Float64Array.from(rows, (row) => row.lat ?? NaN),
      longitude: Float64Array.from(rows, (row) => row.lon ?? NaN),
      time: Float64Array.from(rows, (row) => row.time ?? NaN),
      hashed: Uint32Array.from(hashed),
      hashes: {
        high: Uint32Array.from(hashed, (at) => parseInt(rows[at]!.hash!.slice(0, 8), 16)),
        low: Uint32Array.from(hashed, (at) => parseInt(rows[at]!.hash!.slice(8), 16)),
      },
    };
  };
  const imagesOf = async (kind: string, known: LeakColumns, held: LeakColumns, options: LeakOptions) =>
    (await findLeaks(known, held, options, () => undefined)).find((leak) => leak.kind === (kind as never))!
      .images;
  const OPTIONS = { nearDuplicateDistance: 4, metres: 50, minutes: 10 };

  test('of place and time are those that a comparison of all pairs finds, anywhere on earth', async () => {
    // A few places, each with its surroundings of about 100 m: the poles and the date line too.
    const spot = fc
      .constantFrom([35.68, 139.76], [89.9999, 0], [-90, 0], [0, 180], [0, -179.99999], [51.5, 0])
      .chain(([lat, lon]) =>
        fc.record({
          lat: fc
            .double({ min: -0.0008, max: 0.0008, noNaN: true })
            .map((d) => Math.max(-90, Math.min(90, lat + d))),
          lon: fc.double({ min: -0.0008, max: 0.0008, noNaN: true }).map((d) => lon + d),
          time: fc.integer({ min: 0, max: 40 }).map((minutes) => minutes * 60_000),
        }),
      );
    const spots = fc.array(spot, { maxLength: 40 });
    const limits = fc.constantFrom([50, 10], [0, 0], [1, 1000], [10_000, 3]);
    await fc.assert(
      fc.asyncProperty(spots, spots, limits, async (a, b, [metres, minutes]) => {
        const slow = b.filter((x) =>
          a.some(
            (y) =>
              Math.abs(x.time - y.time) <= minutes * 60_000 &&
              metresBetween(x.lat, x.lon, y.lat, y.lon) <= metres,
          ),
        ).length;
        const options = { ...OPTIONS, metres: metres, minutes: minutes };
        expect(await imagesOf('SAME_PLACE_AND_TIME', columns(a), columns(b), options)).toBe(slow);
      }),
      { numRuns: 300 },
    );
  });

  test('near-duplicates are those that a comparison of all pairs finds, at any distance up to 7', async () => {
    const words = fc
      .array(fc.nat(63), { maxLength: 8 })
      .map((bits) => bits.reduce((hash, bit) => hash ^ (1n << BigInt(bit)), 0x0123456789abcdefn));
    const hash = fc
      .oneof(words, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
      .map((value) => value.toString(16).padStart(16, '0'));
    const apart = (a: string, b: string) =>
      (BigInt(`0x${a}`) ^ BigInt(`0x${b}`)).toString(2).replaceAll('0', '').length;
    await fc.assert(
      fc.asyncProperty(
        fc.array(hash, { maxLength: 30 }),
        fc.array(hash, { maxLength: 30 }),
        fc.integer({ min: 0, max: 7 }),
        async (a, b, distance) => {
          const slow = b.filter((x) => a.some((y) => apart(x, y) <= distance)).length;
          const [known, held] = [
            columns(a.map((one) => ({ hash: one }))),
            columns(b.map((one) => ({ hash: one }))),
          ];
          expect(
            await imagesOf('NEAR_DUPLICATE', known, held, { ...OPTIONS, nearDuplicateDistance: distance }),
          ).toBe(slow);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('options out of range are refused', async () => {
    const { dataset } = await datasetOf(driven(60));
    const made = await version(db, dataset);
    for (const options of [{ nearDuplicateDistance: 8 }, { metres: -1 }, { minutes: NaN }])
      expect(await codeOf(leaksOf(db, made.uuid, { ...OPTIONS, ...options }))).toBe('BAD_USER_INPUT');
  });
});

describe('from one version to the next', () => {
  test('the number follows what changed, and the difference says what', async () => {
    const { project, dataset } = await datasetOf(lights(40, 'first'));
    const whole = { train: 1, validation: 0, test: 0 };
    const first = await version(db, dataset, whole);
    expect(first.semanticVersion).toBe('1.0.0');

    // Only what is derived changes: a condition is edited.
    await db.query(
      "UPDATE image SET time_of_day_sensor = 'NIGHT' WHERE project_id = $1 AND file_name LIKE '%first-1%'",
      [project.uuid],
    );
    const derived = await version(db, dataset, whole);
    expect(derived.semanticVersion).toBe('1.0.1');

    // A label is corrected, an image comes, one goes.
    const labels: { id: string }[] = await db.query(
      'SELECT a.id FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1 ORDER BY a.id',
      [project.uuid],
    );
    await db.query("UPDATE annotation SET color = 'GREEN' WHERE id = $1", [labels[0]!.id]);
    await db.query('DELETE FROM annotation WHERE id = $1', [labels[1]!.id]);
    await db.query('DELETE FROM image WHERE project_id = $1 AND sha256 = $2', [
      project.uuid,
      digestOf('first-39'),
    ]);
    await newImages(db, project, lights(2, 'second'));
    const edited = await version(db, dataset, whole);
    expect(edited.semanticVersion).toBe('2.0.0');
    const ask = `query ($a: ID!, $b: ID!) { diffDatasetVersions(a: $a, b: $b) {
      images { added removed changed moved examples { change image { fileName } } } annotations { added removed changed }
      conditions { condition before after shareBefore shareAfter } } }`;
    const { diffDatasetVersions: diff } = await service.ok(ask, {
      a: toGlobalId('DatasetVersion', derived.uuid),
      b: toGlobalId('DatasetVersion', edited.uuid),
    });
    expect(diff.images).toMatchObject({ added: 2, removed: 1, changed: 2, moved: 0 });
    expect(diff.images.examples).toHaveLength(5);
    expect(
      diff.images.examples.find(({ change }: { change: string }) => change === 'REMOVED').image,
    ).toBeNull();
    expect(diff.annotations).toEqual({ added: 2, removed: 2, changed: 1 });
    expect(diff.conditions[0]).toEqual({
      condition: null,
      before: 40,
      after: 41,
      shareBefore: 1,
      shareAfter: 1,
    });
    const night = diff.conditions.find(({ condition }: { condition: string }) => condition === 'night');
    expect([night.before, night.shareBefore]).toEqual([11, 11 / 40]);

    // Another deal moves images from split to split.
    const dealt = await version(db, dataset);
    expect(dealt.semanticVersion).toBe('3.0.0');
    const moved = await service.ok(ask, {
      a: toGlobalId('DatasetVersion', edited.uuid),
      b: toGlobalId('DatasetVersion', dealt.uuid),
    });
    const held = (await itemsOf(db, dealt)).filter(({ split }) => split !== 'TRAIN').length;
    expect(moved.diffDatasetVersions.images).toMatchObject({ added: 0, removed: 0, changed: 0, moved: held });
  });

  test('images in a split that is new are a minor change', async () => {
    const { project, dataset } = await datasetOf(driven(60));
    const whole = { train: 0.8, validation: 0.2, test: 0, strategy: SplitStrategy.BY_TIME };
    const first = await version(db, dataset, whole);
    await newImages(db, project, driven(66).slice(60));
    // The newest drive is the test, and the others stay where they were.
    const next = await version(db, dataset, { ...whole, train: 48 / 66, validation: 12 / 66, test: 6 / 66 });
    expect([first.semanticVersion, next.semanticVersion]).toEqual(['1.0.0', '1.1.0']);
  });
});
