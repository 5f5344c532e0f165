/** What is logged: batches of the points of a few series, as a trainer sends them that keeps a hundred steps together. */
import { generator } from '../../src/training/random.js';

export interface Row {
  name: string;
  split: string;
  condition: string | null;
  step: number;
  /** A multiple of 2^-20: sums of them are exact in whatever order. */
  value: number;
}

const NAMES = ['loss', 'ap50', 'recall', 'precision', 'box_loss'];

/** The nth batch of an experiment: `series` of them, `values` points in all. */
export function rowsOf(n: number, values: number, series: number, seed: number): Row[] {
  const random = generator(seed * 100_003 + n);
  const steps = values / series;
  const rows: Row[] = [];
  for (let step = 0; step < steps; step++)
    for (let one = 0; one < series; one++)
      rows.push({
        name: one < 10 ? NAMES[one % NAMES.length]! : `metric_${one}`,
        split: one % 2 === 0 ? 'TRAIN' : 'VALIDATION',
        condition: one % 3 === 2 ? 'night' : null,
        step: n * steps + step,
        value: Math.floor(random() * 2 ** 20) / 2 ** 20,
      });
  return rows;
}

export const seriesOf = ({ name, split, condition }: Row): string =>
  [name, split, condition].filter((part) => part !== null).join('/');

export interface Total {
  rows: number;
  sum: number;
}
export const totalOf = (rows: readonly Row[]): Total => ({
  rows: rows.length,
  sum: rows.reduce((sum, { value }) => sum + value, 0),
});
