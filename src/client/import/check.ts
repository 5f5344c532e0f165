import { createHash } from 'node:crypto';

import { type LabelOptions, openLabels } from './labels.js';
import { findPicture, type Picture } from './paths.js';
import { Problems, show } from './problems.js';
import { parseRow, type RawRow, type Row } from './row.js';
import { EXPECTED, openSource, type Source } from './source.js';

/** A row that was read and checked, with its picture. */
export interface LocatedRow {
  where: string;
  row: Row;
  picture: Picture;
}

/** The outcome of the first pass: the whole folder reads without a problem. */
export interface CheckedFolder {
  source: Source;
  rows: number;
  bytes: number;
  /** The time zone of each place for which any row gives one, by `placeKey`. */
  timeZones: Map<string, string>;
}

export function placeKey({
  country,
  prefecture,
  city,
}: Pick<Row, 'country' | 'prefecture' | 'city'>): string {
  return JSON.stringify([country, prefecture, city]);
}

export interface CheckOptions {
  /** The folder, or a file, holds labels of another tool. */
  labels?: LabelOptions;
  onNotice?: (text: string) => void;
  onProgress?: (rows: number) => void;
  signal?: AbortSignal;
}

/** Reads the whole manifest before anything is sent: a bad last row must not leave half an import behind. */
export async function checkFolder(folder: string, options: CheckOptions = {}): Promise<CheckedFolder> {
  const source = options.labels ? await openLabels(folder, options.labels) : await openSource(folder);
  const problems = new Problems();
  const across = new AcrossRows(problems);
  const checked: CheckedFolder = { source, rows: 0, bytes: 0, timeZones: across.timeZones };
  for await (const raw of source.rows(problems.add, options.onNotice)) {
    options.signal?.throwIfAborted();
    const located = await locate(source.root, raw, problems);
    if (located) {
      across.check(located);
      checked.bytes += located.picture.bytes;
    }
    if (problems.full) break;
    checked.rows++;
    options.onProgress?.(checked.rows);
  }
  problems.throwIfAny();
  if (checked.rows === 0) {
    const message = source.kind === 'class folders' ? `has ${EXPECTED}` : `${source.kind} has no rows`;
    problems.add({ where: folder, message });
    problems.throwIfAny();
  }
  return checked;
}

/** One row with its file, or undefined after the problems have been reported. */
export async function locate(root: string, raw: RawRow, problems: Problems): Promise<LocatedRow | undefined> {
  const row = parseRow(raw, problems.add);
  if (!row) return undefined;
  try {
    return { where: raw.where, row, picture: await findPicture(root, row.file) };
  } catch (error) {
    problems.add({
      where: raw.where,
      column: 'file',
      message: `${show(row.file)} ${(error as Error).message}`,
    });
    return undefined;
  }
}

/** What can only be seen with other rows beside: a file twice, a place in two time zones. */
class AcrossRows {
  /** By digest: a path may be long, and there may be a million of them. */
  readonly #files = new Map<string, string>();
  readonly timeZones = new Map<string, string>();
  readonly #zoneSeen = new Map<string, string>();

  constructor(readonly problems: Problems) {}

  check({ where, row, picture }: LocatedRow): void {
    const digest = createHash('sha256').update(picture.path).digest('base64url').slice(0, 14);
    const earlier = this.#files.get(digest);
    if (earlier) {
      this.problems.add({ where, column: 'file', message: `${show(row.file)} stands in ${earlier} already` });
    } else this.#files.set(digest, where);
    this.#checkZone(where, row);
  }

  #checkZone(where: string, row: Row): void {
    if (!row.timeZone) return;
    const place = placeKey(row);
    const known = this.timeZones.get(place);
    if (!known) {
      this.timeZones.set(place, row.timeZone);
      this.#zoneSeen.set(place, where);
    } else if (known !== row.timeZone) {
      const message = `${show(row.timeZone)} contradicts ${show(known)} for the same place in ${this.#zoneSeen.get(place)}`;
      this.problems.add({ where, column: 'timeZone', message });
    }
  }
}
