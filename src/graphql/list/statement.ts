/**
 * The SQL of one page. Without a filter it walks along the index of its order. With one, PostgreSQL would have to guess
 * how rare the filter is and, guessing wrong, walk a million rows for one page or sort half of them: so the statement
 * does not leave the choice to a guess. It walks a bounded stretch of the order first, and only if that neither fills
 * the page nor comes to the end does it look for all rows of the filter, by whatever index serves it, and sort them.
 */
import type { Direction } from './connection.js';

export interface SortKey {
  sql: string;
  sqlType: string;
  direction: Direction;
}

/** What lies beyond a cursor, by SQL expressions of the keys. */
export type Cut = (expressions: string[]) => string;

export interface Page {
  table: string;
  /** The rows, as `t`, and what they are ordered by. */
  from: string;
  columns: string;
  keys: (SortKey & { ascending: boolean })[];
  /** Of the project. */
  terms: string[];
  cursors: Cut[];
  filter: string;
  /** The same, with the same parameters, to be asked of one row after the other. */
  filterOfRow: string;
  /** Terms of the filter that the index of the order can be entered by. */
  bounds: string[];
  rows: number;
  /** SQL that is false if there are none at all. */
  any: string | undefined;
  /** How many rows are tried along the order; none: the list is small, or has no index for its order. */
  walk?: number;
}

export function pageStatement(page: Page): string {
  const { table, from, columns, keys, terms, filter, rows } = page;
  const expressions = keys.map((key) => key.sql);
  const behind = page.cursors.map((cut) => cut(expressions));
  const order = orderOf(expressions, page);
  if (!page.walk || filter === 'true') {
    return `/* ${table}.list */ SELECT ${columns}, ${cursorOf(expressions)} FROM ${from}
      WHERE ${all([...terms, ...behind, filter])} ORDER BY ${order} LIMIT ${rows}`;
  }
  const names = keys.map((_, index) => `"_key${index}"`);
  const values = keys.map((key, index) => `${key.sql} AS ${names[index]}`).join(', ');
  const kept = ['id', ...names].join(', ');
  const byName = orderOf(names, page);
  const isFull = `(SELECT count(*) FROM walked) = ${rows}`;
  const isEnd = '(SELECT yes FROM ended)';
  const tried = (
    what: string,
  ) => `SELECT ${what} FROM ${from} WHERE ${all([...terms, ...behind, ...page.bounds])}
        ORDER BY ${order} LIMIT ${page.walk}`;
  const gate = [`NOT ${isFull}`, `NOT ${isEnd}`, ...(page.any === undefined ? [] : [page.any])];
  // OFFSET 0 keeps PostgreSQL from going along the order again. The cursor is outside of it: (0, id) < (0, x) is taken
  // for no rows at all where half of them have a 0, which would be one more reason to (200 ms for a drive of 50 images).
  // The gate too: within, parallel workers are started (8 ms) to be told that there is nothing to do.
  // How many were tried is counted anew, from the index, and only where it matters: to keep 5,000 wide rows takes longer.
  return `/* ${table}.list */ WITH walked AS MATERIALIZED (
      SELECT ${kept} FROM (
        ${tried(`t.*, ${values}`)}
      ) t WHERE ${page.filterOfRow} ORDER BY ${byName} LIMIT ${rows}
    ), ended AS MATERIALIZED (
      SELECT count(*) < ${page.walk} AS yes FROM (
        ${tried('')}
      ) tried
    ), found AS (
      SELECT ${kept} FROM (
        SELECT t.id, ${values} FROM ${from} WHERE ${all([...terms, filter])} OFFSET 0
      ) t WHERE ${all([...gate, ...page.cursors.map((cut) => cut(names))])} ORDER BY ${byName} LIMIT ${rows}
    ), page AS (
      SELECT * FROM walked WHERE ${isFull} OR ${isEnd} UNION ALL SELECT * FROM found
    )
    SELECT ${columns}, ${cursorOf(names)} FROM page JOIN "${table}" t ON t.id = page.id ORDER BY ${byName}`;
}

const all = (terms: string[]) => (terms.length > 0 ? terms.join(' AND ') : 'true');

const cursorOf = (expressions: string[]) =>
  `ARRAY[${expressions.map((sql) => `(${sql})::text`).join(', ')}] AS "_cursor"`;

const orderOf = (expressions: string[], { keys }: Page) =>
  expressions.map((sql, index) => `${sql} ${keys[index]?.ascending ? 'ASC' : 'DESC'}`).join(', ');
