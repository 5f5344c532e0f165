/** Filters over columns: one byte a row, and the tests that the operators of a filter make. One pass a term. */
import type { Where } from '../../../graphql/list/where.js';

/** One byte a row: 1 where the filter holds. */
export type Mask = Uint8Array;

/** The rows that a term other than `and`, `or` and `not` holds of, in a mask of the caller's own. */
type Term = (name: string, value: unknown) => Mask | Promise<Mask>;

/**
 * The rows that a filter holds of, by its terms.
 * @param where has been compiled once already, so that it is well-formed
 */
export async function evaluate(size: number, where: Where | null | undefined, term: Term): Promise<Mask> {
  const inner = (one: Where) => () => evaluate(size, one, term);
  const parts = Object.entries(where ?? {})
    .filter(([, value]) => value != null)
    .map(([name, value]) => () => {
      if (name === 'and') return combined((value as Where[]).map(inner), intersect, size, 1);
      if (name === 'or') return combined((value as Where[]).map(inner), unite, size, 0);
      return name === 'not' ? inner(value as Where)().then(complement) : term(name, value);
    });
  return combined(parts, intersect, size, 1);
}

/** One after the other; `empty` where there is none. */
async function combined(
  parts: (() => Mask | Promise<Mask>)[],
  combine: (mask: Mask, other: Mask) => void,
  size: number,
  empty: 0 | 1,
): Promise<Mask> {
  if (parts.length === 0) return new Uint8Array(size).fill(empty);
  const mask = await parts[0]!();
  for (const part of parts.slice(1)) combine(mask, await part());
  return mask;
}

// Loops are in functions of their own: within an async one they run 30 times slower.
export function intersect(mask: Mask, other: Mask): void {
  for (let row = 0; row < mask.length; row++) mask[row]! &= other[row]!;
}
function unite(mask: Mask, other: Mask): void {
  for (let row = 0; row < mask.length; row++) mask[row]! |= other[row]!;
}
function complement(mask: Mask): Mask {
  for (let row = 0; row < mask.length; row++) mask[row]! ^= 1;
  return mask;
}

export type Test<T> = (value: T) => boolean;

/** The test that the operators of a filter make together; a comparison with a missing value does not hold. */
export function testOf<T extends number | string>(
  filter: Where,
  operand: (value: unknown) => T,
): Test<T | null> {
  const tests = Object.entries(filter)
    .filter(([, value]) => value !== undefined)
    .map(([operator, given]): Test<T | null> => {
      if (operator === 'isNull') return (value) => (value === null) === given;
      if (operator === 'in' || operator === 'notIn') {
        const set = new Set((given as unknown[]).map(operand));
        const wanted = operator === 'in';
        return (value) => value !== null && set.has(value) === wanted;
      }
      const to = operand(given);
      const compare = COMPARE[operator] as (a: T, b: T) => boolean;
      return (value) => value !== null && compare(value, to);
    });
  return (value) => tests.every((test) => test(value));
}

const COMPARE: Record<string, (a: never, b: never) => boolean> = {
  eq: (a: unknown, b: unknown) => a === b,
  ne: (a: unknown, b: unknown) => a !== b,
  gt: (a: number, b: number) => a > b,
  gte: (a: number, b: number) => a >= b,
  lt: (a: number, b: number) => a < b,
  lte: (a: number, b: number) => a <= b,
  contains: (a: string, b: string) => a.includes(b),
  startsWith: (a: string, b: string) => a.startsWith(b),
};

/** A test of each code's text: once, and not of each row. */
export const codesThat = (texts: readonly (string | null)[], filter: Where): Uint8Array => {
  const test = testOf(filter, String);
  return Uint8Array.from(texts, (text) => Number(test(text)));
};

/** Times are compared as milliseconds, which is what the database keeps. */
export const number = (value: unknown): number =>
  value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : Number(value);

/** The first `size` rows of a column of numbers; NaN is missing. All comparisons of the filter are one pass. */
export function numbers(column: Float64Array, size: number, filter: Where): Mask {
  let [least, most] = [-Infinity, Infinity];
  let compared = false;
  const masks: Mask[] = [];
  for (const [operator, given] of Object.entries(filter)) {
    if (given === undefined) continue;
    if (operator === 'isNull') masks.push(missing(column, size, given as boolean));
    else if (operator === 'ne') masks.push(different(column, size, number(given)));
    else if (operator === 'in' || operator === 'notIn')
      masks.push(listed(column, size, (given as unknown[]).map(number), operator === 'in'));
    else {
      const [from, to] = intervalOf(operator, number(given));
      [least, most] = [Math.max(least, from), Math.min(most, to)];
      compared = true;
    }
  }
  if (compared) masks.push(between(column, size, least, most));
  const mask = masks.pop() ?? new Uint8Array(size).fill(1);
  for (const other of masks) intersect(mask, other);
  return mask;
}

// Without branches: which way they go can seldom be foretold.
function between(column: Float64Array, size: number, least: number, most: number): Mask {
  const mask = new Uint8Array(size);
  for (let row = 0; row < size; row++)
    mask[row] = Number(column[row]! >= least) & Number(column[row]! <= most);
  return mask;
}
function different(column: Float64Array, size: number, to: number): Mask {
  const mask = new Uint8Array(size);
  for (let row = 0; row < size; row++) mask[row] = Number(column[row]! < to) | Number(column[row]! > to);
  return mask;
}
function missing(column: Float64Array, size: number, wanted: boolean): Mask {
  const mask = new Uint8Array(size);
  for (let row = 0; row < size; row++) mask[row] = Number(Number.isNaN(column[row]!) === wanted);
  return mask;
}
function listed(column: Float64Array, size: number, list: number[], wanted: boolean): Mask {
  const mask = new Uint8Array(size);
  const set = new Set(list);
  for (let row = 0; row < size; row++) {
    const found = column[row]!;
    mask[row] = Number(!Number.isNaN(found) && set.has(found) === wanted);
  }
  return mask;
}

/** The numbers that a comparison holds of, both ends among them. */
function intervalOf(operator: string, to: number): [least: number, most: number] {
  switch (operator) {
    case 'eq':
      return [to, to];
    case 'gt':
      return [neighbour(to, 1), Infinity];
    case 'gte':
      return [to, Infinity];
    case 'lt':
      return [-Infinity, neighbour(to, -1)];
    case 'lte':
      return [-Infinity, to];
    default:
      throw new Error(`There is no comparison ${operator}.`);
  }
}

const DOUBLE = new Float64Array(1);
const BITS = new BigInt64Array(DOUBLE.buffer);

/** The next double above (1) or below (-1): less than 20 is at most 19.999999999999996. */
function neighbour(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * Number.MIN_VALUE;
  DOUBLE[0] = value;
  BITS[0]! += value > 0 === direction > 0 ? 1n : -1n;
  return DOUBLE[0];
}
