/** What a filter says of one column → SQL. */
import { ShingoError } from '../../platform/error.js';
import { uuidOf } from '../node.js';
import { missing, notMissing, sortExpression, type ColumnField } from './fields.js';
import type { Parameters, Where } from './where.js';

const MAX_LIST = 1000;

const refuse = (message: string): never => {
  throw new ShingoError('FILTER_INVALID', message);
};

const COMPARE: Record<string, string> = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** @throws ShingoError FILTER_INVALID */
export function compileColumn(
  name: string,
  field: ColumnField,
  filter: Where,
  parameters: Parameters,
  alias: string,
): string {
  const terms = Object.entries(filter)
    .filter(([, value]) => value !== undefined)
    .map(([operator, value]) => {
      if (value === null)
        return refuse(`${name}.${operator} is null; ask for missing values with isNull: true.`);
      return comparison(name, field, operator, value, parameters);
    });
  if (terms.length === 0) return 'true';
  return `(${terms.join(' AND ')})`.replaceAll(/\bt\./g, `${alias}.`);
}

function comparison(
  name: string,
  field: ColumnField,
  operator: string,
  value: unknown,
  parameters: Parameters,
): string {
  const { sql, sqlType } = field;
  // In the form that its index has, where there is one.
  const indexed = field.sortable && field.nullable;
  const key = indexed ? sortExpression(field) : sql;
  const known = (comparison: string) => (indexed ? `(${comparison} AND ${notMissing(field)})` : comparison);
  const operand = (one: unknown) => (field.idOf ? uuidOf(field.idOf, String(one)) : one);
  switch (operator) {
    case 'isNull':
      if (indexed) return value ? missing(field) : notMissing(field);
      return value ? `${sql} IS NULL` : `${sql} IS NOT NULL`;
    case 'in':
    case 'notIn': {
      const list = value as unknown[];
      // Without this a missing value would be not in an empty list: no comparison holds of it.
      if (list.length === 0) return operator === 'in' ? 'false' : `${sql} IS NOT NULL`;
      if (list.length > MAX_LIST) refuse(`${name}.${operator} may list ${MAX_LIST} values.`);
      const any = `= ANY(${parameters.add(list.map(operand), `${sqlType}[]`)})`;
      return operator === 'in' ? known(`${key} ${any}`) : `NOT ${sql} ${any}`;
    }
    case 'contains':
      return `position(${parameters.add(value, 'text')} in ${sql}) > 0`;
    case 'startsWith':
      return `starts_with(${sql}, ${parameters.add(value, 'text')})`;
    case 'ne':
      return `${sql} <> ${parameters.add(operand(value), sqlType)}`;
    default: {
      const compare = COMPARE[operator] ?? refuse(`There is no operator ${operator}.`);
      return known(`${key} ${compare} ${parameters.add(operand(value), sqlType)}`);
    }
  }
}
