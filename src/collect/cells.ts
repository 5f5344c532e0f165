/** The cells that could be collected: those that images or lights are in, and those that nothing is in yet. */
import { CoverageDimension } from '../catalog/coverage/coverage.js';
import { KEYS } from '../catalog/coverage/columns/axes.js';
import type { Where } from '../graphql/list/where.js';
import { ShingoError } from '../platform/error.js';
import { couldHold, type Known } from './possible.js';
import { shareOf, type CollectionPlace, type SunHours, Suns } from './world.js';
import { keyOf } from './keys.js';

const MAX_CELLS = 10_000;

export interface NamedFilter {
  name: string;
  filter: Where;
}

export interface Possibilities {
  places: CollectionPlace[];
  conditions: NamedFilter[];
  suns: Suns;
}

type Keys = string[];

/** Nobody drives out for "nobody has said" or "could not be told". */
export const isDefinite = (keys: readonly (string | null)[]): keys is Keys =>
  keys.every((key) => key !== null && key !== 'UNDEFINED' && key !== 'UNKNOWN');

const GEOGRAPHY = {
  COUNTRY: (place: CollectionPlace) => place.country,
  PREFECTURE: (place: CollectionPlace) => place.prefecture,
  CITY: (place: CollectionPlace) => place.city,
  PLACE: (place: CollectionPlace) => place.id,
};
export const geographyOf = (dimension: CoverageDimension) =>
  dimension in GEOGRAPHY ? GEOGRAPHY[dimension as keyof typeof GEOGRAPHY] : null;

/**
 * Every combination of keys that can be, each once: places with their own cities, hours that have such a sun at one of
 * the places, and conditions whose filter does not exclude the weather, time of day or scene beside them.
 * @throws ShingoError BAD_USER_INPUT
 */
export function possibleCells(by: readonly CoverageDimension[], world: Possibilities): Keys[] {
  const geography = by.filter((dimension) => geographyOf(dimension));
  const tuples = new Map(
    world.places.map((place) => {
      const keys = geography.map((dimension) => geographyOf(dimension)!(place));
      return [keyOf(keys), keys];
    }),
  );
  const lists = by
    .filter((dimension) => !geographyOf(dimension))
    .map((dimension) => keysOf(dimension, world).map((key) => ({ dimension, key })));
  const size = lists.reduce((product, list) => product * list.length, geography.length ? tuples.size : 1);
  if (size > MAX_CELLS)
    throw new ShingoError(
      'BAD_USER_INPUT',
      `These dimensions have ${size} cells, and ${MAX_CELLS} can be ranked; ask for fewer dimensions.`,
      400,
      ['by'],
    );
  const suns = sunsOf(world);
  const cells: Keys[] = [];
  for (const place of geography.length ? tuples.values() : [[]])
    for (const combination of product(lists)) {
      const keys = by.map((dimension) => {
        const at = geography.indexOf(dimension);
        return at >= 0 ? place[at]! : combination.find((one) => one.dimension === dimension)!.key;
      });
      if (isPossible(by, keys, world.conditions, suns)) cells.push(keys);
    }
  return cells;
}

function keysOf(dimension: CoverageDimension, { conditions }: Possibilities): Keys {
  if (dimension === CoverageDimension.CONDITION) return conditions.map(({ name }) => name);
  const known = KEYS[dimension as keyof typeof KEYS] ?? [];
  return known.filter((key): key is string => isDefinite([key]));
}

const sunsOf = ({ places, suns }: Possibilities): SunHours[] => [
  ...new Set(places.map((place) => suns.of(place)).filter((sun) => sun !== null)),
];

function isPossible(
  by: readonly CoverageDimension[],
  keys: Keys,
  conditions: NamedFilter[],
  suns: SunHours[],
): boolean {
  const key = (dimension: CoverageDimension) => keys[by.indexOf(dimension)];
  const known: Known = {
    weather: key(CoverageDimension.WEATHER),
    timeOfDay: key(CoverageDimension.TIME_OF_DAY),
    scene: key(CoverageDimension.SCENE),
  };
  const condition = conditions.find(({ name }) => name === key(CoverageDimension.CONDITION));
  if (condition && !couldHold(condition.filter, known)) return false;
  const ofLights = by.includes(CoverageDimension.LIGHT_COLOR) || by.includes(CoverageDimension.LIGHT_SIZE);
  if (ofLights && key(CoverageDimension.HAS_LIGHT) === 'NO') return false;
  const [hour, month] = [key(CoverageDimension.HOUR), key(CoverageDimension.MONTH)];
  if (hour === undefined || known.timeOfDay === undefined || suns.length === 0) return true;
  const times = new Set([known.timeOfDay]);
  return suns.some((sun) => shareOf(sun, Number(hour), times, month ? Number(month) - 1 : null) > 0);
}

function product<T>(lists: readonly T[][]): T[][] {
  return lists.reduce<T[][]>(
    (heads, list) => heads.flatMap((head) => list.map((one) => [...head, one])),
    [[]],
  );
}
