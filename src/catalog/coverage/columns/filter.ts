/** Filters over columns: one byte a row, and the tests that the operators of a filter make. One pass a term. */
import type { Where } from '../../../graphql/list/where.js';

/** One byte a row: 1 where the filter holds. */
export type Mask = Uint8Array;

/**
 * The rows that a filter holds of, by its terms.
 * @param where has been compiled once already, so that it is well-formed
 * @param term the rows that a term other than `and`, `or` and `not` holds of
 */
export async function evaluate(
  size: number,
  where: Where | null | undefined,
  term: (name: string, value: unknown) => Mask | Promise<Mask>,
): Promise<Mask> {
  const mask = new Uint8Array(size).fill(1);
  for (const [name, value] of Object.entries(where ?? {})) {
    if (value == null) continue;
    if (name === 'and') for (const one of value as Where[]) intersect(mask, await evaluate(size, one, term));
    else if (name === 'or') intersect(mask, await anyOf(size, value as Where[], term));
    else if (name === 'not') intersect(mask, complement(await evaluate(size, value as Where, term)));
    else intersect(mask, await term(name, value));
  }
  return mask;
}

async function anyOf(size: number, list: Where[], term: Parameters<typeof evaluate>[2]): Promise<Mask> {
  const mask = new Uint8Array(size);
  for (const one of list) unite(mask, await evaluate(size, one, term));
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

/** The first `size` rows of a column of numbers; NaN is missing. */
export function numbers(column: Float64Array, size: number, filter: Where): Mask {
  const mask = new Uint8Array(size);
  const range = rangeOf(filter);
  if (range) {
    const [least, most] = range;
    for (let row = 0; row < mask.length; row++)
      mask[row] = Number(column[row]! >= least && column[row]! <= most);
    return mask;
  }
  const test = testOf(filter, number);
  for (let row = 0; row < mask.length; row++) {
    const found = column[row]!;
    mask[row] = Number(test(Number.isNaN(found) ? null : found));
  }
  return mask;
}

/** A filter of comparisons as an interval, both ends in it, which one pass without calls tests; null: it is more. */
function rangeOf(filter: Where): [least: number, most: number] | null {
  let [least, most] = [-Infinity, Infinity];
  const operators = Object.entries(filter).filter(([, given]) => given !== undefined);
  // No operator holds of a missing value as well.
  if (operators.length === 0) return null;
  for (const [operator, given] of operators) {
    const to = number(given);
    if (operator === 'gte' || operator === 'eq') least = Math.max(least, to);
    if (operator === 'lte' || operator === 'eq') most = Math.min(most, to);
    if (operator === 'gt') least = Math.max(least, neighbour(to, 1));
    if (operator === 'lt') most = Math.min(most, neighbour(to, -1));
    if (!RANGES.has(operator)) return null;
  }
  return [least, most];
}
const RANGES = new Set(['eq', 'gt', 'gte', 'lt', 'lte']);

const DOUBLE = new Float64Array(1);
const BITS = new BigInt64Array(DOUBLE.buffer);

/** The next double above (1) or below (-1): less than 20 is at most 19.999999999999996. */
function neighbour(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * Number.MIN_VALUE;
  DOUBLE[0] = value;
  BITS[0]! += value > 0 === direction > 0 ? 1n : -1n;
  return DOUBLE[0];
}
