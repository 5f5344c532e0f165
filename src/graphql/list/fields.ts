/** What a list can be filtered and sorted by: one declaration per noun, from which types and SQL both follow. */
import { Field, Float, ID, InputType, Int } from 'type-graphql';
import { DateTime } from '../scalars.js';
import type { WhereContext } from './where.js';

@InputType()
abstract class NullFilter {
  @Field(() => Boolean, { nullable: true, description: 'true: there is no value; false: there is one.' })
  isNull?: boolean;
}

type Scalar = Parameters<typeof Field>[0];

/** eq, ne, in, notIn; ordered types have gt, gte, lt, lte as well. */
function filterType(name: string, scalar: Scalar, operators: string[], listOperators: string[]) {
  class Filter extends NullFilter {}
  Object.defineProperty(Filter, 'name', { value: name });
  for (const operator of operators) Field(scalar as never, { nullable: true })(Filter.prototype, operator);
  for (const operator of listOperators) {
    const item = (scalar as () => unknown)();
    Field(() => [item] as never, { nullable: true })(Filter.prototype, operator);
  }
  InputType(name)(Filter);
  return Filter;
}

const EQUAL = ['eq', 'ne'];
const ORDERED = [...EQUAL, 'gt', 'gte', 'lt', 'lte'];
const LISTS = ['in', 'notIn'];

export const IdFilter = filterType('IdFilter', () => ID, EQUAL, LISTS);
export const TextFilter = filterType('TextFilter', () => String, [...EQUAL, 'contains', 'startsWith'], LISTS);
export const IntFilter = filterType('IntFilter', () => Int, ORDERED, LISTS);
export const FloatFilter = filterType('FloatFilter', () => Float, ORDERED, []);
export const TimeFilter = filterType('TimeFilter', () => DateTime, ORDERED, []);
export const BooleanFilter = filterType('BooleanFilter', () => Boolean, ['eq'], []);

const enumFilters = new Map<object, new () => object>();
function enumFilter(name: string, values: object): new () => object {
  const known = enumFilters.get(values) ?? filterType(`${name}Filter`, () => values as never, EQUAL, LISTS);
  enumFilters.set(values, known);
  return known;
}

export interface ColumnField {
  kind: 'column';
  /** The PostgreSQL type that parameters are cast to. */
  sqlType: 'uuid' | 'text' | 'bigint' | 'double precision' | 'timestamptz' | 'boolean';
  /** `t.` stands for the list's own table. */
  sql: string;
  filter: () => object;
  /** Global ids of this type are turned into UUIDs. */
  idOf?: string;
  sortable: boolean;
  nullable: boolean;
}

/** Rows of another list that belong to this one; `on` joins `s.` (the other) to `t.` (this). */
export interface RelationField {
  kind: 'relation';
  list: () => { fields: Fields; table: string; name: string };
  on: string;
  many: boolean;
}

/** A named condition, given by its name; see catalog/condition. */
export interface ConditionField {
  kind: 'condition';
}

/** A filter with a meaning of its own, such as a search in several columns. */
export interface SpecialField {
  kind: 'special';
  type: () => unknown;
  description: string;
  /** Its SQL is never null. */
  exists?: boolean;
  /** SQL that is true, false or null of a row of `alias`. @throws ShingoError FILTER_INVALID */
  compile: (value: unknown, context: SpecialContext) => string;
}
export interface SpecialContext extends Pick<WhereContext, 'parameters' | 'perRow' | 'known'> {
  alias: string;
  /** Counts a term against the filter's limit. */
  spend: () => void;
}

export type ListField = ColumnField | RelationField | ConditionField | SpecialField;
export type Fields = Record<string, ListField>;

interface ColumnOptions {
  sort?: boolean;
  nullable?: boolean;
}
const column = (
  sqlType: ColumnField['sqlType'],
  filter: () => object,
  sql: string,
  { sort = false, nullable = false }: ColumnOptions = {},
): ColumnField => ({ kind: 'column', sqlType, sql, filter, sortable: sort, nullable });

export const text = (sql: string, options?: ColumnOptions) => column('text', () => TextFilter, sql, options);
export const int = (sql: string, options?: ColumnOptions) => column('bigint', () => IntFilter, sql, options);
export const float = (sql: string, options?: ColumnOptions) =>
  column('double precision', () => FloatFilter, sql, options);
export const time = (sql: string, options?: ColumnOptions) =>
  column('timestamptz', () => TimeFilter, sql, options);
export const boolean = (sql: string) => column('boolean', () => BooleanFilter, sql);
export const id = (type: string, sql: string): ColumnField => ({
  ...column('uuid', () => IdFilter, sql),
  idOf: type,
});
export const oneOf = (name: string, values: object, sql: string, options?: ColumnOptions) => {
  const filter = enumFilter(name, values);
  return column('text', () => filter, sql, options);
};
export const some = (list: RelationField['list'], on: string): RelationField => ({
  kind: 'relation',
  list,
  on,
  many: true,
});
export const its = (list: RelationField['list'], on: string): RelationField => ({
  kind: 'relation',
  list,
  on,
  many: false,
});
export const condition = (): ConditionField => ({ kind: 'condition' });
export const special = (field: Omit<SpecialField, 'kind'>): SpecialField => ({ kind: 'special', ...field });

const LARGEST: Record<ColumnField['sqlType'], string> = {
  uuid: "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
  text: "U&'\\+10FFFF'",
  bigint: '9223372036854775807',
  'double precision': "'Infinity'",
  timestamptz: "'infinity'",
  boolean: 'true',
};

/**
 * Missing values sort as the largest, as PostgreSQL has it; in this form an index and a row comparison serve them.
 * Filters of a column that can be sorted by are written in it too, so that one index serves both.
 */
export const sortExpression = (column: ColumnField): string =>
  column.nullable ? `coalesce(${column.sql}, ${LARGEST[column.sqlType]})` : column.sql;

/** No number or time that the API takes is as large as what stands for a missing one; a text may be. */
export const notMissing = (column: ColumnField): string =>
  column.sqlType === 'text'
    ? `${column.sql} IS NOT NULL`
    : `${sortExpression(column)} < ${LARGEST[column.sqlType]}`;
export const missing = (column: ColumnField): string =>
  column.sqlType === 'text'
    ? `${column.sql} IS NULL`
    : `${sortExpression(column)} >= ${LARGEST[column.sqlType]}`;
