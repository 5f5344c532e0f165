import { Readable } from 'node:stream';

import { CsvError, type Info, parse } from 'csv-parse';

import { messageOf } from '../../../platform/error.js';
import { type Problem, show } from './problems.js';
import { COLUMNS, type RawRow } from './row.js';
import { MAX_LINE_BYTES, readText, withoutCarriageReturns } from './text.js';

type Report = (problem: Problem) => void;
interface CsvRecord {
  record: string[];
  info: Info;
}

/** The first line names the columns; an empty cell is "not given". */
export async function* readCsv(path: string, name: string, report: Report): AsyncGenerator<RawRow, void> {
  const parser = parse({ info: true, relax_column_count: true, max_record_size: MAX_LINE_BYTES });
  let broken = false;
  const text = readText(path, name, (problem) => {
    broken = true;
    report(problem);
  });
  const source = Readable.from(withoutCarriageReturns(text)).on('error', (error) => parser.destroy(error));
  let header: string[] | undefined;
  let line = 1;
  try {
    for await (const { record, info } of source.pipe(parser) as AsyncIterable<CsvRecord>) {
      // A quoted cell may hold line feeds: a row is named by the line on which it begins.
      const where = `${name}:${line}`;
      line = info.lines + 1;
      if (record.length === 1 && record[0] === '') continue;
      if (header) {
        const row = toRow(where, header, record, report);
        if (row) yield row;
      } else if (checkHeader(where, record, report)) {
        header = record;
      } else return;
    }
    if (!header && !broken)
      report({ where: name, message: 'is empty: not even a line that names the columns' });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    report({ where: `${name}:${line}`, message: csvMessage(error) });
  } finally {
    source.destroy();
    parser.destroy();
  }
}

function checkHeader(where: string, header: string[], report: Report): boolean {
  let good = true;
  const complain = (message: string) => {
    good = false;
    report({ where, message });
  };
  const semicolons = header.length === 1 && header[0]!.includes(';');
  if (semicolons) complain('cells are separated by semicolons; commas are needed');
  else {
    for (const column of new Set(header)) {
      if (!COLUMNS.includes(column))
        complain(`column ${show(column)} is unknown (known: ${COLUMNS.join(', ')})`);
      else if (header.indexOf(column) !== header.lastIndexOf(column))
        complain(`column ${column} stands twice`);
    }
    if (!header.includes('file')) complain('column file is missing');
  }
  return good;
}

function toRow(where: string, header: string[], record: string[], report: Report): RawRow | undefined {
  if (record.length !== header.length) {
    report({
      where,
      message: `has ${record.length} cells where the first line names ${header.length} columns`,
    });
    return undefined;
  }
  const values: RawRow['values'] = {};
  for (const [index, column] of header.entries()) {
    const cell = record[index]!;
    if (cell === '') continue;
    try {
      values[column] = toValue(column, cell);
    } catch (error) {
      report({ where, column, message: `is not JSON: ${messageOf(error)}` });
      return undefined;
    }
  }
  return { where, values };
}

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** CSV knows only text. What is no number stays text, so that the message can show it. */
function toValue(column: string, cell: string): unknown {
  if (column === 'boxes') return JSON.parse(cell);
  if (column === 'latitude' || column === 'longitude') return NUMBER.test(cell) ? Number(cell) : cell;
  return cell;
}

function csvMessage(error: CsvError): string {
  switch (error.code) {
    case 'CSV_MAX_RECORD_SIZE':
      return 'is longer than 1 MiB: is a closing quote missing?';
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote is opened here and never closed';
    case 'INVALID_OPENING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'a quote stands inside a cell; quote the whole cell and double the quotes in it';
    default:
      return `is not CSV: ${error.message}`;
  }
}
