/** Imports into projects of their own, and what they leave in the database. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DataSource } from 'typeorm';
import {
  importLabels,
  type ImportCheckpoint,
  type ImportRequest,
} from '../../../src/datasets/import/importLabels.js';
import type { ImportReport } from '../../../src/datasets/import/report.js';
import { FolderBlobs } from '../../../src/platform/blobs/folder.js';
import { plainTask, type PlainTaskOptions } from '../../support/task.js';

export interface Folder extends AsyncDisposable {
  path: string;
}

export async function folderOf(files: Record<string, string | Buffer | object>): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'shingo-import-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    const bytes = typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content);
    await writeFile(join(path, name), bytes);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export async function importInto(
  db: DataSource,
  projectUuid: string,
  source: string,
  request: Partial<ImportRequest> = {},
  options: PlainTaskOptions<ImportCheckpoint> = {},
): Promise<ImportReport> {
  await using task = await plainTask<ImportCheckpoint>(db, options);
  return await importLabels(task, { projectUuid, source, format: 'auto', ...request });
}

export const blobsIn = (folder: Folder) => new FolderBlobs(join(folder.path, 'blobs'));

export interface Row {
  file_name: string;
  traffic_lights: number | null;
  weather: string | null;
  sha256: string | null;
  width: number | null;
  time_of_day_sensor: string | null;
  boxes: Record<string, unknown>[];
}

/** Images with their boxes, by name; nothing in it is made anew by each import, such as an id. */
export const contentOf = (db: DataSource, projectUuid: string): Promise<Row[]> =>
  db.query(
    `SELECT to_jsonb(i) - '{id,nr,project_id,place_id,created_at}'::text[] AS image, i.file_name, i.traffic_lights, i.weather,
       i.sha256, i.width, i.time_of_day_sensor,
       coalesce((SELECT jsonb_agg(to_jsonb(a) - '{id,image_id,created_at}'::text[] ORDER BY a.id) FROM annotation a
         WHERE a.image_id = i.id), '[]') AS boxes
     FROM image i WHERE i.project_id = $1 ORDER BY i.file_name, i.sha256`,
    [projectUuid],
  );

/** Which transaction wrote each row last: the same as long as nobody touches it. */
export const versionsOf = (db: DataSource, projectUuid: string): Promise<object[]> =>
  db.query(
    `SELECT 'image' AS of, i.id, i.xmin::text FROM image i WHERE i.project_id = $1
     UNION ALL SELECT 'annotation', a.id, a.xmin::text FROM annotation a JOIN image i ON i.id = a.image_id
     WHERE i.project_id = $1 ORDER BY 1, 2`,
    [projectUuid],
  );

/** `CODE message` of the refusal. */
export const refusalOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'imported',
    (error: Error & { code?: string }) => `${error.code} ${error.message}`,
  );
