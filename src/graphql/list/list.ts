/** One page of a list in one statement: keyset paging in row-comparison form, the same on every noun. */
import { createHash } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { columnsOf, hydrate } from '../select.js';
import {
  Direction,
  connectionTypes,
  sortColumn,
  type Connection,
  type OrderBy,
  type PageArguments,
} from './connection.js';
import { sortExpression, type Fields } from './fields.js';
import { pageStatement, type Cut, type SortKey } from './statement.js';
import { Parameters, boundsOf, compileWhere, type WhereContext } from './where.js';

export const DEFAULT_PAGE = 50;
export const MAX_PAGE = 500;

export interface ListDeclaration<T extends object> {
  name: string;
  table: string;
  entity: () => new () => T;
  fields: Fields;
  /** SQL expression of the project that a row belongs to; null: the list is not a project's. */
  project: string | null;
  /** How many fields an order may have; 3 if it does not say. One: the list has an index for each field. */
  maxOrderBy?: number;
  /** There is an index for each order: a filtered page may be looked for along it first. See statement.ts. */
  walk?: number;
}

const MAX_ORDER_BY = 3;

export function defineList<T extends object>(declaration: ListDeclaration<T>) {
  const { name, entity, fields, maxOrderBy = MAX_ORDER_BY } = declaration;
  return { ...declaration, ...connectionTypes(name, entity, fields, maxOrderBy) };
}

function sortKeys(fields: Fields, orderBy: OrderBy[] | null | undefined, most: number): SortKey[] {
  if ((orderBy?.length ?? 0) > most) {
    const fieldsOf = most === 1 ? '1 field here, the one that has an index' : `at most ${most} fields`;
    throw new ShingoError('BAD_USER_INPUT', `orderBy takes ${fieldsOf}; ties go by the order of creation.`);
  }
  const keys: SortKey[] = [];
  for (const { field, direction } of orderBy ?? []) {
    if (field === 'id') return [...keys, { sql: 't.id', sqlType: 'uuid', direction }];
    const column = sortColumn(fields, field);
    if (!column) throw new ShingoError('BAD_USER_INPUT', `Cannot sort by ${field}.`);
    keys.push({ sql: sortExpression(column), sqlType: column.sqlType, direction });
  }
  return [...keys, { sql: 't.id', sqlType: 'uuid', direction: keys.at(-1)?.direction ?? Direction.ASC }];
}

/** Over the values as well: a cursor that was cut or changed on its way is refused before PostgreSQL has to read it. */
const signature = (keys: SortKey[], values: string[]) =>
  createHash('sha256')
    .update(JSON.stringify([keys.map((key) => [key.sql, key.direction]), values]))
    .digest('base64url')
    .slice(0, 8);

function encodeCursor(keys: SortKey[], values: string[]): string {
  return Buffer.from(JSON.stringify([signature(keys, values), ...values])).toString('base64url');
}

/** @throws ShingoError INVALID_CURSOR */
function decodeCursor(keys: SortKey[], cursor: string): string[] {
  try {
    const [, ...values] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as string[];
    // Encoded again it is the same text: Node's decoder overlooks characters that are not base64.
    if (values.length === keys.length && cursor === encodeCursor(keys, values)) return values;
  } catch {
    // Falls through: whatever it is, it is not a cursor of ours.
  }
  throw new ShingoError(
    'INVALID_CURSOR',
    'This cursor is not from this list in this order; start without one.',
  );
}

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

function pageSize({ first, last }: PageArguments): { limit: number; backwards: boolean } {
  if (first != null && last != null) throw new ShingoError('BAD_USER_INPUT', 'Give first or last, not both.');
  const limit = last ?? first ?? DEFAULT_PAGE;
  if (limit < 0 || limit > MAX_PAGE)
    throw new ShingoError('BAD_USER_INPUT', `A page has 0 to ${MAX_PAGE} rows.`);
  return { limit, backwards: last != null };
}

export interface ListScope extends Omit<WhereContext, 'parameters'> {
  projectUuid?: string;
}

/**
 * @throws ShingoError BAD_USER_INPUT, FILTER_INVALID, INVALID_CURSOR
 */
export async function list<T extends object>(
  db: DataSource | EntityManager,
  declaration: ListDeclaration<T>,
  page: PageArguments,
  scope: ListScope = {},
): Promise<Connection<T>> {
  const { fields, maxOrderBy = MAX_ORDER_BY } = declaration;
  const keys = sortKeys(fields, page.orderBy, maxOrderBy);
  const { limit, backwards } = pageSize(page);
  const owned = (parameters: Parameters) =>
    declaration.project && scope.projectUuid
      ? [`${declaration.project} = ${parameters.add(scope.projectUuid, 'uuid')}`]
      : [];
  const parameters = new Parameters();
  const terms = owned(parameters);
  const filter = compileWhere(fields, page.where, { ...scope, parameters });
  // Written in the same order, so that both have the same parameters.
  const again = new Parameters();
  owned(again);
  const filterOfRow = compileWhere(fields, page.where, { ...scope, parameters: again, perRow: true });
  const cursors: Cut[] = [];
  if (page.after != null) cursors.push(beyond(keys, decodeCursor(keys, page.after), parameters, false));
  if (page.before != null) cursors.push(beyond(keys, decodeCursor(keys, page.before), parameters, true));
  const entity = declaration.entity();
  const rows: Record<string, unknown>[] = await db.query(
    pageStatement({
      table: declaration.table,
      columns: columnsOf(db, entity),
      keys: keys.map((key) => ({ ...key, ascending: (key.direction === Direction.ASC) !== backwards })),
      terms,
      cursors,
      filter,
      filterOfRow,
      bounds: declaration.walk ? boundsOf(fields, page.orderBy?.[0]?.field, page.where, parameters) : [],
      rows: limit + 1,
      walk: declaration.walk,
    }),
    parameters.values,
  );
  const more = rows.length > limit;
  if (more) rows.pop();
  if (backwards) rows.reverse();
  const edges = rows.map((row) => ({
    cursor: encodeCursor(keys, row._cursor as string[]),
    node: hydrate(db, entity, row),
  }));
  const connection = new (connectionClass(declaration))();
  return Object.assign(connection, {
    nodes: edges.map((edge) => edge.node),
    edges,
    pageInfo: {
      hasNextPage: backwards ? page.before != null : more,
      hasPreviousPage: backwards ? more : page.after != null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    count: async () => {
      const counted = new Parameters();
      const own = owned(counted);
      const where = [...own, compileWhere(fields, page.where, { ...scope, parameters: counted })].join(
        ' AND ',
      );
      const answer = await db.query(
        `/* ${declaration.table}.count */ SELECT count(*)::int AS n FROM "${declaration.table}" t WHERE ${where}`,
        counted.values,
      );
      return answer[0].n as number;
    },
  });
}

/** `totalCount` is a method of the class that `defineList` made; a declaration without one (tests) needs none. */
function connectionClass(declaration: object): new () => object {
  return (declaration as { Connection?: new () => object }).Connection ?? Object;
}
