/** Rows of a manifest with the pictures that they name. */
import { createHash } from 'node:crypto';

import { findPicture, type Picture } from './paths.js';
import { type Problems, show } from './problems.js';
import { parseRow, type RawRow, type Row } from './row.js';

/** A row that was read and checked, with its picture. */
export interface LocatedRow {
  where: string;
  row: Row;
  picture: Picture;
}

export function placeKey({
  country,
  prefecture,
  city,
}: Pick<Row, 'country' | 'prefecture' | 'city'>): string {
  return JSON.stringify([country, prefecture, city]);
}

export function hasPlace(row: Row): row is Row & { country: string; prefecture: string; city: string } {
  return row.country !== undefined && row.prefecture !== undefined && row.city !== undefined;
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
export class AcrossRows {
  /** By digest: a path may be long, and there may be a million of them. */
  readonly #files = new Map<string, string>();
  readonly #zoneSeen = new Map<string, string>();

  /** @param timeZones of each place for which any row gives one, by `placeKey`; added to */
  constructor(
    readonly problems: Problems,
    readonly timeZones = new Map<string, string>(),
  ) {}

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
