/** The figures of an evaluation as a table of the terminal: what they are worth stands beside them. */
import { count } from '../terminal/format.js';
import { renderTable } from '../terminal/table.js';

export interface Figure {
  metric: string;
  condition: string | null;
  value: number | null;
  n: number;
  lower: number | null;
  upper: number | null;
  state: string;
}

/** Over all classes and sizes, of each condition; a task has some of them. */
export const FIGURES = `cells(metrics: ["accuracy", "f1", "ece", "ap", "ap50", "recall", "precision", "color_accuracy", "red_as_green"],
  classes: [null], sizeBins: [null]) { metric condition value n lower upper state }`;

const share = (value: number | null) => (value === null ? '–' : value.toFixed(3));

export function figuresTable(figures: Figure[]): string {
  return renderTable({
    head: ['condition', 'figure', 'value', 'interval', 'n'],
    rows: figures.map(({ condition, metric, value, lower, upper, n, state }) => [
      ...[condition ?? 'all', metric],
      ...(state === 'OK'
        ? [share(value), lower === null ? '–' : `${share(lower)} to ${share(upper)}`]
        : ['too few', '–']),
      count(n),
    ]),
    align: ['left', 'left', 'right', 'right', 'right'],
  });
}
