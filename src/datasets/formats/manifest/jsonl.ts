import { messageOf } from '../../../platform/error.js';
import { type Problem, show } from './problems.js';
import type { RawRow } from './row.js';
import { readLines } from './text.js';

/** One JSON object a line; `null` says the same as leaving the column out. */
export async function* readJsonl(
  path: string,
  name: string,
  report: (problem: Problem) => void,
): AsyncGenerator<RawRow, void> {
  for await (const { number, text } of readLines(path, name, report)) {
    if (text.trim() === '') continue;
    const where = `${name}:${number}`;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      report({ where, message: `is not JSON: ${messageOf(error)}` });
      continue;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      report({ where, message: `${show(value)} is not an object` });
      continue;
    }
    yield { where, values: Object.fromEntries(Object.entries(value).filter(([, cell]) => cell !== null)) };
  }
}
