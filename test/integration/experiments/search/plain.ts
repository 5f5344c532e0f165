/** What filters and orders of experiments mean, over plain objects. */
import type { ExperimentOrder } from '../../../../src/experiments/search/order.js';
import { Direction } from '../../../../src/graphql/list/connection.js';
import type { Where } from '../../../../src/graphql/list/where.js';
import { SERIES, type ExperimentRow, type SeriesKey, type Summary } from './experimentRows.js';

type Filter = Record<string, any>;

function compare(asked: unknown, given: unknown): boolean {
  const value = typeof given === 'number' && Number.isNaN(given) ? null : (given ?? null);
  return Object.entries((asked ?? {}) as Filter).every(([operator, operand]) => {
    if (operator === 'isNull') return (value === null) === operand;
    if (value === null) return false;
    const known = value as number;
    switch (operator) {
      case 'eq':
        return known === operand;
      case 'ne':
        return known !== operand;
      case 'gt':
        return known > operand;
      case 'gte':
        return known >= operand;
      case 'lte':
        return known <= operand;
      case 'contains':
        return Array.isArray(value) ? value.includes(operand) : (value as string).includes(operand);
      default:
        throw new Error(`No plain ${operator}.`);
    }
  });
}

const valueOf = (value: unknown, type: string) => (typeof value === type ? value : null);

function parameterHolds(filter: Filter, [name, value]: [string, unknown]): boolean {
  const list = Array.isArray(value) ? (value as unknown[]) : null;
  const listOf = (type: string) => (list && typeof (list[0] ?? 0) === type ? list : null);
  const typed: Filter = {
    name,
    number: valueOf(value, 'number'),
    text: valueOf(value, 'string'),
    boolean: valueOf(value, 'boolean'),
    numbers: listOf('number'),
    texts: listOf('string'),
  };
  return Object.entries(filter).every(([field, asked]) => compare(asked, typed[field]));
}

function metricHolds(filter: Filter, summary: Summary): boolean {
  const typed: Filter = { ...(SERIES[summary.series] as SeriesKey), ...summary };
  return Object.entries(filter).every(([field, asked]) => compare(asked, typed[field]));
}

export function holds(where: Where, row: ExperimentRow): boolean {
  return Object.entries<any>(where).every(([name, value]) => {
    switch (name) {
      case 'and':
        return value.every((inner: Where) => holds(inner, row));
      case 'or':
        return value.some((inner: Where) => holds(inner, row));
      case 'not':
        return !holds(value, row);
      case 'parameters':
        return Object.entries(row.parameters).some((one) => parameterHolds(value.some, one));
      case 'metrics':
        return row.metrics.some((summary) => metricHolds(value.some, summary));
      case 'tags':
        return row.tags.some((tag) => compare(value.some.tag, tag));
      default:
        return compare(value, row[name as 'state']);
    }
  });
}

/** What a row is ordered by: a rank of kinds, which no direction turns round, and a value; null: it has none. */
function keyOf(row: ExperimentRow, order: ExperimentOrder): [number, number | string | boolean] | null {
  if (order.parameter) {
    const value = row.parameters[order.parameter.name];
    const rank = ['number', 'string', 'boolean'].indexOf(typeof value);
    return rank < 0 || value == null || Array.isArray(value) ? null : [rank, value];
  }
  const { which, name, split, condition, class: kind } = order.metric as NonNullable<typeof order.metric>;
  const same = (key: SeriesKey) =>
    key.name === name && key.split === split && key.condition === condition && key.class === kind;
  const value = row.metrics.find(({ series }) => same(SERIES[series] as SeriesKey))?.[which];
  return value == null || Number.isNaN(value) ? null : [0, value];
}

export function inOrder(rows: ExperimentRow[], order: ExperimentOrder | null): ExperimentRow[] {
  const sign = order?.direction === Direction.DESC ? -1 : 1;
  const less = <T>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0);
  return [...rows].sort((a, b) => {
    const [x, y] = order ? [keyOf(a, order), keyOf(b, order)] : [null, null];
    if ((x === null) !== (y === null)) return x === null ? 1 : -1;
    const kinds = x && y ? x[0] - y[0] : 0;
    return kinds || (x && y ? sign * less(x[1], y[1]) : 0) || sign * less(a.uuid, b.uuid);
  });
}
