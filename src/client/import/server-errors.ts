import { ApiError, type UserError } from '../errors.js';
import type { LocatedRow } from '../../datasets/formats/manifest/located.js';
import { ImportError, MAX_PROBLEMS, type Problem } from '../../datasets/formats/manifest/problems.js';

/** Input fields of the API that a manifest spells differently. */
const COLUMN_OF: Record<string, string> = { fileName: 'file', sha256: 'file' };

/** Refusals by the server in terms of the manifest; an error that names no row is given back as it is. */
export function toImportError(error: unknown, rows: LocatedRow[]): unknown {
  if (!(error instanceof ApiError) || error.userErrors.length === 0) return error;
  const problems = error.userErrors.slice(0, MAX_PROBLEMS).map((one) => toProblem(one, rows));
  if (!problems.every((problem) => problem !== undefined)) return error;
  return new ImportError(problems, error.userErrors.length > MAX_PROBLEMS);
}

/** `["rows", "3", "boxes", "0", "color"]` is column boxes[0].color of the batch's fourth row. */
export function toProblem(error: UserError, rows: LocatedRow[]): Problem | undefined {
  const at = error.field?.indexOf('rows') ?? -1;
  if (!error.field || at < 0) return undefined;
  const row = rows[Number(error.field[at + 1])];
  if (!row) return undefined;
  return {
    where: row.where,
    column: columnOf(error.field.slice(at + 2)),
    message: `${error.code}: ${error.message}`,
  };
}

function columnOf(field: string[]): string | undefined {
  const [first, ...rest] = field;
  if (first === undefined) return undefined;
  if (first === 'place') return rest[0] ?? 'city';
  const start = COLUMN_OF[first] ?? first;
  return rest.reduce((path, key) => (/^\d+$/.test(key) ? `${path}[${key}]` : `${path}.${key}`), start);
}
