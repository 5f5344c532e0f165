/** Cells by their keys, which are the words of coverage. */
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

export const keyOf = (keys: readonly (string | null)[]): string => JSON.stringify(keys);
