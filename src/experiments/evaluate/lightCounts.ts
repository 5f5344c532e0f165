/** Lights counted by class, answer and score: all figures of LIGHT_STATE are read off these counts. */
import type { CellFigure } from './figures.js';

/** Guo et al. 2017, "On Calibration of Modern Neural Networks": 15 bins of equal width. */
export const SCORE_BINS = 15;
export const scoreBin = (score: number): number =>
  Math.min(SCORE_BINS - 1, Math.max(0, Math.ceil(score * SCORE_BINS) - 1));

/** Weighted: in a resample a light counts as often as its drive or image was drawn. */
export interface LightCounts {
  /** Row-major, classes × classes: actual × predicted. */
  confusion: Float64Array;
  n: Float64Array;
  scores: Float64Array;
  right: Float64Array;
}

export const emptyCounts = (classes: number): LightCounts => ({
  confusion: new Float64Array(classes * classes),
  n: new Float64Array(SCORE_BINS),
  scores: new Float64Array(SCORE_BINS),
  right: new Float64Array(SCORE_BINS),
});

export type LightFigure = Pick<CellFigure, 'metric' | 'class' | 'value' | 'n'> & {
  /** Of a proportion; else null. */
  successes: number | null;
};

/** In the same order for any counts of the same classes. */
export function lightFigures(classes: readonly string[], counts: LightCounts): LightFigure[] {
  const per = classes.map((name, label) => classCounts(name, label, classes.length, counts));
  const lights = sum(per.map(({ actual }) => actual));
  const right = sum(per.map((one) => one.right));
  const there = per.filter(({ actual }) => actual > 0);
  /** Over the classes that have a light; one that is never predicted has a precision of 0 in it. */
  const mean = (metric: string, of: (one: ClassCounts) => number): LightFigure => ({
    ...{ metric, class: null, n: lights, successes: null },
    value: there.length === 0 ? null : sum(there.map(of)) / there.length,
  });
  return [
    proportion('accuracy', null, right, lights),
    mean('precision', ({ right, predicted }) => (predicted === 0 ? 0 : right / predicted)),
    mean('recall', ({ right, actual }) => right / actual),
    mean('f1', f1),
    ...per.flatMap((one) => [
      proportion('precision', one.name, one.right, one.predicted),
      proportion('recall', one.name, one.right, one.actual),
      {
        ...{ metric: 'f1', class: one.name, n: one.actual, successes: null },
        value: one.actual + one.predicted === 0 ? null : f1(one),
      },
    ]),
    calibrationError(counts),
    ...redAsGreen(classes, counts),
  ];
}

interface ClassCounts {
  name: string;
  actual: number;
  predicted: number;
  right: number;
}

function classCounts(name: string, label: number, size: number, { confusion }: LightCounts): ClassCounts {
  let [actual, predicted] = [0, 0];
  for (let other = 0; other < size; other++) {
    actual += confusion[label * size + other]!;
    predicted += confusion[other * size + label]!;
  }
  return { name, actual, predicted, right: confusion[label * size + label]! };
}

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

/** 2 TP / (2 TP + FP + FN). */
const f1 = ({ right, actual, predicted }: ClassCounts) => (2 * right) / (actual + predicted);

const proportion = (metric: string, name: string | null, successes: number, n: number): LightFigure => ({
  ...{ metric, class: name, n, successes },
  value: n === 0 ? null : successes / n,
});

/** Expected calibration error: the mean distance of score and accuracy of the bins, weighted by their lights. */
function calibrationError({ n, scores, right }: LightCounts): LightFigure {
  let [all, distance] = [0, 0];
  for (let bin = 0; bin < SCORE_BINS; bin++) {
    all += n[bin]!;
    distance += Math.abs(scores[bin]! - right[bin]!);
  }
  return { metric: 'ece', class: null, n: all, successes: null, value: all === 0 ? null : distance / all };
}

/** Of the red lights, those read as green: the figure to gate on. */
function redAsGreen(classes: readonly string[], { confusion }: LightCounts): LightFigure[] {
  const [red, green] = [classes.indexOf('RED'), classes.indexOf('GREEN')];
  if (red < 0 || green < 0) return [];
  const row = confusion.slice(red * classes.length, (red + 1) * classes.length);
  return [proportion('red_as_green', null, row[green]!, sum([...row]))];
}
