import { stripVTControlCharacters } from 'node:util';

import { count, percent } from '../terminal/format.js';
import type { Colors } from '../terminal/screen.js';
import { renderTable } from '../terminal/table.js';
import { LIGHT_COLORS, TIMES_OF_DAY, WEATHERS } from '../../datasets/formats/words.js';
import type { Split } from '../types.js';

/** Two of the 100 columns are the margin. */
const MAX_WIDTH = 98;

export interface CoverageCell {
  keys: (string | null)[];
  images: number;
  lights: number;
}

/** `PARTLY_CLOUDY` as people write it; a null key is a gap in what is known, not a weather. */
export const label = (key: string | null) =>
  key === null ? 'missing' : key.toLowerCase().replaceAll('_', ' ');

/** Weather by time of day, images and the lights in them; a 0 is what nobody has collected. */
export function coverageTable(cells: CoverageCell[], colors: Colors): string {
  const table = crossTab(cells, colors, true);
  const width = Math.max(...table.split('\n').map((line) => stripVTControlCharacters(line).length));
  return width <= MAX_WIDTH ? table : crossTab(cells, colors, false);
}

function crossTab(cells: CoverageCell[], colors: Colors, withLights: boolean): string {
  const find = (weather: string | null, time: string | null) =>
    cells.filter((cell) => cell.keys[0] === weather && cell.keys[1] === time);
  const sum = (some: CoverageCell[]): [number, number] => [
    some.reduce((total, cell) => total + cell.images, 0),
    some.reduce((total, cell) => total + cell.lights, 0),
  ];
  const write = ([images, lights]: [number, number]) => {
    if (images === 0) return colors.yellow('0');
    return withLights ? `${count(images)} ${colors.dim(`/ ${count(lights)}`)}` : count(images);
  };
  const weathers = withGaps(WEATHERS, (key) => cells.some((cell) => cell.keys[0] === key));
  const times = withGaps(TIMES_OF_DAY, (key) => cells.some((cell) => cell.keys[1] === key));
  const rows = weathers.map((weather) => [
    label(weather),
    ...times.map((time) => write(sum(find(weather, time)))),
    write(sum(cells.filter((cell) => cell.keys[0] === weather))),
  ]);
  rows.push([
    colors.bold('total'),
    ...times.map((time) => write(sum(cells.filter((cell) => cell.keys[1] === time)))),
    colors.bold(write(sum(cells))),
  ]);
  const title = withLights ? 'images / lights' : 'images';
  return renderTable({ head: [title, ...times.map(label), 'total'], rows });
}

/** All named values, since an empty one is a gap to see; `UNDEFINED` and missing only where there are any. */
function withGaps(keys: readonly string[], present: (key: string | null) => boolean): (string | null)[] {
  return [...keys, null].filter((key) => (key !== null && key !== 'UNDEFINED') || present(key));
}

export interface DatasetCount {
  condition: string | null;
  split: Split;
  images: number;
  lights: number;
}

const SPLITS: Split[] = ['TRAIN', 'VALIDATION', 'TEST'];

export function countsTable(counts: DatasetCount[], colors: Colors): string {
  const rows = conditionsOf(counts).map((condition) => [
    condition ?? colors.bold('all'),
    ...SPLITS.map((split) => {
      const cell = counts.find((one) => one.condition === condition && one.split === split);
      if (!cell || cell.images === 0) return colors.yellow('0');
      return `${count(cell.images)} ${colors.dim(`/ ${count(cell.lights)}`)}`;
    }),
  ]);
  return renderTable({ head: ['images / lights', 'train', 'validation', 'test'], rows });
}

const FIRST = ['sunny', 'night', 'rain'];

/** All first, then those that everyone has, then the user's own by name. */
export function conditionsOf(items: { condition: string | null }[]): (string | null)[] {
  const rank = (name: string | null) =>
    name === null ? -1 : FIRST.includes(name) ? FIRST.indexOf(name) : 99;
  const names = [...new Set(items.map((item) => item.condition))];
  return names.sort((a, b) => rank(a) - rank(b) || (a ?? '').localeCompare(b ?? ''));
}

export interface ConditionScore {
  condition: string | null;
  n: number;
  correct: number;
  accuracy: number | null;
  lower: number | null;
  upper: number | null;
  method: string;
  confusion: { actual: string; predicted: string; count: number }[];
}

export function interval(score: Pick<ConditionScore, 'lower' | 'upper'>): string {
  if (score.lower === null || score.upper === null) return '';
  return `[${(score.lower * 100).toFixed(1)}, ${(score.upper * 100).toFixed(1)}]`;
}

/** Trained beside untrained: without the second number the first says little. */
export function scoresTable(trained: ConditionScore[], untrained: ConditionScore[], colors: Colors): string {
  const rows = conditionsOf(trained).map((condition) => {
    const after = trained.find((score) => score.condition === condition)!;
    const before = untrained.find((score) => score.condition === condition);
    const cells = [condition ?? colors.bold('all'), count(after.n)];
    // A figure without images behind it is not a figure.
    if (after.n === 0) return [...cells, '–', '', '–', ''];
    cells.push(colors.bold(percent(after.accuracy)), interval(after));
    return [...cells, percent(before?.accuracy), before ? colors.dim(interval(before)) : ''];
  });
  return renderTable({
    head: ['condition', 'lights', 'trained', '95 % interval', 'untrained', '95 % interval'],
    rows,
  });
}

const isRedAsGreen = (actual: string, predicted: string) =>
  /^red$/i.test(actual) && /^green$/i.test(predicted);

/** As on the lamp, from above; classes of another kind keep the order that they came in. */
const byLamp = (a: string, b: string) => lampOrder(a) - lampOrder(b);
const lampOrder = (name: string) => (LIGHT_COLORS as readonly string[]).indexOf(name.toUpperCase());

export function confusionTable(score: ConditionScore, names: string[], colors: Colors): string {
  const classes = [...names].sort(byLamp);
  const at = (actual: string, predicted: string) =>
    score.confusion.find((cell) => cell.actual === actual && cell.predicted === predicted)?.count ?? 0;
  const paint = (actual: string, predicted: string, n: number) => {
    if (isRedAsGreen(actual, predicted))
      return n > 0 ? colors.bold(colors.red(`${count(n)} !`)) : colors.green('0 ✓');
    if (actual === predicted) return colors.bold(count(n));
    return n === 0 ? colors.dim('0') : count(n);
  };
  const rows = classes.map((actual) => [
    label(actual),
    ...classes.map((predicted) => paint(actual, predicted, at(actual, predicted))),
    count(classes.reduce((total, predicted) => total + at(actual, predicted), 0)),
  ]);
  return renderTable({ head: ['actual \\ predicted', ...classes.map(label), 'lights'], rows });
}

/** The mistake that hurts people, in words. */
export function redAsGreen(score: ConditionScore): { count: number; of: number } {
  const red = score.confusion.filter((cell) => /^red$/i.test(cell.actual));
  return {
    count: red
      .filter((cell) => /^green$/i.test(cell.predicted))
      .reduce((total, cell) => total + cell.count, 0),
    of: red.reduce((total, cell) => total + cell.count, 0),
  };
}
