/** How right a model is, by cell of a cross-tab: one pass over the lights that were evaluated. */
import type { DataSource } from 'typeorm';
import { CoverageDimension } from '../catalog/coverage/coverage.js';
import { keyOf, type CellTally, type Quality } from './keys.js';
import { evaluatedLights, type Chunk, type Column, type EvaluatedLights, type Words } from './lights.js';

/** The columns of what is not looked up by the place. */
const COLUMN: Partial<Record<CoverageDimension, Column>> = {
  ...{ WEATHER: 'weather', TIME_OF_DAY: 'timeOfDay', SCENE: 'scene', PLACE: 'place', HOUR: 'hour' },
  ...{ MONTH: 'month', LIGHT_COLOR: 'color', LIGHT_SIZE: 'size', CONDITION: 'conditions' },
};

interface Geography {
  id: string;
  country: string;
  prefecture: string;
  city: string;
  time_zone: string;
}

const NAMES = { COUNTRY: 'country', PREFECTURE: 'prefecture', CITY: 'city' } as const;

/** Of the places that lights were at, as they are now. */
const geographyOf = (db: DataSource, { codes }: Words): Promise<Geography[]> =>
  db.query(
    '/* collect.geography */ SELECT id, country, prefecture, city, time_zone FROM place WHERE id = ANY ($1::uuid[])',
    [codes.place.texts.slice(1)],
  );

/**
 * Right is: called by its colour; of a detection: found at IoU 0.5 and the protocol's score threshold, whatever its colour.
 * A light is in each of its conditions, and in none (null) if it has none.
 */
export async function qualityOf(
  db: DataSource,
  evaluationUuid: string,
  by: readonly CoverageDimension[],
): Promise<Quality> {
  let lights = await evaluatedLights(db, evaluationUuid);
  const tallies = await count(lights, by);
  const timed = by.includes(CoverageDimension.HOUR) || by.includes(CoverageDimension.MONTH);
  if (!timed && !by.some((dimension) => dimension in NAMES)) return cellsOf(by, lights.words, tallies, []);
  const places = await geographyOf(db, lights.words);
  if (!timed || places.every(({ id, time_zone }) => lights.words.zones.get(id) === time_zone))
    return cellsOf(by, lights.words, tallies, places);
  lights = await evaluatedLights(db, evaluationUuid, true);
  return cellsOf(by, lights.words, await count(lights, by), places);
}

interface Tallies {
  /** By the codes of the columns, the last one counting fastest. */
  cells: Map<number, { n: number; correct: number }>;
  columns: Column[];
  /** Codes of each column. */
  sizes: number[];
}

/** Of what is not kept; four columns together stay below 2^53. */
const MOST_CODES: Partial<Record<Column, number>> = { place: 1 << 20, conditions: 1 << 16 };
/** A cell that is counted in an array takes 8 bytes. */
const MOST_IN_ARRAY = 1 << 22;

/** By the columns that `by` needs, each once. */
async function count({ words, chunks }: EvaluatedLights, by: readonly CoverageDimension[]): Promise<Tallies> {
  const columns = [
    ...new Set(
      by.flatMap((dimension) => COLUMN[dimension] ?? (dimension in NAMES ? ['place' as const] : [])),
    ),
  ];
  const cells = new Map<number, { n: number; correct: number }>();
  // What is read while it is counted may bring new words; what is kept has all of them.
  const sizes = columns.map((column) =>
    Array.isArray(chunks) ? words.codes[column].texts.length : (MOST_CODES[column] ?? 1 << 8),
  );
  const product = sizes.reduce((all, size) => all * size, 1);
  const dense = product <= MOST_IN_ARRAY ? [new Int32Array(product), new Int32Array(product)] : null;
  for await (const chunk of chunks) {
    const numbers = cellNumbers(chunk, columns, sizes);
    for (let at = 0; at < chunk.size; at++) {
      const [number, right] = [numbers[at]!, chunk.right[at]!];
      if (dense) {
        dense[0]![number]! += 1;
        dense[1]![number]! += right;
        continue;
      }
      const cell = cells.get(number);
      if (!cell) cells.set(number, { n: 1, correct: right });
      else {
        cell.n += 1;
        cell.correct += right;
      }
    }
  }
  dense?.[0]!.forEach((n, number) => {
    if (n > 0) cells.set(number, { n, correct: dense[1]![number]! });
  });
  return { cells, columns, sizes };
}

function cellNumbers({ size, codes }: Chunk, columns: Column[], sizes: number[]): Float64Array {
  const numbers = new Float64Array(size);
  columns.forEach((column, place) => {
    const [values, base] = [codes[column], sizes[place]!];
    for (let at = 0; at < size; at++) numbers[at] = numbers[at]! * base + values[at]!;
  });
  return numbers;
}

/** The cells of the answer: several columns' cells may be one, such as the places of a city. */
function cellsOf(
  by: readonly CoverageDimension[],
  words: Words,
  { cells, columns, sizes }: Tallies,
  places: Geography[],
): Quality {
  const placeOf = new Map(places.map((place) => [place.id, place]));
  const found = new Map<string, CellTally>();
  const overall = { n: 0, correct: 0 };
  for (const [number, { n, correct }] of cells) {
    overall.n += n;
    overall.correct += correct;
    const codes = codesOf(number, sizes);
    const code = (column: Column) => codes[columns.indexOf(column)]!;
    const text = (column: Column) => words.codes[column].texts[code(column)] ?? null;
    const members = by.includes(CoverageDimension.CONDITION) ? words.conditions[code('conditions')]! : [null];
    for (const condition of members) {
      const keys = by.map((dimension) => {
        if (dimension === CoverageDimension.CONDITION) return condition;
        if (dimension === CoverageDimension.HAS_LIGHT) return 'YES';
        const name = NAMES[dimension as keyof typeof NAMES];
        if (name) return placeOf.get(text('place') ?? '')?.[name] ?? null;
        return text(COLUMN[dimension]!);
      });
      const key = keyOf(keys);
      const cell = found.get(key);
      if (!cell) found.set(key, { keys, n, correct });
      else {
        cell.n += n;
        cell.correct += correct;
      }
    }
  }
  return { cells: [...found.values()], overall };
}

function codesOf(number: number, sizes: number[]): number[] {
  const codes = new Array<number>(sizes.length);
  for (let place = sizes.length - 1, rest = number; place >= 0; place--) {
    codes[place] = rest % sizes[place]!;
    rest = Math.floor(rest / sizes[place]!);
  }
  return codes;
}
