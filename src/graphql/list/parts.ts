/**
 * A list whose order goes by the rows of another table is read in parts: those that have such a row, along that table's
 * index, and then those that have none. A part is one statement; where it fills the page no other is asked.
 */
import { createHash } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { Direction, type PageArguments } from './connection.js';
import type { Fields } from './fields.js';
import { pageStatement, type SortKey } from './statement.js';
import { Parameters, boundsOf, compileWhere, type Where, type WhereContext } from './where.js';

export interface Part {
  /** The rows, as `t`, and what they are ordered by, without WHERE. */
  from: string;
  /** What must hold of them; the index of the order knows it. */
  terms?: ((parameters: Parameters) => string[]) | undefined;
  /** What must hold of them as well and no index knows; `perRow` as in WhereContext. */
  filter?: (parameters: Parameters, perRow: boolean) => string;
  /** False if there are none at all, by less work than to look for them. */
  any?: (parameters: Parameters) => string;
  /** How many times as many rows are tried along the order if nothing else is asked; see statement.ts. */
  furtherIfAll?: number;
  /** Instead of the page's filter, where `terms` say a part of it. */
  where?: Where;
  /** By the page's filter there are none; it stays in its place for the sake of the cursors. */
  none?: boolean;
  keys: SortKey[];
  /** Says in a cursor which order this is, where the keys' SQL does not. */
  name?: string;
}

export interface Reading {
  table: string;
  columns: string;
  fields: Fields;
  scope: Omit<WhereContext, 'parameters'>;
  page: PageArguments;
  owned: (parameters: Parameters) => string[];
  walk: number | undefined;
  unions: boolean;
  backwards: boolean;
  rows: number;
}

export interface ReadRow {
  cursor: string;
  row: Record<string, unknown>;
}

/** At most `rows`, in the direction of reading. @throws ShingoError INVALID_CURSOR, FILTER_INVALID */
export async function readParts(
  db: DataSource | EntityManager,
  parts: Part[],
  reading: Reading,
): Promise<ReadRow[]> {
  const { page, backwards } = reading;
  const after = page.after == null ? null : decodeCursor(parts, page.after);
  const before = page.before == null ? null : decodeCursor(parts, page.before);
  const places = [...parts.keys()].filter(
    (place) => place >= (after?.place ?? 0) && place <= (before?.place ?? parts.length),
  );
  if (backwards) places.reverse();
  const found: ReadRow[] = [];
  for (const place of places) {
    const rows = reading.rows - found.length;
    if (rows <= 0) break;
    const part = parts[place] as Part;
    if (part.none) continue;
    const bounds = [
      { cursor: after, backwards: false },
      { cursor: before, backwards: true },
    ].filter(({ cursor }) => cursor?.place === place);
    const { sql, values } = statementOf(part, bounds, { ...reading, rows });
    const answer: Record<string, unknown>[] = await db.query(sql, values);
    for (const row of answer)
      found.push({ row, cursor: encodeCursor(parts, { place, values: row._cursor as string[] }) });
  }
  return found;
}

type Bound = { cursor: Cursor | null; backwards: boolean };

function statementOf(part: Part, bounds: Bound[], reading: Reading): { sql: string; values: unknown[] } {
  const { fields, scope, page, backwards } = reading;
  const { keys, where = page.where } = part;
  const parameters = new Parameters();
  const own = reading.owned(parameters);
  const terms = [...own, ...(part.terms?.(parameters) ?? [])];
  const union = reading.unions ? { table: reading.table, terms: own } : undefined;
  const asked = compileWhere(fields, where, { ...scope, parameters, union });
  const filter = both(asked, part.filter?.(parameters, false));
  // Written in the same order, so that both have the same parameters.
  const again = new Parameters();
  reading.owned(again);
  part.terms?.(again);
  const askedOfRow = compileWhere(fields, where, { ...scope, parameters: again, perRow: true });
  const filterOfRow = both(askedOfRow, part.filter?.(again, true));
  // No index has the order of two fields: to walk along it would be to sort all of them.
  const further = asked === 'true' ? (part.furtherIfAll ?? 1) : 1;
  const walk = keys.length <= 2 && reading.walk !== undefined ? reading.walk * further : undefined;
  const cursors = bounds.map(({ cursor, backwards }) =>
    beyond(keys, cursor?.values ?? [], parameters, backwards),
  );
  const sql = pageStatement({
    ...{
      table: reading.table,
      from: part.from,
      columns: reading.columns,
      terms,
      cursors,
      filter,
      filterOfRow,
    },
    keys: keys.map((key) => ({ ...key, ascending: (key.direction === Direction.ASC) !== backwards })),
    bounds: walk ? boundsOf(fields, page.orderBy?.[0]?.field, where, parameters) : [],
    ...{ rows: reading.rows, walk, any: part.any?.(parameters) },
  });
  return { sql, values: parameters.values };
}

const both = (asked: string, own: string | undefined): string =>
  own === undefined ? asked : asked === 'true' ? own : `${asked} AND ${own}`;

/** Rows strictly behind the cursor in the direction of reading, by SQL expressions of the keys. */
function beyond(keys: SortKey[], values: string[], parameters: Parameters, backwards: boolean) {
  const bound = values.map((value, index) => parameters.add(value, keys[index]?.sqlType ?? 'text'));
  const operator = (key: SortKey) => ((key.direction === Direction.ASC) !== backwards ? '>' : '<');
  return (expressions: string[]): string => {
    if (keys.every((key) => key.direction === keys[0]?.direction))
      return `(${expressions.join(', ')}) ${operator(keys[0] as SortKey)} (${bound.join(', ')})`;
    // Directions mixed: a row comparison cannot say it.
    const steps = keys.map((key, index) => {
      const equal = expressions.slice(0, index).map((earlier, i) => `${earlier} = ${bound[i]}`);
      return `(${[...equal, `${expressions[index]} ${operator(key)} ${bound[index]}`].join(' AND ')})`;
    });
    return `(${steps.join(' OR ')})`;
  };
}

/** Where a page ends: of which part, and what its last row has as keys. */
interface Cursor {
  place: number;
  values: string[];
}

/** Over the values as well: a cursor that was cut or changed on its way is refused before PostgreSQL has to read it. */
const signature = ({ keys, name }: Part, values: string[]) =>
  createHash('sha256')
    .update(JSON.stringify([keys.map((key) => [key.sql, key.direction]), values, name]))
    .digest('base64url')
    .slice(0, 8);

function encodeCursor(parts: Part[], { place, values }: Cursor): string {
  const signed = signature(parts[place] as Part, values);
  const where = parts.length === 1 ? [] : [String(place)];
  return Buffer.from(JSON.stringify([signed, ...where, ...values])).toString('base64url');
}

/** @throws ShingoError INVALID_CURSOR */
function decodeCursor(parts: Part[], text: string): Cursor {
  try {
    const [, ...rest] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as string[];
    const cursor =
      parts.length === 1 ? { place: 0, values: rest } : { place: Number(rest[0]), values: rest.slice(1) };
    // Encoded again it is the same text: Node's decoder overlooks characters that are not base64.
    const whole = cursor.values.length === parts[cursor.place]?.keys.length;
    if (whole && text === encodeCursor(parts, cursor)) return cursor;
  } catch {
    // Falls through: whatever it is, it is not a cursor of ours.
  }
  throw new ShingoError(
    'INVALID_CURSOR',
    'This cursor is not from this list in this order; start without one.',
  );
}
