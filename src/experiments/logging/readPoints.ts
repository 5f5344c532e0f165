/** What logMetrics is sent, as columns: one by one, or series by series as parallel lists. */
import type { Split } from '../../catalog/vocabulary.js';
import { ShingoError } from '../../platform/error.js';
import type { Points } from '../events/points.js';
import { seriesKey, type SeriesName } from '../events/series.js';

export const MAX_POINTS = 10_000;
export const MAX_NAME = 200;

export interface GivenSeries {
  name: string;
  split?: `${Split}` | null;
  condition?: string | null;
  class?: string | null;
}

export interface GivenPoint extends GivenSeries {
  value: number;
  step: number;
  time?: Date | null;
  n?: number | null;
  lower?: number | null;
  upper?: number | null;
  method?: string | null;
}

export interface GivenColumns extends GivenSeries {
  values: number[];
  steps: number[];
  times?: Date[] | null;
  n?: (number | null)[] | null;
  lower?: (number | null)[] | null;
  upper?: (number | null)[] | null;
  method?: string | null;
}

const bad = (field: string[], message: string) => new ShingoError('BAD_USER_INPUT', message, 400, field);

/** @throws ShingoError BAD_USER_INPUT */
export function readPoints(points: readonly GivenPoint[], columns: readonly GivenColumns[]): Points {
  const count = columns.reduce((sum, { values }) => sum + values.length, points.length);
  if (count === 0 || count > MAX_POINTS)
    throw bad(
      [points.length > 0 ? 'points' : 'series'],
      `A batch has 1 to ${MAX_POINTS} points, not ${count}.`,
    );
  const reader = new Reader();
  for (const [index, point] of points.entries()) reader.point(point, ['points', String(index)]);
  for (const [index, series] of columns.entries()) reader.columns(series, ['series', String(index)]);
  return reader.points();
}

class Reader {
  private readonly places = new Map<string, number>();
  private readonly series: SeriesName[] = [];
  private readonly of: number[] = [];
  private readonly steps: number[] = [];
  private readonly values: number[] = [];
  private readonly times: (Date | null)[] = [];
  private readonly n: (number | null)[] = [];
  private readonly lower: (number | null)[] = [];
  private readonly upper: (number | null)[] = [];
  private readonly methods: (string | null)[] = [];
  /** Columns of nothing are not sent to the database. */
  private readonly used = { times: false, n: false, lower: false, upper: false, methods: false };

  point(point: GivenPoint, field: string[]): void {
    const { value, step, time = null, n = null, lower = null, upper = null, method = null } = point;
    this.add(this.place(point, field), step, value, time, n, lower, upper, method, field);
  }

  columns(given: GivenColumns, field: string[]): void {
    const { steps, values, times, n, lower, upper, method = null } = given;
    for (const [name, list] of Object.entries({ steps, times, n, lower, upper })) {
      if (list && list.length !== values.length)
        throw bad([...field, name], `${values.length} values need as many ${name}, not ${list.length}.`);
    }
    const place = this.place(given, field);
    for (let i = 0; i < values.length; i++) {
      const interval = [n?.[i] ?? null, lower?.[i] ?? null, upper?.[i] ?? null] as const;
      this.add(place, steps[i]!, values[i]!, times?.[i] ?? null, ...interval, method, field);
    }
  }

  points(): Points {
    const { series, of, steps, values, used } = this;
    return {
      ...{ series, of, steps, values },
      times: used.times ? this.times : null,
      n: used.n ? this.n : null,
      lower: used.lower ? this.lower : null,
      upper: used.upper ? this.upper : null,
      methods: used.methods ? this.methods : null,
    };
  }

  private add(
    place: number,
    step: number,
    value: number,
    time: Date | null,
    n: number | null,
    lower: number | null,
    upper: number | null,
    method: string | null,
    field: string[],
  ): void {
    if (n !== null || lower !== null || upper !== null || method !== null)
      checkInterval(n, lower, upper, method, field);
    this.of.push(place);
    this.steps.push(step);
    this.values.push(value);
    this.times.push(time);
    this.n.push(n);
    this.lower.push(lower);
    this.upper.push(upper);
    this.methods.push(method);
    const { used } = this;
    used.times ||= time !== null;
    used.n ||= n !== null;
    used.lower ||= lower !== null;
    used.upper ||= upper !== null;
    used.methods ||= method !== null;
  }

  /** Index of its series. */
  private place(given: GivenSeries, field: string[]): number {
    const { name, split = null, condition = null, class: of = null } = given;
    const one: SeriesName = { name, split, condition, class: of };
    const key = seriesKey(one);
    const known = this.places.get(key);
    if (known !== undefined) return known;
    checkName('name', name, field);
    if (condition !== null) checkName('condition', condition, field);
    if (of !== null) checkName('class', of, field);
    const place = this.series.push(one) - 1;
    this.places.set(key, place);
    return place;
  }
}

function checkName(what: string, text: string, field: string[]): void {
  if (text.length < 1 || text.length > MAX_NAME || text.includes('\0') || text.trim() !== text)
    throw bad(
      [...field, what],
      `A ${what} has 1 to ${MAX_NAME} characters, without NUL and without blanks at its ends.`,
    );
}

function checkInterval(
  n: number | null,
  lower: number | null,
  upper: number | null,
  method: string | null,
  field: string[],
): void {
  if (n !== null && n < 0) throw bad([...field, 'n'], 'n is 0 or more.');
  if ((lower === null) !== (upper === null))
    throw bad([...field, lower === null ? 'lower' : 'upper'], 'An interval has both ends, lower and upper.');
  if (lower !== null && upper !== null && lower > upper)
    throw bad([...field, 'lower'], 'lower is at most upper.');
  if (lower !== null && (n === null || method === null))
    throw bad(
      [...field, n === null ? 'n' : 'method'],
      'An interval says of how many (n) and by which method it is.',
    );
  if (method !== null && (method.length < 1 || method.length > 100 || method.includes('\0')))
    throw bad([...field, 'method'], 'A method has 1 to 100 characters.');
}
