/** A version goes out by a job and a download: over GraphQL, over HTTP with Range, and by the command line. */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { runExport } from '../../../src/client/export/command.js';
import { download } from '../../../src/client/download.js';
import { ShingoClient } from '../../../src/client/api.js';
import { runTask } from '../../../src/client/tasks.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { entries } from '../../../src/platform/archive/index.js';
import { sha256, startTestService, type TestService } from '../../support/service.js';

let service: TestService;
let client: ShingoClient;
let folder: string;
let said: string[];
beforeAll(async () => {
  service = await startTestService({ worker: true });
  client = new ShingoClient({ url: service.url });
  folder = await mkdtemp(join(tmpdir(), 'shingo-export-'));
  await fill();
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

let versionId: string;

/** Thirty pictures with a light each, and a version of them. */
async function fill(): Promise<void> {
  const rows = [];
  for (let n = 0; n < 30; n++) {
    const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * (n + 7) * 31) % 251));
    const picture = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .png()
      .toBuffer();
    expect((await service.put(picture, sha256(picture), 'image/png')).status).toBe(201);
    const box = {
      category: 'TRAFFIC_LIGHT',
      x: 1.5,
      y: 2,
      width: 10,
      height: 20,
      color: n % 2 ? 'RED' : 'GREEN',
    };
    rows.push({ sha256: sha256(picture), fileName: `cam/${n}.png`, weather: 'RAIN', boxes: [box] });
  }
  await service.ok('mutation { createProject(input: { name: "out" }) { userErrors { code message } } }');
  await service.ok(
    'mutation ($rows: [RegisterImageRow!]!) { registerImages(input: { projectId: "out", rows: $rows }) { created userErrors { code message } } }',
    { rows },
  );
  const { createDataset } = await service.ok(
    'mutation { createDataset(input: { projectId: "out", name: "lights" }) { dataset { id } userErrors { code message } } }',
  );
  const { createDatasetVersion } = await service.ok(
    'mutation ($id: ID!) { createDatasetVersion(input: { datasetId: $id, maxLeakShare: 1 }) { datasetVersion { id } userErrors { code message } } }',
    { id: createDataset.dataset.id },
  );
  versionId = createDatasetVersion.datasetVersion.id;
}

const START = `mutation ($input: StartExportInput!) { startExport(input: $input) { job { id kind state experiment { id } } userErrors { code field } } }`;
const exported = (format: string, pictures = false) =>
  runTask<{
    images: number;
    pictures: number;
    picturesMissing: number;
    dataId: string;
    datasetVersion: { id: string };
  }>(client, {
    ...{ projectId: 'out', start: 'startExport', input: { datasetVersionId: versionId, format, pictures } },
    report: { type: 'ExportReport', fields: 'images pictures picturesMissing dataId datasetVersion { id }' },
  });

async function pathsIn(file: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of entries(file)) paths.push(entry.path);
  return paths;
}

test('a job writes the version with its pictures, and its file is what the digest says', async () => {
  const { report, files } = await exported('YOLO', true);
  expect(report).toEqual({
    images: 30,
    pictures: 30,
    picturesMissing: 0,
    dataId: expect.stringMatching(/^[0-9a-f]{64}$/),
    datasetVersion: { id: versionId },
  });
  const [file] = files;
  expect(file).toMatchObject({ name: 'lights-1.0.0-yolo.zip', mediaType: 'application/zip' });
  const target = join(folder, 'yolo.zip');
  await download(client, file!, target);
  expect(sha256(await readFile(target))).toBe(file!.sha256);
  const paths = await pathsIn(target);
  expect(paths.filter((path) => path.endsWith('.png'))).toHaveLength(30);
  expect(paths).toContain('data.yaml');
});

test('a download that broke off goes on where it was, and one that is damaged is refused', async () => {
  const { files } = await exported('COCO', true);
  const [file] = files;
  const whole = Buffer.from(await (await fetch(`${service.url}${file!.url}`)).arrayBuffer());
  expect(sha256(whole)).toBe(file!.sha256);
  const part = await fetch(`${service.url}${file!.url}`, { headers: { range: 'bytes=100-' } });
  expect(part.status).toBe(206);
  expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(100));
  const target = join(folder, 'coco.zip');
  await writeFile(`${target}.part`, whole.subarray(0, 1000));
  await download(client, file!, target);
  expect(await readFile(target)).toEqual(whole);
  await writeFile(`${target}.part`, Buffer.alloc(1000));
  await expect(download(client, file!, target)).rejects.toMatchObject({ code: 'SHA256_MISMATCH' });
  expect(await readdir(folder)).not.toContain('coco.zip.part');
});

test('a range behind the end and a file that is not there are refused', async () => {
  const { files, jobId } = await exported('COCO');
  const url = `${service.url}${files[0]!.url}`;
  expect((await fetch(url, { headers: { range: 'bytes=999999999-' } })).status).toBe(416);
  expect((await fetch(`${service.url}/jobs/${jobId}/files/other.zip`)).status).toBe(404);
  expect((await fetch(`${service.url}/jobs/${jobId}/files/..%2f..%2fshingo.lock`)).status).toBe(404);
  expect((await fetch(`${service.url}/jobs/${toGlobalId('Image', jobId)}/files/x`)).status).toBe(400);
});

test.each(['SCALABEL', 'COCO', 'YOLO', 'PARQUET', 'CROISSANT'])(
  '%s gives the same bytes twice',
  async (format) => {
    const [first, second] = [await exported(format), await exported(format)];
    expect(first.files[0]!.sha256).toBe(second.files[0]!.sha256);
  },
);

test('the same key is the same job; another request with it, an unknown version and a wrong id are refused', async () => {
  const input = { datasetVersionId: versionId, format: 'COCO', idempotencyKey: 'k' };
  const one = await service.ok(START, { input });
  expect(one.startExport.job).toMatchObject({ kind: 'EXPORT', experiment: null });
  expect((await service.ok(START, { input })).startExport.job.id).toBe(one.startExport.job.id);
  const other = await service.ask(START, { input: { ...input, format: 'YOLO' } });
  expect(other.data.startExport.userErrors).toEqual([{ code: 'CONFLICT', field: ['idempotencyKey'] }]);
  const nowhere = toGlobalId('DatasetVersion', '00000000-0000-7000-8000-000000000000');
  const missing = await service.ask(START, { input: { ...input, datasetVersionId: nowhere } });
  expect(missing.data.startExport.userErrors).toEqual([{ code: 'NOT_FOUND', field: ['datasetVersionId'] }]);
  const unnamed = await service.ask(START, { input: { ...input, datasetVersionId: 'x' } });
  expect(unnamed.data.startExport.userErrors).toEqual([{ code: 'NOT_FOUND', field: ['datasetVersionId'] }]);
  const project = toGlobalId('Project', '00000000-0000-7000-8000-000000000000');
  expect(
    (await service.ask(START, { input: { ...input, datasetVersionId: project } })).errors?.[0]?.extensions
      .code,
  ).toBe('INVALID_ID');
});

test('the command line fetches the newest version, and says what is not in it', async () => {
  const out = join(folder, 'labels.zip');
  expect(await runExport('out/lights', { url: service.url, format: 'yolo', out })).toBe(0);
  expect(said.join('\n')).toMatch(/out\/lights 1\.0\.0: 30 images, 30 boxes/);
  expect(said.join('\n')).toMatch(/weather\s+30\s+0/);
  expect(await pathsIn(out)).toContain('losses.json');
});

test('the command line says what there is when it is asked for what there is not', async () => {
  const options = { url: service.url, format: 'coco', out: join(folder, 'none.zip') };
  expect(await runExport('lights', options)).toBe(1);
  expect(await runExport('out/other', options)).toBe(1);
  expect(await runExport('out/lights', { ...options, version: '9.0.0' })).toBe(1);
  expect(said).toEqual([
    'export failed: BAD_USER_INPUT: "lights" is not PROJECT/DATASET',
    'export failed: NOT_FOUND: the project out has no data set other',
    'export failed: NOT_FOUND: out/lights has no version 9.0.0; it has 1.0.0',
  ]);
});
