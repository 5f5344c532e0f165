/** What users start as jobs, as users do: imports, enrichment and duplicate search over GraphQL and the command line. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { ShingoClient } from '../../../src/client/api.js';
import { runImport } from '../../../src/client/import/command.js';
import { runTask } from '../../../src/client/tasks.js';
import { sha256, startTestService, type TestService } from '../../support/service.js';

let service: TestService;
let client: ShingoClient;
let folder: string;
let said: string[];
beforeAll(async () => {
  service = await startTestService({ worker: true });
  client = new ShingoClient({ url: service.url });
  folder = await mkdtemp(join(tmpdir(), 'shingo-tasks-'));
});
afterAll(async () => {
  await client.close();
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  said = [];
  const note = (line: unknown) => void said.push(String(line));
  import.meta.jest.spyOn(console, 'log').mockImplementation(note);
  import.meta.jest.spyOn(console, 'error').mockImplementation(note);
});
afterEach(() => import.meta.jest.restoreAllMocks());

const light = (trafficLightColor: string) => ({
  category: 'traffic light',
  attributes: { trafficLightColor },
  box2d: { x1: 10, y1: 10, x2: 19, y2: 29 },
});
const labels = (count: number, change: object = {}) =>
  JSON.stringify(
    Array.from({ length: count }, (_, n) => ({
      name: `${n}.png`,
      attributes: { weather: 'rainy', timeofday: 'night' },
      labels: [light(n % 2 ? 'red' : 'green')],
      ...change,
    })),
  );

async function labelFile(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}
const picture = (n: number) =>
  sharp(Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * (n + 3) * 17) % 253)), {
    raw: { width: 64, height: 64, channels: 3 },
  })
    .png()
    .toBuffer();

const images = async (project: string, where = '{}') =>
  (
    await service.ok(
      `query ($id: ID!) { images(projectId: $id, where: ${where}) { totalCount nodes { fileName sha256 objects { trafficLights source } } } }`,
      { id: project },
    )
  ).images;

test('labels come in without pictures, again they change nothing, and pictures complete them', async () => {
  const file = await labelFile('first.json', labels(5));
  const run = () => runImport(file, { url: service.url, project: 'first', labelsOnly: true });
  expect(await run()).toBe(0);
  expect(await run()).toBe(0);
  expect(said).toEqual([
    'project first: 5 images created, 5 boxes',
    'project first: nothing new: all 5 images were there already',
  ]);
  expect(await images('first')).toMatchObject({ totalCount: 5 });
  expect(await images('first', '{ condition: "night", sha256: { isNull: true } }')).toMatchObject({
    totalCount: 5,
  });
  const bytes = await picture(0);
  await service.put(bytes, sha256(bytes), 'image/png');
  const { registerImages } = await service.ok(
    'mutation ($rows: [RegisterImageRow!]!) { registerImages(input: { projectId: "first", rows: $rows }) { created filled existing userErrors { message } } }',
    { rows: [{ sha256: sha256(bytes), fileName: '0.png' }] },
  );
  expect(registerImages).toMatchObject({ created: 0, filled: 1, existing: 0 });
  const { nodes } = await images('first', '{ fileName: { eq: "0.png" } }');
  expect(nodes).toEqual([
    { fileName: '0.png', sha256: sha256(bytes), objects: { trafficLights: 1, source: 'LABEL' } },
  ]);
});

test('a folder of labels, packed on the way, comes in as an archive does', async () => {
  const set = join(folder, 'set');
  await mkdir(set);
  await writeFile(join(set, 'train.json'), labels(3));
  await writeFile(join(set, 'val.json'), JSON.stringify([{ name: 'v.png', labels: [] }]));
  expect(await runImport(set, { url: service.url, project: 'set', labelsOnly: true })).toBe(0);
  expect(said).toEqual(['project set: 4 images created, 3 boxes']);
});

test('an unknown value is refused by file and record and leaves nothing; leniently it is kept aside', async () => {
  const file = await labelFile('hail.json', labels(3, { attributes: { weather: 'hail' } }));
  const options = { url: service.url, project: 'hail', labelsOnly: true };
  expect(await runImport(file, options)).toBe(1);
  expect(said[0]).toMatch(
    /^import failed: LABELS_UNKNOWN_VALUE: hail\.json:\[0\].*weather "hail" is not known/,
  );
  expect(await images('hail')).toMatchObject({ totalCount: 0 });
  said.length = 0;
  expect(await runImport(file, { ...options, lenient: true })).toBe(0);
  expect(said).toEqual([
    expect.stringMatching(/^note: kept aside: .*weather "hail", 3 times, first at hail\.json:\[0\]/),
    'project hail: 3 images created, 3 boxes',
  ]);
});

test('a lost picture, a wrong upload, a wrong zone and a foreign key are refused before anything starts', async () => {
  await service.ok('mutation { createProject(input: { name: "strict" }) { userErrors { code } } }');
  const start = async (input: object) =>
    (
      await service.ask(
        'mutation ($input: StartImportInput!) { startImport(input: $input) { job { id } userErrors { code field } } }',
        { input: { projectId: 'strict', idempotencyKey: 'k', ...input } },
      )
    ).data.startImport.userErrors;
  const { createUpload } = await service.ok(
    'mutation ($sha256: String!) { createUpload(input: { projectId: "strict", fileName: "a.json", mediaType: "application/json", bytes: 2, sha256: $sha256 }) { upload { id } userErrors { code } } }',
    { sha256: sha256(Buffer.from('[]')) },
  );
  const uploadId = createUpload.upload.id;
  expect(await start({ uploadId })).toEqual([{ code: 'UPLOAD_INCOMPLETE', field: ['uploadId'] }]);
  expect(await start({ uploadId, timeZone: 'Mars/Olympus' })).toEqual([
    { code: 'BAD_USER_INPUT', field: ['timeZone'] },
  ]);
});

test('enrichment works out what is missing, says how much, and does nothing twice', async () => {
  await service.ok('mutation { createProject(input: { name: "rich" }) { userErrors { code } } }');
  const rows = [];
  for (let n = 0; n < 6; n++) {
    const bytes = await picture(n);
    await service.put(bytes, sha256(bytes), 'image/png');
    const time = n < 4 ? { recordedAt: '2024-06-21T12:00:00Z', latitude: 35.6, longitude: 139.7 } : {};
    rows.push({ sha256: sha256(bytes), fileName: `${n}.png`, ...time });
  }
  await service.ok(
    'mutation ($rows: [RegisterImageRow!]!) { registerImages(input: { projectId: "rich", rows: $rows }) { created userErrors { message } } }',
    { rows },
  );
  await service.db.query('UPDATE image SET sun_altitude = NULL, darkness_sensor = NULL, brightness = NULL');
  const enrich = async (kind: string, input: object = {}) =>
    (
      await runTask<Record<string, unknown>>(client, {
        ...{ projectId: 'rich', start: 'startEnrichment' },
        input: { projectId: 'rich', kind, ...input },
        report: {
          type: 'EnrichmentReport',
          fields: 'kind images changed unchanged skipped { reason count } objects { category count }',
        },
      })
    ).report;
  expect(await enrich('SUN_ALTITUDE')).toEqual({
    ...{ kind: 'SUN_ALTITUDE', images: 6, changed: 4, unchanged: 0, objects: [] },
    skipped: [{ reason: expect.stringMatching(/NO_TIME|NO_POSITION/), count: 2 }],
  });
  expect(await enrich('SUN_ALTITUDE')).toMatchObject({ changed: 0, unchanged: 4 });
  expect(await enrich('DARKNESS')).toMatchObject({ images: 6, changed: 6 });
  expect(await enrich('DARKNESS')).toMatchObject({ images: 6, changed: 0, unchanged: 6 });
  expect(await enrich('PERCEPTUAL_HASH', { where: { fileName: { eq: '0.png' } } })).toMatchObject({
    images: 1,
  });
  // Noise shows nothing: what matters here is that the detector runs, and that a model has looked.
  expect(await enrich('OBJECTS', { where: { fileName: { eq: '0.png' } }, tiles: false })).toMatchObject({
    images: 1,
  });
});

test('duplicates of a project are found as a job, with a table of pairs', async () => {
  await service.ok('mutation { createProject(input: { name: "twice" }) { userErrors { code } } }');
  const rows = [];
  for (const quality of [90, 91, 92]) {
    const gradient = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (Math.floor(i / 3) % 64) * 4));
    const bytes = await sharp(gradient, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg({ quality })
      .toBuffer();
    await service.put(bytes, sha256(bytes), 'image/jpeg');
    rows.push({ sha256: sha256(bytes), fileName: `${quality}.jpg` });
  }
  await service.ok(
    'mutation ($rows: [RegisterImageRow!]!) { registerImages(input: { projectId: "twice", rows: $rows }) { created userErrors { message } } }',
    { rows },
  );
  const { report, files } = await runTask<Record<string, unknown>>(client, {
    ...{ projectId: 'twice', start: 'startDuplicateSearch', input: { projectId: 'twice', distance: 4 } },
    report: {
      type: 'DuplicatesReport',
      fields:
        'images groups largestGroup truncated examples { images members { distanceToFirst image { fileName } } }',
    },
  });
  expect(report).toMatchObject({
    ...{ images: 3, groups: 1, largestGroup: 3, truncated: false },
    examples: [{ images: 3, members: [{ image: { fileName: '90.jpg' } }, {}, {}] }],
  });
  const table = await (await fetch(`${service.url}${files[0]!.url}`)).text();
  expect(table.split('\r\n')[0]).toBe('image_id,file_name,other_image_id,other_file_name,distance');
});

test('progress of an import is seen by who subscribes, with phase, count and total', async () => {
  const file = await labelFile('many.json', labels(4000));
  const seen: string[] = [];
  const watching = new AbortController();
  await service.ok('mutation { createProject(input: { name: "many" }) { userErrors { code } } }');
  const watch = (async () => {
    const query = 'subscription { jobs(projectId: "many") { kind state progress { phase done total } } }';
    for await (const { jobs } of client.subscribe<{
      jobs: { state: string; progress: { phase: string } | null };
    }>(query, {}, watching.signal)) {
      if (jobs.progress) seen.push(jobs.progress.phase);
      if (jobs.state === 'SUCCEEDED') return;
    }
  })();
  expect(await runImport(file, { url: service.url, project: 'many', labelsOnly: true })).toBe(0);
  await watch;
  watching.abort();
  expect(new Set(seen)).toContain('IMPORTING');
});
