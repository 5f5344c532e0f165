import path from 'node:path';

import fc from 'fast-check';

import { readCsv } from '../../../../src/datasets/formats/manifest/csv.js';
import { readJsonl } from '../../../../src/datasets/formats/manifest/jsonl.js';
import { formatProblem, type Problem } from '../../../../src/datasets/formats/manifest/problems.js';
import { parseRow, type RawRow, type Row } from '../../../../src/datasets/formats/manifest/row.js';
import { LIGHT_COLORS, SCENES, TIMES_OF_DAY, WEATHERS } from '../../../../src/datasets/formats/words.js';
import { makeFolder } from './folder.js';

type Reader = typeof readCsv;
export interface Outcome {
  rows: (Row | undefined)[];
  lines: string[];
  problems: Problem[];
  messages: string[];
}

export async function parse(name: string, content: string | Buffer): Promise<Outcome> {
  await using folder = await makeFolder({ [name]: content });
  const read: Reader = name.endsWith('.csv') ? readCsv : readJsonl;
  const problems: Problem[] = [];
  const raws: RawRow[] = [];
  for await (const raw of read(path.join(folder.path, name), name, (one) => problems.push(one)))
    raws.push(raw);
  const rows = raws.map((raw) => parseRow(raw, (one) => problems.push(one)));
  return { rows, lines: raws.map(({ where }) => where), problems, messages: problems.map(formatProblem) };
}

const quote = (cell: string) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
const COLUMNS = [
  'file',
  'recordedAt',
  'latitude',
  'longitude',
  'country',
  'prefecture',
  'city',
  'timeZone',
  'weather',
  'timeOfDay',
  'scene',
  'drive',
  'boxes',
] as const;
export type Column = (typeof COLUMNS)[number];
export type Cells = Partial<Record<Column, unknown>>;
const cellOf = (value: unknown) =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
const csvLine = (cells: Cells) => COLUMNS.map((column) => quote(cellOf(cells[column]))).join(',');
export const csvOf = (rows: Cells[], end = '\n') => [COLUMNS.join(','), ...rows.map(csvLine)].join(end) + end;
export const jsonlOf = (rows: Cells[]) => rows.map((row) => JSON.stringify(row)).join('\n');

const word = fc
  .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
  .filter((text) => /\S/.test(text) && !/\p{Cc}|\p{Cs}/u.test(text));
const finite = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const box = fc.record({
  category: fc.constant('TRAFFIC_LIGHT'),
  x: finite(-10, 1000),
  y: finite(-10, 1000),
  width: finite(0.5, 100),
  height: finite(0.5, 100),
  color: fc.constantFrom(...LIGHT_COLORS),
});
const instant = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
export const validRow: fc.Arbitrary<Cells> = fc
  .record({
    file: word,
    recordedAt: optional(instant),
    point: optional(fc.record({ latitude: finite(-90, 90), longitude: finite(-180, 180) })),
    place: optional(
      fc.record({ country: word, prefecture: word, city: word, timeZone: fc.constant('Asia/Tokyo') }),
    ),
    weather: optional(fc.constantFrom(...WEATHERS)),
    timeOfDay: optional(fc.constantFrom(...TIMES_OF_DAY)),
    scene: optional(fc.constantFrom(...SCENES)),
    drive: optional(word),
    boxes: optional(fc.array(box, { maxLength: 3 })),
  })
  .map(({ point, place, ...rest }) => ({ ...rest, ...point, ...place }));
