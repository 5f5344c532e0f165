/**
 * Which rows a filter holds of, over columns: one pass a term, about 1 ms for a million images. What no column carries
 * (file names) is asked of PostgreSQL, within the snapshot that the columns are of.
 */
import { Parameters, compileWhere, type Where } from '../../../graphql/list/where.js';
import { imageFields } from '../../image/imageFields.js';
import { placeList } from '../../place/place.js';
import { floats, sent } from './binary.js';
import { imagesWith, isKept } from './boxes/boxMask.js';
import type { Boxes } from './boxes/boxes.js';
import { CODED, LIGHT_COLORS, NUMBERS, type Columns, type NumberColumn } from './columns.js';
import { codesThat, evaluate, intersect, number, numbers, testOf, type Mask, type Test } from './filter.js';
import type { SnapshotClient } from './sync.js';

export interface MaskContext {
  columns: Columns;
  client: SnapshotClient;
  projectUuid: string;
  condition: (name: string) => Where;
  /** Null: there is no room for them in memory. */
  boxes: () => Promise<Boxes | null>;
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
  const { size, alive } = context.columns;
  const mask = await evaluate(size, where, (name, value) => termMask(context, name, value));
  intersect(mask, alive);
  return mask;
}

function termMask(context: MaskContext, name: string, value: unknown): Mask | Promise<Mask> {
  const { columns } = context;
  if (name === 'condition') return maskOf(context, context.condition(String(value)));
  const filter = value as Where;
  if (name === 'weather' || name === 'timeOfDay' || name === 'scene')
    return codes(columns, columns[name], [null, ...CODED[name]], filter);
  if (name === 'drive') return codes(columns, columns.drive, columns.drives.texts, filter);
  if (name === 'conflict') {
    const { weatherConflict: a, timeOfDayConflict: b } = columns.numbers;
    const larger = Float64Array.from({ length: columns.size }, (_, row) =>
      Math.max(a[row] as number, b[row] as number),
    );
    return numbers(larger, columns.size, filter);
  }
  if ((NUMBERS as readonly string[]).includes(name))
    return numbers(columns.numbers[name as NumberColumn], columns.size, filter);
  if (name === 'place') return ofPlaces(context, filter);
  // Without an operator it holds of images without a place as well.
  if (
    name === 'placeId' &&
    filter.isNull === undefined &&
    Object.values(filter).some((one) => one !== undefined)
  )
    return ofPlaces(context, { id: filter });
  return name === 'annotations' ? ofBoxes(context, filter) : asked(context, { [name]: value });
}

/** Lights are always in memory; the other boxes from the first question about them on. */
async function ofBoxes(context: MaskContext, filter: Where): Promise<Mask> {
  const { columns } = context;
  const some = filter.some as Where | undefined;
  const lights = lightTest(some);
  if (lights) return lightMask(columns, lights);
  const boxes = isKept(some) ? await context.boxes() : null;
  return boxes ? imagesWith(boxes, columns.size, some) : asked(context, { annotations: filter });
}

/** A test of each code's text, once, and then of each row. */
function codes(columns: Columns, column: Int32Array, texts: readonly (string | null)[], filter: Where): Mask {
  const holds = codesThat(texts, filter);
  const mask = new Uint8Array(columns.size);
  for (let row = 0; row < mask.length; row++) mask[row] = holds[column[row] as number] as number;
  return mask;
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
