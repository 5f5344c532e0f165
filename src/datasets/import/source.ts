/** What an import reads: a label file, or a folder with labels, a manifest or class-named folders, and pictures. */
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ShingoError } from '../../platform/error.js';
import { AcrossRows, hasPlace, locate, placeKey, type LocatedRow } from '../formats/manifest/located.js';
import { ImportError, Problems, type Problem } from '../formats/manifest/problems.js';
import { mediaTypeOf } from '../formats/manifest/paths.js';
import { EXPECTED, hasClassFolders, openSource, type Source } from '../formats/manifest/source.js';
import { LeftOut } from '../formats/read/leftOut.js';
import {
  Findings,
  LABEL_FORMATS,
  openFileSet,
  readFrames,
  recognise,
  type FileSet,
  type LabelFormat,
} from '../formats/read/index.js';
import { PictureIndex } from '../formats/read/pictureIndex.js';
import type { ImportItem } from './item.js';

export const IMPORT_FORMATS = ['auto', 'manifest', ...LABEL_FORMATS] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

export interface ImportOptions {
  format: ImportFormat;
  lenient: boolean;
  /** Of places that are new and whose rows name no time zone. */
  timeZone: string;
}

/** One reading, from the beginning. */
export interface Reading {
  items: AsyncGenerator<ImportItem, void>;
  findings: Findings;
  /** What reading alone leaves out. */
  left: LeftOut;
}

export interface ImportSource {
  /** A LabelFormat, `manifest.csv`, `manifest.jsonl` or `class folders`. */
  format: string;
  read(): Reading;
  /** Rows must be read in full once before any is taken: a later one may say the time zone of a place. */
  manifest: boolean;
}

/** @param path absolute @throws ShingoError NOT_FOUND, FORMAT_UNKNOWN, LABELS_INVALID */
export async function openImport(path: string, options: ImportOptions): Promise<ImportSource> {
  const found = await stat(path).catch(() => null);
  if (!found) throw new ShingoError('NOT_FOUND', 'There is no such file or folder to import.', 404);
  const manifest =
    found.isDirectory() &&
    (options.format === 'manifest' || (options.format === 'auto' && (await hasManifest(path))));
  if (manifest || options.format === 'manifest')
    return fromManifest(await asShingoError(() => openSource(path)), options);
  const set = await openFileSet(path);
  const format = options.format === 'auto' ? await recognise(set) : options.format;
  return fromLabels(await realpath(path), set, format, options.lenient);
}

/** A manifest before anything else: who writes one means it. */
async function hasManifest(folder: string): Promise<boolean> {
  for (const name of ['manifest.csv', 'manifest.jsonl']) {
    if ((await stat(join(folder, name)).catch(() => null))?.isFile()) return true;
  }
  return hasClassFolders(folder);
}

function fromLabels(root: string, set: FileSet, format: LabelFormat, lenient: boolean): ImportSource {
  const pictures = new PictureIndex(
    set.files.flatMap(({ path }) => (mediaTypeOf(path) === undefined ? [] : [path])),
  );
  const read = (): Reading => {
    const [findings, left] = [new Findings(lenient), new LeftOut()];
    async function* items(): AsyncGenerator<ImportItem, void> {
      let none = true;
      for await (const frame of readFrames(set, format, findings)) {
        none = false;
        // The common case, labels alone, is worth no search.
        const file =
          pictures.size === 0
            ? null
            : pictures.find(frame.fileName, ambiguous(frame.position), splitOf(frame));
        const picture = file === null ? null : join(root, file);
        yield Object.assign(frame, { picture });
      }
      if (none) await refuseOther(set, format);
    }
    const ambiguous = (position: string) => (message: string, several: boolean) => {
      if (!several) return;
      if (!lenient) throw new ShingoError('LABELS_INVALID', `${position}: ${message}`);
      left.add('pictures of which several have the name');
    };
    return { items: items(), findings, left };
  };
  return { format, read, manifest: false };
}

/** Files of another format have no frames of this one: that is a mistake, and no import of nothing. */
async function refuseOther(set: FileSet, format: LabelFormat): Promise<void> {
  const found = await recognise(set).catch(() => null);
  if (found === format) return;
  const instead = found === null ? '' : `; they look like ${found}`;
  throw new ShingoError(
    'LABELS_INVALID',
    `${set.name}: there are no frames of the format ${format}${instead}.`,
  );
}

/** The split that a label file is called by, as those of BDD100K and COCO are, and so the folder of its pictures. */
const splitOf = ({ position }: Pick<ImportItem, 'position'>): string | null =>
  /(?:^|[/_.-])(train|val|test)[^/:]*\.json:/.exec(position)?.[1] ?? null;

function fromManifest(source: Source, { timeZone }: ImportOptions): ImportSource {
  const timeZones = new Map<string, string>();
  const read = (): Reading => {
    const problems = new Problems();
    const across = new AcrossRows(problems, timeZones);
    async function* items(): AsyncGenerator<ImportItem, void> {
      let rows = 0;
      for await (const raw of source.rows(problems.add)) {
        const located = await locate(source.root, raw, problems);
        if (located) across.check(located);
        if (problems.full) break;
        rows += 1;
        if (located && problems.list.length === 0) yield itemOf(located, timeZones, timeZone);
      }
      if (problems.list.length > 0) throw refusal(problems.list);
      if (rows === 0)
        throw refusal([
          {
            where: source.kind,
            message: source.kind === 'class folders' ? `there is ${EXPECTED}` : 'has no rows',
          },
        ]);
    }
    return { items: items(), findings: new Findings(false), left: new LeftOut() };
  };
  return { format: source.kind, read, manifest: true };
}

function itemOf(
  { row, where, picture }: LocatedRow,
  timeZones: Map<string, string>,
  timeZone: string,
): ImportItem {
  const { file, recordedAt, boxes, country: _country, prefecture: _prefecture, city: _city, ...rest } = row;
  return {
    ...rest,
    fileName: file,
    recordedAt: recordedAt === undefined ? null : new Date(recordedAt),
    place: hasPlace(row)
      ? {
          ...{ country: row.country, prefecture: row.prefecture, city: row.city },
          timeZone: timeZones.get(placeKey(row)) ?? timeZone,
        }
      : null,
    // A box that is the whole picture has no numbers.
    boxes:
      boxes?.map(({ x = 0, y = 0, width = 1, height = 1, arrows, wholeImage, ...box }) => ({
        ...box,
        ...{ x, y, width, height, arrows: arrows ?? [], wholeImage: wholeImage ?? false },
      })) ?? null,
    picture: picture.path,
    position: where,
  };
}

const refusal = (problems: Problem[]) =>
  new ShingoError('LABELS_INVALID', new ImportError(problems, problems.length >= 20).message);

async function asShingoError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ImportError) throw new ShingoError('LABELS_INVALID', error.message);
    throw error;
  }
}
