/** Enrichment of a small real project: what changes, what is left alone, and that it goes on where it was cut off. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import { getPosition } from 'suncalc';
import type { DataSource } from 'typeorm';
import { insertAnnotations } from '../../../src/catalog/annotation/annotationService.js';
import {
  enrich,
  EnrichmentKind,
  type EnrichCheckpoint,
  type EnrichmentReport,
  type EnrichOptions,
} from '../../../src/catalog/enrichment/index.js';
import { decoders } from '../../../src/catalog/image/picture/decoder.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { registerImages } from '../../../src/catalog/image/registerImages.js';
import type { RegisterImageRow } from '../../../src/catalog/image/registerInputs.js';
import { nearDuplicates } from '../../../src/catalog/image/nearDuplicates.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import type { TaskContext } from '../../../src/platform/task.js';
import { sha256, startTestService, type TestService } from '../../support/service.js';
import { light, nameOf, newImages, newPlace, newProject, rowOf } from '../graphql/support/world.js';
import { testWithData } from '../../unit/picture/files.js';

let service: TestService;
let db: DataSource;
let folder: string;
let project: Project;
beforeAll(async () => {
  service = await startTestService();
  db = service.db;
  folder = await mkdtemp(join(tmpdir(), 'shingo-enrich-'));
});
beforeEach(async () => {
  project = await newProject(db);
});
afterAll(async () => {
  decoders.stop();
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

/** As whoever runs it keeps it: progress is heard, and what is written stands or falls with the checkpoint. */
function taskOf(
  checkpoint: EnrichCheckpoint | null = null,
  onProgress: (done: number) => void = () => undefined,
) {
  const controller = new AbortController();
  const heard: { phase: string; done: number; total: number | null }[] = [];
  const kept: { checkpoint: EnrichCheckpoint | null } = { checkpoint };
  const task: TaskContext<EnrichCheckpoint> = {
    ...{ db, folder, blobs: service.services.blobs, log: pino({ level: 'silent' }) },
    signal: controller.signal,
    checkpoint,
    progress: (phase, done, total) => {
      heard.push({ phase, done, total });
      onProgress(done);
    },
    transaction: async (work, next) => {
      const answer = await db.transaction(work);
      if (next) kept.checkpoint = JSON.parse(JSON.stringify(next));
      return answer;
    },
  };
  return { task, heard, kept, stop: () => controller.abort() };
}

const run = (kind: EnrichmentKind, options: Partial<EnrichOptions> = {}): Promise<EnrichmentReport> =>
  enrich(taskOf().task, { projectUuid: project.uuid, kind, ...options });

const { DARKNESS, SUN_ALTITUDE, PERCEPTUAL_HASH, OBJECTS } = EnrichmentKind;
let shade = 0;

/** A picture of its own, stored as uploads are. */
async function picture(bytes?: Buffer): Promise<string> {
  const background = { r: (shade += 7) % 256, g: 90, b: Math.floor(shade / 256) };
  const made =
    bytes ??
    (await sharp({ create: { width: 64, height: 48, channels: 3, background } })
      .png()
      .toBuffer());
  expect((await service.put(made)).status).toBeLessThan(300);
  return sha256(made);
}

async function register(rows: (Partial<RegisterImageRow> & { sha256: string })[]): Promise<string[]> {
  const named = rows.map((row) => ({ fileName: `${row.sha256.slice(0, 8)}.png`, ...row }));
  return (await registerImages(db, project.uuid, named)).imageUuids;
}

const pictures = async (count: number): Promise<string[]> => {
  const digests: string[] = [];
  for (let n = 0; n < count; n++) digests.push(await picture());
  return digests;
};

const rowsOf = (ids: string[]): Promise<Record<string, unknown>[]> =>
  db.query('SELECT * FROM image WHERE id = ANY($1) ORDER BY array_position($1, id)', [ids]);

async function remove(digest: string): Promise<void> {
  await rm(service.services.blobs.path(digest));
}

describe('darkness', () => {
  test('is measured anew where it differs, a crop of one light keeps no time of day, and twice changes nothing', async () => {
    const digests = await pictures(4);
    const whole = [{ ...light('RED'), wholeImage: true }];
    const ids = await register(
      digests.map((digest, n) => ({ sha256: digest, ...(n === 0 ? { boxes: whole } : {}) })),
    );
    const right = await rowsOf(ids);
    // As an older version measured them.
    await db.query(
      `UPDATE image SET darkness_sensor = 0.5, brightness = 0.1,
         time_of_day_sensor = CASE WHEN time_of_day_sensor = 'DAY' THEN 'NIGHT' WHEN time_of_day_sensor = 'NIGHT' THEN 'DAY' END
       WHERE id = ANY($1)`,
      [ids.slice(0, 2)],
    );
    await db.query('UPDATE picture SET darkness = 0 WHERE sha256 = $1', [digests[2]]);
    const { task, heard } = taskOf();
    const report = await enrich(task, { projectUuid: project.uuid, kind: DARKNESS });
    expect(report).toEqual({
      ...{ kind: DARKNESS, images: 4, changed: 3, unchanged: 1, skipped: [], failed: [], objects: [] },
    });
    expect(await rowsOf(ids)).toEqual(right);
    expect((await rowsOf(ids))[0]).toMatchObject({ time_of_day_sensor: null });
    const [{ darkness }] = await db.query('SELECT darkness FROM picture WHERE sha256 = $1', [digests[2]]);
    expect(darkness).toBe(right[2]!.darkness_sensor);
    expect(heard.map(({ done }) => done)).toEqual([0, 1, 2, 3, 4, 4]);
    expect(heard.every(({ phase, total }) => phase === 'MEASURING' && total === 4)).toBe(true);
    expect(await run(DARKNESS)).toMatchObject({ images: 4, changed: 0, unchanged: 4 });
  });

  test('what is missing or broken is skipped with its reason and named, and the rest is done', async () => {
    const digests = await pictures(3);
    const ids = await register(digests.map((digest) => ({ sha256: digest })));
    await db.query('UPDATE image SET brightness = 0 WHERE id = ANY($1)', [ids]);
    await remove(digests[0]!);
    await writeFile(service.services.blobs.path(digests[1]!), 'no picture any more');
    const report = await run(DARKNESS);
    expect(report).toMatchObject({ images: 3, changed: 1, unchanged: 0 });
    expect(report.skipped).toEqual([
      { reason: 'PICTURE_MISSING', count: 1 },
      { reason: 'PICTURE_UNSUPPORTED', count: 1 },
    ]);
    expect(report.failed.map(({ imageId, reason }) => [imageId, reason]).sort()).toEqual(
      [
        [toGlobalId('Image', ids[0]!), 'PICTURE_MISSING'],
        [toGlobalId('Image', ids[1]!), 'PICTURE_UNSUPPORTED'],
      ].sort(),
    );
  });
});

describe('the altitude of the sun', () => {
  const AT = new Date('2024-06-15T03:30:00.000Z');

  test('is that of suncalc, at the own position or the place; what changed is put right, once', async () => {
    const place = await newPlace(db, project, { latitude: 43.06, longitude: 141.35 });
    const ids = await newImages(
      db,
      project,
      [
        { label: 'own', recordedAt: AT, latitude: 35.5, longitude: 139.75, place: nameOf(place) },
        { label: 'of place', recordedAt: AT, place: nameOf(place) },
        { label: 'night', recordedAt: new Date('2024-06-15T15:00:00Z'), place: nameOf(place) },
        { label: 'no time', place: nameOf(place) },
        { label: 'no position', recordedAt: AT },
      ].map((row) => ({ ...row, label: `${project.uuid} ${row.label}` })),
    );
    const right = await rowsOf(ids);
    await db.query('UPDATE image SET sun_altitude = 1, time_of_day_derived = NULL WHERE id = ANY($1)', [
      ids.slice(0, 4),
    ]);
    const report = await run(SUN_ALTITUDE);
    expect(report).toMatchObject({
      images: 5,
      changed: 4,
      unchanged: 0,
      skipped: [{ reason: 'NO_POSITION', count: 1 }],
    });
    expect(await rowsOf(ids)).toEqual(right);
    const altitudes = (await rowsOf(ids)).map(({ sun_altitude }) => sun_altitude);
    expect(altitudes.slice(0, 2)).toEqual([
      getPosition(AT, 35.5, 139.75).altitude,
      getPosition(AT, 43.06, 141.35).altitude,
    ]);
    expect((await rowsOf(ids)).map(({ time_of_day_derived }) => time_of_day_derived)).toEqual([
      ...['DAY', 'DAY', 'NIGHT', null, null],
    ]);
    expect(await run(SUN_ALTITUDE)).toMatchObject({
      ...{ changed: 0, unchanged: 3 },
      skipped: [
        { reason: 'NO_POSITION', count: 1 },
        { reason: 'NO_TIME', count: 1 },
      ],
    });
  });

  test('a page takes no statement an image', async () => {
    const place = await newPlace(db, project, { latitude: 35, longitude: 139 });
    const ids = await newImages(
      db,
      project,
      Array.from({ length: 60 }, (_, n) => ({
        label: `${project.uuid}-${n}`,
        recordedAt: AT,
        place: nameOf(place),
      })),
    );
    await db.query('UPDATE image SET sun_altitude = NULL WHERE id = ANY($1)', [ids]);
    const { task } = taskOf();
    let statements = 0;
    const counted = {
      ...task,
      transaction: ((work, next) =>
        task.transaction(async (manager) => {
          const query = manager.query.bind(manager);
          manager.query = (...given: Parameters<typeof query>) => {
            statements++;
            return query(...given);
          };
          return work(manager);
        }, next)) as typeof task.transaction,
    };
    expect(await enrich(counted, { projectUuid: project.uuid, kind: SUN_ALTITUDE })).toMatchObject({
      changed: 60,
    });
    expect(statements).toBe(4);
  });

  test('an image that is moved between look and write is left to whoever moved it', async () => {
    const [id] = await newImages(db, project, [
      { label: `${project.uuid} moved`, recordedAt: AT, latitude: 35, longitude: 139 },
    ]);
    await db.query('UPDATE image SET sun_altitude = NULL WHERE id = $1', [id]);
    const { task } = taskOf();
    const slow = {
      ...task,
      transaction: (async (work, next) => {
        await db.query('UPDATE image SET latitude = -35, sun_altitude = 7 WHERE id = $1', [id]);
        return task.transaction(work, next);
      }) as typeof task.transaction,
    };
    expect(await enrich(slow, { projectUuid: project.uuid, kind: SUN_ALTITUDE })).toMatchObject({
      ...{ changed: 0, skipped: [{ reason: 'CHANGED_MEANWHILE', count: 1 }] },
    });
    expect(await rowOf(db, 'image', id!)).toMatchObject({ sun_altitude: 7 });
  });
});

describe('the perceptual hash', () => {
  test('is taken where it is missing, and is the one that an upload takes', async () => {
    const digests = await pictures(3);
    const [id] = await register(digests.map((digest) => ({ sha256: digest })));
    const hashes = () =>
      db.query('SELECT perceptual_hash FROM picture WHERE sha256 = ANY($1) ORDER BY sha256', [digests]);
    const right = await hashes();
    const alike = (await nearDuplicates(db, id!, 0, 10)).length;
    await db.query('UPDATE picture SET perceptual_hash = NULL WHERE sha256 = ANY($1)', [digests.slice(0, 2)]);
    await expect(nearDuplicates(db, id!, 0, 10)).rejects.toThrow(
      'startEnrichment with the kind PERCEPTUAL_HASH',
    );
    // Has its hash: its file is not even looked for.
    await remove(digests[2]!);
    expect(await run(PERCEPTUAL_HASH)).toMatchObject({ images: 3, changed: 2, unchanged: 1, skipped: [] });
    expect(await hashes()).toEqual(right);
    expect(await nearDuplicates(db, id!, 0, 10)).toHaveLength(alike);
    expect(await run(PERCEPTUAL_HASH)).toMatchObject({ changed: 0, unchanged: 3 });
  });
});

describe('objects', () => {
  const scene = (n: number) =>
    sharp({ create: { width: 80, height: 60, channels: 3, background: { r: n, g: 10, b: 200 } } })
      .png()
      .toBuffer();
  const scenes = async (count: number) => {
    const digests: string[] = [];
    for (let n = 0; n < count; n++) digests.push(await picture(await scene(n)));
    return digests;
  };
  /** Low enough that the network names something on any picture. */
  const options = { tiles: false, minScore: 0.01 };

  test('are written with source MODEL and score where no person has looked; again changes nothing', async () => {
    const digests = await scenes(4);
    const ids = await register(
      digests.map((digest, n) => ({
        sha256: digest,
        ...(n === 1 ? { boxes: [light('RED')] } : n === 2 ? { boxes: [] } : {}),
      })),
    );
    const labels = await db.query('SELECT * FROM annotation WHERE image_id = ANY($1)', [ids]);
    const report = await run(OBJECTS, options);
    expect(report).toMatchObject({
      images: 4,
      changed: 2,
      unchanged: 0,
      skipped: [{ reason: 'LABELLED', count: 2 }],
    });
    const made = await db.query("SELECT * FROM annotation WHERE image_id = ANY($1) AND source = 'MODEL'", [
      ids,
    ]);
    expect(made.length).toBeGreaterThan(0);
    expect(report.objects.reduce((sum, { count }) => sum + count, 0)).toBe(made.length);
    for (const { image_id, score, color } of made) {
      expect([ids[0], ids[3]]).toContain(image_id);
      expect(score).toBeGreaterThanOrEqual(0.01);
      expect(color).toBeNull();
    }
    expect(
      await db.query("SELECT * FROM annotation WHERE image_id = ANY($1) AND source = 'LABEL'", [ids]),
    ).toEqual(labels);
    expect((await rowsOf(ids)).map(({ counts_source }) => counts_source)).toEqual([
      'MODEL',
      'LABEL',
      'LABEL',
      'MODEL',
    ]);
    expect(await run(OBJECTS, options)).toMatchObject({ changed: 0, unchanged: 2, objects: [] });
    // Looking again finds the same; with another threshold it replaces what it found.
    expect(await run(OBJECTS, { ...options, again: true })).toMatchObject({ changed: 0, unchanged: 2 });
    expect(await run(OBJECTS, { tiles: false, minScore: 1, again: true })).toMatchObject({
      changed: 2,
      objects: [],
    });
    expect(
      await db.query("SELECT 1 FROM annotation WHERE image_id = ANY($1) AND source = 'MODEL'", [ids]),
    ).toEqual([]);
    expect(await rowOf(db, 'image', ids[0]!)).toMatchObject({
      counts_source: 'MODEL',
      cars: 0,
      traffic_lights: 0,
    });
  });

  test('an image that a person labels between look and write keeps that person’s labels only', async () => {
    const [digest] = await scenes(1);
    const [id] = await register([{ sha256: digest! }]);
    const { task } = taskOf();
    const slow = {
      ...task,
      transaction: (async (work, next) => {
        await db.transaction((manager) => insertAnnotations(manager, [{ ...light('RED'), imageUuid: id! }]));
        return task.transaction(work, next);
      }) as typeof task.transaction,
    };
    expect(await enrich(slow, { projectUuid: project.uuid, kind: OBJECTS, ...options })).toMatchObject({
      ...{ changed: 0, skipped: [{ reason: 'CHANGED_MEANWHILE', count: 1 }], objects: [] },
    });
    expect(await db.query('SELECT source FROM annotation WHERE image_id = $1', [id])).toEqual([
      { source: 'LABEL' },
    ]);
  });

  test('what is missing or broken is skipped and named; the filter chooses the images', async () => {
    const digests = await scenes(3);
    const ids = await register(digests.map((digest, n) => ({ sha256: digest, fileName: `${n}.png` })));
    await remove(digests[0]!);
    await writeFile(service.services.blobs.path(digests[1]!), 'no picture any more');
    const report = await run(OBJECTS, { ...options, where: { fileName: { in: ['0.png', '1.png'] } } });
    expect(report).toMatchObject({ images: 2, changed: 0 });
    expect(report.skipped).toEqual([
      { reason: 'PICTURE_MISSING', count: 1 },
      { reason: 'PICTURE_UNREADABLE', count: 1 },
    ]);
    expect(report.failed.map(({ fileName }) => fileName).sort()).toEqual(['0.png', '1.png']);
    expect((await rowsOf(ids)).map(({ counts_source }) => counts_source)).toEqual([null, null, null]);
  });

  test('cut off, it keeps what is done, goes on behind it, and reports the whole', async () => {
    const digests = await scenes(18);
    const ids = await register(digests.map((digest) => ({ sha256: digest })));
    const first = taskOf(null, (done) => done === 11 && first.stop());
    await expect(
      enrich(first.task, { projectUuid: project.uuid, kind: OBJECTS, ...options }),
    ).rejects.toMatchObject({
      name: 'AbortError',
    });
    const sorted = [...ids].sort();
    const done = async () =>
      (await rowsOf(ids))
        .filter(({ counts_source }) => counts_source === 'MODEL')
        .map(({ id }) => id)
        .sort();
    // One batch of eight: the second was cut off, and nothing of it is written.
    expect(await done()).toEqual(sorted.slice(0, 8));
    expect(first.kept.checkpoint).toMatchObject({
      after: sorted[7],
      total: 18,
      report: { images: 8, changed: 8 },
    });
    const second = taskOf(first.kept.checkpoint);
    const report = await enrich(second.task, { projectUuid: project.uuid, kind: OBJECTS, ...options });
    expect(second.heard[0]).toEqual({ phase: 'DETECTING', done: 8, total: 18 });
    expect(report).toMatchObject({ images: 18, changed: 18, unchanged: 0, skipped: [] });
    expect(await done()).toEqual(sorted);
  });

  testWithData('street', 'the lights of the street are counted', async (street) => {
    const digests: string[] = [];
    for (const file of ['left0183.jpg', 'left0701.jpg'])
      digests.push(await picture(await sharp(join(street, file)).jpeg({ quality: 95 }).toBuffer()));
    const ids = await register(digests.map((digest) => ({ sha256: digest })));
    expect(await run(OBJECTS)).toMatchObject({
      changed: 2,
      objects: [{ category: 'TRAFFIC_LIGHT', count: 2 }],
    });
    for (const row of await rowsOf(ids))
      expect(row).toMatchObject({ traffic_lights: 1, cars: 0, counts_source: 'MODEL' });
  });
});

test('a task that is cancelled before it began writes nothing', async () => {
  const [digest] = await pictures(1);
  const [id] = await register([{ sha256: digest! }]);
  await db.query('UPDATE image SET brightness = 0 WHERE id = $1', [id]);
  for (const kind of [DARKNESS, SUN_ALTITUDE, PERCEPTUAL_HASH]) {
    const { task, stop, kept } = taskOf();
    stop();
    await expect(enrich(task, { projectUuid: project.uuid, kind })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(kept.checkpoint).toBeNull();
  }
  expect(await rowOf(db, 'image', id!)).toMatchObject({ brightness: 0 });
});

test.each([
  [{ minScore: 1.5 }, 'BAD_USER_INPUT'],
  [{ minScore: Number.NaN }, 'BAD_USER_INPUT'],
  [{ where: { condition: 'nowhere' } }, 'CONDITION_UNKNOWN'],
  [{ where: { nothing: { eq: 1 } } }, 'FILTER_INVALID'],
])('%j is %s', async (options, code) => {
  await expect(run(DARKNESS, options)).rejects.toMatchObject({ code });
});
