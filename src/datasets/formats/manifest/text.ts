import { createReadStream } from 'node:fs';

import type { Problem } from './problems.js';

/** One row of a manifest; a longer one is a forgotten quote or not a manifest at all. */
export const MAX_LINE_BYTES = 1024 * 1024;

const NOT_UTF8 = 'is not UTF-8 text; if it came from a spreadsheet, save it again as "CSV UTF-8"';

/** The file's text as it streams in, without its byte order mark; bytes that are no UTF-8 are reported, not replaced. */
export async function* readText(
  path: string,
  name: string,
  report: (problem: Problem) => void,
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      const text = decoder.decode(chunk, { stream: true });
      line += text.split('\n').length - 1;
      yield text;
    }
    const rest = decoder.decode();
    if (rest) yield rest;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    report({ where: name, message: `${NOT_UTF8} (near line ${line})` });
  }
}

/** CRLF as LF: csv-parse counts a CRLF inside a quoted cell as two lines. */
export async function* withoutCarriageReturns(text: AsyncIterable<string>): AsyncGenerator<string, void> {
  let held = '';
  for await (const chunk of text) {
    const all = held + chunk;
    // Its line feed may be the first character of the next chunk.
    held = all.endsWith('\r') ? '\r' : '';
    yield all.slice(0, all.length - held.length).replaceAll('\r\n', '\n');
  }
  if (held) yield held;
}

export interface Line {
  number: number;
  text: string;
}

/** Lines without their ends (LF or CRLF); one that is too long is reported and ends the reading. */
export async function* readLines(
  path: string,
  name: string,
  report: (problem: Problem) => void,
): AsyncGenerator<Line, void> {
  let number = 0;
  let rest = '';
  for await (const text of readText(path, name, report)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield { number: ++number, text: line.replace(/\r$/, '') };
    if (rest.length > MAX_LINE_BYTES) {
      report({ where: `${name}:${number + 1}`, message: 'is longer than 1 MiB: not a row of a manifest' });
      return;
    }
  }
  if (rest) yield { number: ++number, text: rest.replace(/\r$/, '') };
}
