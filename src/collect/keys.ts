/** What a cell's key is, of an image as the data set version has frozen it: the words of coverage. */
import { CoverageDimension } from '../catalog/coverage/coverage.js';

/** Of the lights of a cell, those that the model got right. */
export interface Tally {
  n: number;
  correct: number;
}

export interface CellTally extends Tally {
  /** One a dimension, as coverage has them; places by their UUID. */
  keys: (string | null)[];
}

export interface Quality {
  cells: CellTally[];
  /** Every light once, however many cells it is in. */
  overall: Tally;
}

/** Of an image, and not of its lights or of its conditions, which are several. */
export type ImageDimension = Exclude<
  CoverageDimension,
  | CoverageDimension.CONDITION
  | CoverageDimension.LIGHT_COLOR
  | CoverageDimension.LIGHT_SIZE
  | CoverageDimension.HAS_LIGHT
>;
/** As SQL: `i` is the item of the version, `l` its place. */
export const IMAGE_KEY: Record<ImageDimension, string> = {
  WEATHER: 'i.weather',
  TIME_OF_DAY: 'i.time_of_day',
  SCENE: 'i.scene',
  COUNTRY: 'l.country',
  PREFECTURE: 'l.prefecture',
  CITY: 'l.city',
  PLACE: 'i.place_id::text',
  HOUR: `to_char(i.recorded_at AT TIME ZONE l.time_zone, 'HH24')`,
  MONTH: `to_char(i.recorded_at AT TIME ZONE l.time_zone, 'MM')`,
};

export const isOfImage = (dimension: CoverageDimension): dimension is ImageDimension =>
  dimension in IMAGE_KEY;

export const keyOf = (keys: readonly (string | null)[]): string => JSON.stringify(keys);
