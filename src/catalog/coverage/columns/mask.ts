/**
 * Which rows a filter holds of, over columns: one pass a term, about 1 ms for a million images. What no column carries
 * (file names, boxes that are no lights) is asked of PostgreSQL, within the snapshot that the columns are of.
 */
import { Parameters, compileWhere, type Where } from '../../../graphql/list/where.js';
import { imageFields } from '../../image/imageFields.js';
import { placeList } from '../../place/place.js';
import { floats, sent } from './binary.js';
import type { SnapshotClient } from './sync.js';
import { CODED, LIGHT_COLORS, NUMBERS, type Columns, type NumberColumn } from './columns.js';

/** One byte a row: 1 where the filter holds. */
export type Mask = Uint8Array;

export interface MaskContext {
  columns: Columns;
  client: SnapshotClient;
  projectUuid: string;
  condition: (name: string) => Where;
}

/** The rows in a condition; kept until a row changes. */
export async function memberMask(context: MaskContext, filter: Where): Promise<Mask> {
  const { masks } = context.columns;
  const key = JSON.stringify(filter);
  const mask = masks.get(key) ?? (await maskOf(context, filter));
  masks.set(key, mask);
  return mask;
}

/** @param where has been compiled once already, so that it is well-formed */
export async function maskOf(context: MaskContext, where: Where | null | undefined): Promise<Mask> {
  const { columns } = context;
  const mask = columns.alive.slice(0, columns.size);
  for (const [name, value] of Object.entries(where ?? {})) {
    if (value == null) continue;
    intersect(mask, await termMask(context, name, value));
  }
  return mask;
}

async function termMask(context: MaskContext, name: string, value: unknown): Promise<Mask> {
  const { columns } = context;
  if (name === 'and') {
    const mask = all(columns);
    for (const one of value as Where[]) intersect(mask, await maskOf(context, one));
    return mask;
  }
  if (name === 'or') {
    const mask = new Uint8Array(columns.size);
    for (const one of value as Where[]) unite(mask, await maskOf(context, one));
    return mask;
  }
  if (name === 'not') return complement(await maskOf(context, value as Where));
  if (name === 'condition') return maskOf(context, context.condition(String(value)));
  const filter = value as Where;
  if (name === 'weather' || name === 'timeOfDay' || name === 'scene')
    return codes(columns, columns[name], [null, ...CODED[name]], filter);
  if (name === 'drive') return codes(columns, columns.drive, columns.drives.texts, filter);
  if (name === 'conflict') {
    const { weatherConflict: a, timeOfDayConflict: b } = columns.numbers;
    return numbers(columns, filter, (row) => Math.max(a[row] as number, b[row] as number));
  }
  if ((NUMBERS as readonly string[]).includes(name)) {
    const column = columns.numbers[name as NumberColumn];
    return numbers(columns, filter, (row) => column[row] as number);
  }
  if (name === 'place') return ofPlaces(context, filter);
  // Without an operator it holds of images without a place as well.
  if (
    name === 'placeId' &&
    filter.isNull === undefined &&
    Object.values(filter).some((one) => one !== undefined)
  )
    return ofPlaces(context, { id: filter });
  const lights = name === 'annotations' ? lightTest(filter.some as Where | undefined) : null;
  return lights ? lightMask(columns, lights) : asked(context, { [name]: value });
}

const all = (columns: Columns): Mask => new Uint8Array(columns.size).fill(1);

function intersect(mask: Mask, other: Mask): void {
  for (let row = 0; row < mask.length; row++) mask[row]! &= other[row]!;
}
function unite(mask: Mask, other: Mask): void {
  for (let row = 0; row < mask.length; row++) mask[row]! |= other[row]!;
}
function complement(mask: Mask): Mask {
  for (let row = 0; row < mask.length; row++) mask[row]! ^= 1;
  return mask;
}

type Test<T> = (value: T) => boolean;

/** The test that the operators of a filter make together; a comparison with a missing value does not hold. */
function testOf<T extends number | string>(filter: Where, operand: (value: unknown) => T): Test<T | null> {
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

/** A test of each code's text, once, and then of each row. */
function codes(columns: Columns, column: Int32Array, texts: readonly (string | null)[], filter: Where): Mask {
  const test = testOf(filter, String);
  const holds = Uint8Array.from(texts, (text) => Number(test(text)));
  const mask = new Uint8Array(columns.size);
  for (let row = 0; row < mask.length; row++) mask[row] = holds[column[row] as number] as number;
  return mask;
}

/** Times are compared as milliseconds, which is what the database keeps. */
const number = (value: unknown): number =>
  value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : Number(value);

function numbers(columns: Columns, filter: Where, value: (row: number) => number): Mask {
  const mask = new Uint8Array(columns.size);
  const range = rangeOf(filter);
  if (range) {
    const [least, most] = range;
    for (let row = 0; row < mask.length; row++) {
      const found = value(row);
      mask[row] = Number(found >= least && found <= most);
    }
    return mask;
  }
  const test = testOf(filter, number);
  for (let row = 0; row < mask.length; row++) {
    const found = value(row);
    mask[row] = Number(test(Number.isNaN(found) ? null : found));
  }
  return mask;
}

/** A filter of gte, lte and eq as an interval, which one pass without calls tests; null: it is more than that. */
function rangeOf(filter: Where): [least: number, most: number] | null {
  let [least, most] = [-Infinity, Infinity];
  // No operator holds of a missing value as well.
  if (Object.values(filter).every((given) => given === undefined)) return null;
  for (const [operator, given] of Object.entries(filter)) {
    if (given === undefined) continue;
    if (operator !== 'gte' && operator !== 'lte' && operator !== 'eq') return null;
    if (operator !== 'lte') least = Math.max(least, number(given));
    if (operator !== 'gte') most = Math.min(most, number(given));
  }
  return [least, most];
}

async function ofPlaces({ columns, client, projectUuid }: MaskContext, where: Where): Promise<Mask> {
  const parameters = new Parameters();
  const project = parameters.add(projectUuid, 'uuid');
  const { rows } = await client.query<{ id: string }>(
    `/* coverage.placesWhere */ SELECT t.id FROM place t WHERE t.project_id = ${project}
     AND ${compileWhere(placeList.fields, where, { parameters })}`,
    parameters.values,
  );
  const holds = new Uint8Array(columns.places.texts.length);
  for (const { id } of rows) holds[columns.places.code(id)] = 1;
  const mask = new Uint8Array(columns.size);
  for (let row = 0; row < mask.length; row++) mask[row] = holds[columns.place[row] as number] ?? 0;
  return mask;
}

interface LightTest {
  color: Test<string | null>;
  width: Test<number | null>;
}

/** A filter of boxes that lights alone can meet, by colour and width; null: it asks for more than the columns have. */
function lightTest(some: Where | undefined): LightTest | null {
  if (!some) return null;
  const { category, color, width, ...rest } = some as Record<string, Where | null | undefined>;
  if (Object.values(rest).some((value) => value != null)) return null;
  const onlyCategory = category && Object.keys(category).length === 1 && category.eq === 'TRAFFIC_LIGHT';
  if (category && !onlyCategory) return null;
  // Only lights have a colour, so a filter that a missing one cannot meet is about lights.
  const colored = testOf<string>(color ?? {}, String);
  if (!onlyCategory && (!color || colored(null))) return null;
  return { color: colored, width: testOf(width ?? {}, number) };
}

function lightMask(columns: Columns, { color, width }: LightTest): Mask {
  const holds = Uint8Array.from([null, ...LIGHT_COLORS], (name) => Number(color(name)));
  const mask = new Uint8Array(columns.size);
  for (let row = 0; row < mask.length; row++) {
    const start = columns.lightStart[row] as number;
    const end = start + (columns.lightCount[row] as number);
    for (let k = start; k < end; k++) {
      if (holds[columns.lightKind[k]! >> 2] === 0 || !width(columns.lightWidth[k] as number)) continue;
      mask[row] = 1;
      break;
    }
  }
  return mask;
}

/** A term that only PostgreSQL can answer. */
async function asked({ columns, client, projectUuid }: MaskContext, where: Where): Promise<Mask> {
  const parameters = new Parameters();
  const project = parameters.add(projectUuid, 'uuid');
  const { rows } = await client.query<{ nrs: string | null }>(
    `/* coverage.imagesWhere */ SELECT ${sent('array_agg(t.nr::float8)')} AS nrs FROM image t
     WHERE t.project_id = ${project} AND ${compileWhere(imageFields(), where, { parameters })}`,
    parameters.values,
  );
  const mask = new Uint8Array(columns.size);
  for (const nr of floats(rows[0]?.nrs ?? null)) mask[columns.row(nr) as number] = 1;
  return mask;
}
