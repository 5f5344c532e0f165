/** Filters by their plain meaning: random ones, and an evaluation of them that knows no SQL. */
import fc from 'fast-check';
import type { Where } from '../../../../src/graphql/list/where.js';

export type Value = string | number | boolean | null;
export interface Row {
  values: Record<string, Value>;
  /** Rows of the lists that belong to this one: none, one (`its`) or many (`some`). */
  related: Record<string, Row[]>;
}

export type Kind = 'id' | 'text' | 'int' | 'float' | 'time' | 'enum' | 'boolean';
/** What a list can be filtered by, with values that occur in it (so that filters hold of something). */
export interface Shape {
  columns: Record<string, { kind: Kind; samples: Exclude<Value, null>[] }>;
  relations: Record<string, { shape: Shape; many: boolean }>;
}

const EQUAL = ['eq', 'ne'];
const ORDERED = [...EQUAL, 'gt', 'gte', 'lt', 'lte'];
const LISTS = ['in', 'notIn'];
export const OPERATORS: Record<Kind, string[]> = {
  id: [...EQUAL, ...LISTS, 'isNull'],
  text: [...EQUAL, 'contains', 'startsWith', ...LISTS, 'isNull'],
  int: [...ORDERED, ...LISTS, 'isNull'],
  float: [...ORDERED, 'isNull'],
  time: [...ORDERED, 'isNull'],
  enum: [...EQUAL, ...LISTS, 'isNull'],
  boolean: ['eq', 'isNull'],
};

function comparison(kind: Kind, samples: Exclude<Value, null>[]): fc.Arbitrary<Where> {
  const one = fc.constantFrom(...samples);
  const operators = OPERATORS[kind].map((operator) => {
    if (operator === 'isNull') return fc.boolean().map((value) => ({ [operator]: value }));
    if (LISTS.includes(operator))
      return fc.array(one, { maxLength: 3 }).map((list) => ({ [operator]: list }));
    if (operator === 'contains' || operator === 'startsWith') {
      const part = fc.tuple(one, fc.nat(3), fc.nat(4));
      return part.map(([text, from, length]) => ({
        [operator]: [...String(text)].slice(from, from + length).join(''),
      }));
    }
    return one.map((value) => ({ [operator]: value }));
  });
  const single = fc.oneof(...operators);
  return fc.oneof(
    { weight: 5, arbitrary: single },
    fc.tuple(single, single).map(([a, b]) => ({ ...a, ...b })),
    fc.constant({}),
  );
}

/** A filter of this shape, nested at most `depth` deep. */
export function filterOf(shape: Shape, depth: number): fc.Arbitrary<Where> {
  const columns = Object.entries(shape.columns).map(([name, { kind, samples }]) =>
    comparison(kind, samples).map((inner) => ({ [name]: inner })),
  );
  const term = fc.oneof(...columns);
  if (depth === 0)
    return fc.oneof(
      { weight: 6, arbitrary: term },
      fc.tuple(term, term).map(([a, b]) => ({ ...a, ...b })),
    );
  const inner = filterOf(shape, depth - 1);
  const relations = Object.entries(shape.relations).map(([name, { shape: other, many }]) =>
    filterOf(other, depth - 1).map((where) => ({ [name]: many ? { some: where } : where })),
  );
  return fc.oneof(
    { weight: 3, arbitrary: inner },
    { weight: 2, arbitrary: inner.map((not) => ({ not })) },
    fc.array(inner, { maxLength: 3 }).map((and) => ({ and })),
    fc.array(inner, { maxLength: 3 }).map((or) => ({ or })),
    fc.tuple(term, inner).map(([a, not]) => ({ ...a, not })),
    ...relations,
  );
}

/** Does the filter hold? Of a missing value no comparison does; `not` is the complement. */
export function holds(shape: Shape, where: Where, row: Row): boolean {
  return Object.entries(where).every(([name, value]) => {
    if (name === 'and') return (value as Where[]).every((inner) => holds(shape, inner, row));
    if (name === 'or') return (value as Where[]).some((inner) => holds(shape, inner, row));
    if (name === 'not') return !holds(shape, value as Where, row);
    const relation = shape.relations[name];
    if (relation) {
      const inner = (relation.many ? (value as { some: Where }).some : value) as Where;
      return (row.related[name] ?? []).some((other) => holds(relation.shape, inner, other));
    }
    return Object.entries(value as Where).every(([operator, operand]) =>
      compare(operator, row.values[name] ?? null, operand),
    );
  });
}

function compare(operator: string, given: Value, operand: unknown): boolean {
  if (operator === 'isNull') return (given === null) === operand;
  if (given === null) return false;
  // Ordered values are of one type: numbers, or texts of one form.
  const value = given as number;
  switch (operator) {
    case 'eq':
      return value === operand;
    case 'ne':
      return value !== operand;
    case 'gt':
      return value > (operand as number);
    case 'gte':
      return value >= (operand as number);
    case 'lt':
      return value < (operand as number);
    case 'lte':
      return value <= (operand as number);
    case 'in':
      return (operand as Value[]).includes(given);
    case 'notIn':
      return !(operand as Value[]).includes(given);
    case 'contains':
      return String(given).includes(operand as string);
    case 'startsWith':
      return String(given).startsWith(operand as string);
    default:
      throw new Error(`There is no meaning for ${operator}.`);
  }
}
