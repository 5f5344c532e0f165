/** What comes in by uploads and goes out by exports, through the real jobs of a real service. */
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { ZipFile } from 'yazl';
import { ShingoClient } from '../../src/client/api.js';
import { download } from '../../src/client/download.js';
import { runTask } from '../../src/client/tasks.js';
import { uploadFile } from '../../src/client/uploadFile.js';
import { ApiError } from '../../src/client/errors.js';
import { uuidOf } from '../../src/graphql/node.js';
import { exportVersion } from '../../src/datasets/export/exportVersion.js';
import { importLabels, type ImportCheckpoint } from '../../src/datasets/import/importLabels.js';
import { unpackLabels } from '../../src/datasets/import/unpack.js';
import type { ImportReport } from '../../src/datasets/import/report.js';
import type { Format } from '../../src/datasets/formats/write/archive.js';
import type { LossCount } from '../../src/datasets/formats/write/losses.js';
import { plainTask } from './task.js';
import { startTestService, type TestService } from './service.js';

export type Content = string | Buffer | object;

const bytesOf = (content: Content): Buffer =>
  Buffer.isBuffer(content)
    ? content
    : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));

export async function zipOf(files: Record<string, Content>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [path, content] of Object.entries(files)) zip.addBuffer(bytesOf(content), path);
  zip.end();
  return buffer(zip.outputStream as NodeJS.ReadableStream & AsyncIterable<Buffer>);
}

/** Small, and no two are alike. */
export const picture = (n: number, { width = 64, height = 48 } = {}): Promise<Buffer> =>
  sharp(Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => ((i + 1) * (n + 7) * 31) % 251)), {
    raw: { width, height, channels: 3 },
  })
    .png()
    .toBuffer();

export interface Outcome {
  state: string;
  code: string | null;
  message: string | null;
  attempt: number;
  crashes: number;
  /** Null unless it succeeded. */
  report: ImportReport | null;
}

export interface Version {
  id: string;
  dataId: string;
}

export interface Exported {
  path: string;
  sha256: string;
  dataId: string;
  images: number;
  boxes: number;
  pictures: number;
  picturesMissing: number;
  losses: readonly LossCount[];
}

const IMPORT_FIELDS = `format frames created existing filled different unlabelled annotations pictures placesCreated
  leftOut { reason count } unknown { field value count position }`;
const EXPORT_FIELDS = 'dataId images boxes pictures picturesMissing losses { what why images boxes }';

export interface ImportInput {
  format?: string;
  lenient?: boolean;
  timeZone?: string;
}

export class InAndOut {
  private count = 0;

  private constructor(
    readonly service: TestService,
    readonly client: ShingoClient,
    readonly folder: string,
  ) {}

  static async start(options: Parameters<typeof startTestService>[0] = { worker: true }): Promise<InAndOut> {
    const service = await startTestService(options);
    const folder = await mkdtemp(join(tmpdir(), 'shingo-in-out-'));
    return new InAndOut(service, new ShingoClient({ url: service.url }), folder);
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.service.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async project(name = `project ${++this.count}`): Promise<string> {
    await this.service.ok(
      'mutation ($name: String!) { createProject(input: { name: $name }) { userErrors { code } } }',
      {
        name,
      },
    );
    return name;
  }

  async uuid(project: string): Promise<string> {
    const [row] = await this.service.db.query('SELECT id FROM project WHERE name = $1', [project]);
    return row.id as string;
  }

  /** Returns the id of the upload. */
  async upload(project: string, content: Content, fileName: string): Promise<string> {
    const path = join(this.folder, `upload-${++this.count}`);
    await writeFile(path, bytesOf(content));
    return this.uploadPath(project, path, fileName);
  }

  async uploadPath(projectId: string, path: string, fileName: string): Promise<string> {
    const mediaType = 'application/octet-stream';
    return (await uploadFile(this.client, { projectId, path, mediaType, fileName })).id;
  }

  /** What became of it, whether that is good or bad. */
  async import(projectId: string, uploadId: string, input: ImportInput = {}): Promise<Outcome> {
    let report: ImportReport | null = null;
    try {
      const task = { projectId, start: 'startImport', input: { projectId, uploadId, ...input } };
      ({ report } = await runTask<ImportReport>(this.client, {
        ...task,
        report: { type: 'ImportReport', fields: IMPORT_FIELDS },
      }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    const [job] = await this.service.db.query(
      `SELECT state, attempt, crashes, reason_code AS code, reason_message AS message FROM job WHERE kind = 'IMPORT' AND project_id = $1 ORDER BY id DESC LIMIT 1`,
      [await this.uuid(projectId)],
    );
    return { ...job, report };
  }

  async send(project: string, content: Content, fileName: string, input: ImportInput = {}): Promise<Outcome> {
    return this.import(project, await this.upload(project, content, fileName), input);
  }

  /** Everything that a label file, a zip or an export can bring, as a new project. */
  async imported(content: Content, fileName: string, input: ImportInput = {}): Promise<string> {
    const project = await this.project();
    const outcome = await this.send(project, content, fileName, input);
    expect(outcome).toMatchObject({ state: 'SUCCEEDED', message: null, attempt: 1 });
    return project;
  }

  async version(projectId: string, recipe: object = { train: 1, validation: 0, test: 0 }): Promise<Version> {
    const { createDataset } = await this.service.ok(
      'mutation ($input: CreateDatasetInput!) { createDataset(input: $input) { dataset { id } userErrors { code message } } }',
      { input: { projectId, name: `set ${++this.count}` } },
    );
    const { createDatasetVersion } = await this.service.ok(
      `mutation ($input: CreateDatasetVersionInput!) { createDatasetVersion(input: $input) {
         datasetVersion { id dataId } userErrors { code message } } }`,
      { input: { datasetId: createDataset.dataset.id, maxLeakShare: 1, ...recipe } },
    );
    return createDatasetVersion.datasetVersion;
  }

  async export(projectId: string, version: Version, format: string, pictures = false): Promise<Exported> {
    const { report, files } = await runTask<Omit<Exported, 'path' | 'sha256'>>(this.client, {
      ...{ projectId, start: 'startExport', input: { datasetVersionId: version.id, format, pictures } },
      report: { type: 'ExportReport', fields: EXPORT_FIELDS },
    });
    const path = join(this.folder, `export-${++this.count}.zip`);
    await download(this.client, files[0]!, path);
    return { ...report, path, sha256: files[0]!.sha256 };
  }

  /** As `send`, in this process: forking one takes a second, and the work itself a tenth of it. */
  async importHere(project: string, content: Content, fileName: string): Promise<ImportReport> {
    await using task = await plainTask<ImportCheckpoint>(this.service.db, {
      blobs: this.service.services.blobs,
    });
    const { sha256 } = await task.blobs.receive(Readable.from([bytesOf(content)]), { maxBytes: 2 ** 30 });
    const source = await unpackLabels(task, { sha256, fileName });
    return await importLabels(task, { projectUuid: await this.uuid(project), source, format: 'auto' });
  }

  /** As `export`, in this process. */
  async exportHere(version: Version, format: Format, pictures = false): Promise<Exported> {
    await using task = await plainTask(this.service.db, { blobs: this.service.services.blobs });
    const versionUuid = uuidOf('DatasetVersion', version.id);
    const { report, files } = await exportVersion(task, { versionUuid, format, pictures });
    const path = join(this.folder, `export-${++this.count}.zip`);
    await copyFile(files[0]!.path, path);
    const digest = createHash('sha256').update(await readFile(path));
    return { ...report, path, sha256: digest.digest('hex') };
  }

  /** A version as it is kept: all that a format could carry, by file name. */
  async items(version: Version): Promise<Item[]> {
    const items: Item[] = await this.service.db.query(
      `SELECT i.file_name, i.width, i.height, v.split, v.weather, v.time_of_day, v.scene, v.recorded_at, v.latitude,
         v.longitude, v.drive, p.country, p.prefecture, p.city, i.sha256, v.annotations AS boxes
       FROM dataset_item v JOIN image i ON i.id = v.image_id LEFT JOIN place p ON p.id = v.place_id
       WHERE v.version_id = $1 ORDER BY i.file_name COLLATE "C", i.sha256`,
      [uuidOf('DatasetVersion', version.id)],
    );
    for (const { boxes } of items) for (const box of boxes ?? []) delete box.id;
    return items;
  }
}

export interface Item extends Record<string, unknown> {
  file_name: string;
  boxes: Record<string, unknown>[] | null;
}
