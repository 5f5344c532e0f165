/** Scenarios as builders: a project with places, pictures and images, made through the service's own functions. */
import { createHash } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { createPlace } from '../../../../src/catalog/place/placeService.js';
import type { Place } from '../../../../src/catalog/place/place.js';
import type { Project } from '../../../../src/catalog/project/project.js';
import { createProject } from '../../../../src/catalog/project/projectService.js';
import { registerImages } from '../../../../src/catalog/image/registerImages.js';
import type { RegisterImageRow } from '../../../../src/catalog/image/registerInputs.js';
import type { Box } from '../../../../src/catalog/annotation/annotationService.js';
import { Category } from '../../../../src/catalog/vocabulary.js';

let made = 0;

export const newProject = (db: DataSource, name = `project-${++made}`): Promise<Project> =>
  createProject(db, { name });

export function newPlace(db: DataSource, project: Project, fields: Partial<Place> = {}): Promise<Place> {
  const {
    country = 'Japan',
    prefecture = 'Tokyo',
    city = `City ${++made}`,
    timeZone = 'Asia/Tokyo',
    ...rest
  } = fields;
  return createPlace(db, project.uuid, { ...rest, country, prefecture, city, timeZone });
}

export const nameOf = ({ country, prefecture, city, name }: Place) => ({ country, prefecture, city, name });

export interface PictureFacts {
  width?: number;
  height?: number;
  darkness?: number;
  brightness?: number;
}

/** The same label gives the same digest, in any database. */
export const digestOf = (label: string) => createHash('sha256').update(label).digest('hex');

/** Pictures as rows only: what the catalog says of images needs no pixels. Returns their digests. */
export async function newPictures(
  db: DataSource,
  labels: string[],
  facts: PictureFacts = {},
): Promise<string[]> {
  const digests = labels.map(digestOf);
  await db.query(
    `INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness)
     SELECT d, 'image/jpeg', 1000, $2, $3, $4, $5 FROM unnest($1::text[]) d ON CONFLICT DO NOTHING`,
    [digests, facts.width ?? 1280, facts.height ?? 720, facts.darkness ?? 0.3, facts.brightness ?? 0.6],
  );
  return digests;
}

export type ImageRow = Partial<RegisterImageRow> & { label: string; facts?: PictureFacts };

/** Registers images whose pictures are made on the way. Returns their UUIDs in the order of the rows. */
export async function newImages(db: DataSource, project: Project, rows: ImageRow[]): Promise<string[]> {
  for (const { label, facts } of rows) await newPictures(db, [label], facts);
  const inputs = rows.map(({ label, facts: _, ...row }) => ({
    ...row,
    sha256: digestOf(label),
    fileName: row.fileName ?? `${label}.jpg`,
  }));
  return (await registerImages(db, project.uuid, inputs)).imageUuids;
}

export async function newImage(
  db: DataSource,
  project: Project,
  row: Partial<ImageRow> = {},
): Promise<string> {
  return (await newImages(db, project, [{ label: `image-${++made}`, ...row }]))[0] as string;
}

export const light = (color: string | null = 'RED', rest: Partial<Box> = {}): Box =>
  ({ category: Category.TRAFFIC_LIGHT, x: 10, y: 10, width: 20, height: 40, color, ...rest }) as Box;

/** The row as the database has it. */
export async function rowOf(db: DataSource, table: string, uuid: string): Promise<Record<string, unknown>> {
  const rows: Record<string, unknown>[] = await db.query(`SELECT * FROM ${table} WHERE id = $1`, [uuid]);
  return rows[0] as Record<string, unknown>;
}

/** The names (the comment that each opens with) of the statements that `work` ran on `db` outside transactions. */
export async function statementsOf(db: DataSource, work: () => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  const original = db.query;
  db.query = function (this: DataSource, ...args: Parameters<DataSource['query']>) {
    names.push(/^\s*\/\* (\S+) \*\//.exec(args[0])?.[1] ?? args[0]);
    return original.apply(this, args);
  } as typeof original;
  try {
    await work();
  } finally {
    db.query = original;
  }
  return names;
}

/** What a rejected promise or a thrown error has as its code. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: { code?: string; errors?: { code: string }[]; message: string }) =>
      error.errors?.[0]?.code ?? error.code ?? `no code: ${error.message}`,
  );
}
