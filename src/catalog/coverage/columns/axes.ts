/** What a cross-tab can be by: the keys of each dimension, and the code of each row. */
import { CODED, LIGHT_COLORS, LIGHT_SIZES, type Columns } from './columns.js';

export type ImageDimension =
  | 'WEATHER'
  | 'TIME_OF_DAY'
  | 'SCENE'
  | 'COUNTRY'
  | 'PREFECTURE'
  | 'CITY'
  | 'PLACE'
  | 'HOUR'
  | 'MONTH'
  | 'HAS_LIGHT';
type LightDimension = 'LIGHT_COLOR' | 'LIGHT_SIZE';
export type Dimension = ImageDimension | LightDimension | 'CONDITION';

export interface Axis {
  /** By code. */
  labels: readonly (string | null)[];
  stride: number;
}

export interface ImageAxis extends Axis {
  /** Code of each row or, with `via`, of each code of that column. */
  codes: Int32Array;
  via?: Int32Array;
}

/** What the place decides. */
export const GEOGRAPHY: ReadonlySet<Dimension> = new Set(['COUNTRY', 'PREFECTURE', 'CITY', 'PLACE'] as const);

const two = (n: number) => String(n).padStart(2, '0');
const HOURS = [null, ...Array.from({ length: 24 }, (_, n) => two(n))];
const MONTHS = [null, ...Array.from({ length: 12 }, (_, n) => two(n + 1))];
const WEATHERS = [null, ...CODED.weather];
const TIMES_OF_DAY = [null, ...CODED.timeOfDay];
const SCENES = [null, ...CODED.scene];
const HAS_LIGHT = [null, 'NO', 'YES'];
export const COLORS = [null, ...LIGHT_COLORS];

export function imageAxis(columns: Columns, dimension: ImageDimension, stride: number): ImageAxis {
  switch (dimension) {
    case 'WEATHER':
      return { stride, labels: WEATHERS, codes: columns.weather };
    case 'TIME_OF_DAY':
      return { stride, labels: TIMES_OF_DAY, codes: columns.timeOfDay };
    case 'SCENE':
      return { stride, labels: SCENES, codes: columns.scene };
    case 'HOUR':
      return { stride, labels: HOURS, codes: columns.hour };
    case 'MONTH':
      return { stride, labels: MONTHS, codes: columns.month };
    case 'PLACE':
      return { stride, labels: columns.places.texts, codes: columns.place };
    case 'HAS_LIGHT':
      return { stride, labels: HAS_LIGHT, codes: columns.hasLight };
    case 'COUNTRY':
    case 'PREFECTURE':
    case 'CITY': {
      const name = dimension === 'COUNTRY' ? 'country' : dimension === 'PREFECTURE' ? 'prefecture' : 'city';
      return { stride, ...columns.placeAxis(name), via: columns.place };
    }
  }
}

/** The keys that a dimension can have, missing aside; undefined: whatever the project has. */
export const KEYS: Partial<Record<Dimension, readonly (string | null)[]>> = {
  WEATHER: WEATHERS,
  TIME_OF_DAY: TIMES_OF_DAY,
  SCENE: SCENES,
  HOUR: HOURS,
  MONTH: MONTHS,
  HAS_LIGHT,
  LIGHT_COLOR: COLORS,
  LIGHT_SIZE: LIGHT_SIZES,
};
