/** Points of metrics as columns: a thousand of them are a thousand numbers, not a thousand objects with twelve fields. */
import type { EntityManager } from 'typeorm';
import { binaryArray, binaryTimes } from '../../platform/database/binaryArray.js';
import type { NewMetric } from './event.js';
import { seriesKey, type SeriesName } from './series.js';

export interface Points {
  series: SeriesName[];
  /** Parallel from here on; of which series, by its index. */
  of: number[];
  steps: number[];
  /** May be NaN or infinite. */
  values: number[];
  /** Null, as a whole or one: now. */
  times: (Date | null)[] | null;
  /** Null, as a whole or one: not known. */
  n: (number | null)[] | null;
  lower: (number | null)[] | null;
  upper: (number | null)[] | null;
  methods: (string | null)[] | null;
}

export function pointsOf(metrics: readonly NewMetric[]): Points {
  const places = new Map<string, number>();
  const series: SeriesName[] = [];
  const of = metrics.map((metric) => {
    const key = seriesKey(metric);
    let place = places.get(key);
    if (place === undefined) {
      place = series.push(metric) - 1;
      places.set(key, place);
    }
    return place;
  });
  return {
    ...{ series, of },
    steps: metrics.map(({ step }) => step),
    values: metrics.map(({ value }) => value),
    times: unlessEmpty(metrics.map(({ time }) => time ?? null)),
    n: unlessEmpty(metrics.map(({ n }) => n)),
    lower: unlessEmpty(metrics.map(({ lower }) => lower)),
    upper: unlessEmpty(metrics.map(({ upper }) => upper)),
    methods: unlessEmpty(metrics.map(({ method }) => method)),
  };
}

const unlessEmpty = <T>(column: (T | null)[]): (T | null)[] | null =>
  column.some((one) => one !== null) ? column : null;

/**
 * @param seriesIds of points.series, in its order
 * @param seqs of the points
 * @param now the time of points that have none
 */
export async function insertPoints(
  manager: EntityManager,
  experimentUuid: string,
  { of, steps, values, times, n, lower, upper, methods }: Points,
  seriesIds: readonly number[],
  seqs: readonly number[],
  now: Date,
): Promise<void> {
  await manager.query(
    `/* experiment.points */ INSERT INTO experiment_event (experiment_id, seq, time, kind, name, split, condition, class,
       series_id, step, value, n, lower, upper, method)
     SELECT $1, p.seq, coalesce(p.time, $2), 'METRIC', s.name, s.split, s.condition, s.class, s.id, p.step, p.value,
       p.n, p.lower, p.upper, p.method
     FROM unnest($3::bigint[], $4::int[], $5::int[], $6::float8[], $7::timestamptz[], $8::int[], $9::float8[],
       $10::float8[], $11::text[]) AS p(seq, series_id, step, value, time, n, lower, upper, method)
     JOIN metric_series s ON s.id = p.series_id`,
    [
      ...[
        experimentUuid,
        now,
        binaryArray('int8', seqs),
        binaryArray(
          'int4',
          of.map((index) => seriesIds[index]!),
        ),
      ],
      ...[
        binaryArray('int4', steps),
        binaryArray('float8', values),
        binaryTimes(times),
        binaryArray('int4', n),
      ],
      ...[binaryArray('float8', lower), binaryArray('float8', upper), methods],
    ],
  );
}
