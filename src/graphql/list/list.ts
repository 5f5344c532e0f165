/** One page of a list in one statement: keyset paging in row-comparison form, the same on every noun. */
import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { columnsOf, hydrate } from '../select.js';
import {
  Direction,
  connectionTypes,
  sortColumn,
  type Connection,
  type OrderBy,
  type Orders,
  type PageArguments,
} from './connection.js';
import { sortExpression, type Fields } from './fields.js';
import { readParts, type Part, type Reading } from './parts.js';
import { Parameters, compileWhere, type WhereContext } from './where.js';
import type { SortKey } from './statement.js';

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
  /** What can be ordered by beside fields: its input types by name. The resolver makes parts of it. */
  orders?: Orders;
  /** There is an index for each order: a filtered page may be looked for along it first. See statement.ts. */
  walk?: number;
  /** An `or` of rows of other tables is a union; see WhereContext. */
  unions?: boolean;
}

const MAX_ORDER_BY = 3;

export function defineList<T extends object>(declaration: ListDeclaration<T>) {
  const { name, entity, fields, maxOrderBy = MAX_ORDER_BY, orders } = declaration;
  return { ...declaration, ...connectionTypes(name, entity, fields, maxOrderBy, orders) };
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

function pageSize({ first, last }: PageArguments): { limit: number; backwards: boolean } {
  if (first != null && last != null) throw new ShingoError('BAD_USER_INPUT', 'Give first or last, not both.');
  const limit = last ?? first ?? DEFAULT_PAGE;
  if (limit < 0 || limit > MAX_PAGE)
    throw new ShingoError('BAD_USER_INPUT', `A page has 0 to ${MAX_PAGE} rows.`);
  return { limit, backwards: last != null };
}

export interface ListScope extends Omit<WhereContext, 'parameters'> {
  projectUuid?: string;
  /** SQL that must hold of `t` beside what is asked for. */
  own?: string[];
  /** Of an order that goes by the rows of another table: its parts, in their order; see parts.ts. */
  parts?: Part[];
}

function partsOf<T extends object>(
  { fields, table, maxOrderBy = MAX_ORDER_BY }: ListDeclaration<T>,
  page: PageArguments,
  { parts }: ListScope,
): Part[] {
  return parts ?? [{ from: `"${table}" t`, keys: sortKeys(fields, page.orderBy, maxOrderBy) }];
}

const ownedBy =
  <T extends object>({ project }: ListDeclaration<T>, { projectUuid, own = [] }: ListScope) =>
  (parameters: Parameters) =>
    project && projectUuid ? [`${project} = ${parameters.add(projectUuid, 'uuid')}`, ...own] : own;

/**
 * @throws ShingoError BAD_USER_INPUT, FILTER_INVALID, INVALID_CURSOR
 */
export async function list<T extends object>(
  db: DataSource | EntityManager,
  declaration: ListDeclaration<T>,
  page: PageArguments,
  scope: ListScope = {},
): Promise<Connection<T>> {
  const { fields } = declaration;
  const parts = partsOf(declaration, page, scope);
  const { limit, backwards } = pageSize(page);
  const owned = ownedBy(declaration, scope);
  const entity = declaration.entity();
  const reading: Reading = {
    ...{ table: declaration.table, columns: columnsOf(db, entity), fields, scope, page, owned },
    ...{ walk: declaration.walk, unions: declaration.unions ?? false, backwards, rows: limit + 1 },
  };
  const rows = await readParts(db, parts, reading);
  const more = rows.length > limit;
  if (more) rows.pop();
  if (backwards) rows.reverse();
  const edges = rows.map(({ cursor, row }) => ({ cursor, node: hydrate(db, entity, row) }));
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
      const union = declaration.unions ? { table: declaration.table, terms: own } : undefined;
      const filter = compileWhere(fields, page.where, { ...scope, parameters: counted, union });
      const where = [...own, filter].join(' AND ');
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
