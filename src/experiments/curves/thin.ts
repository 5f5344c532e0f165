/**
 * Curves of any length as at most so many points: the smallest and the greatest value of each stretch, where they were,
 * the first NaN of each stretch, and the first and the last point of all. A curve between two of them shows no spike
 * that was not there and leaves none out.
 */
import type { DataSource, EntityManager } from 'typeorm';
import { EVENT_COLUMNS, type EventRow } from '../events/event.js';
import { BLOCK_POINTS } from '../events/blocks.js';
import { toMetric } from '../events/toMetric.js';
import type { Metric } from '../metric.js';
import type { MetricSummary } from './summary.js';

type Db = DataSource | EntityManager;

/** Points that one question may have read one by one: 0.2 s. Longer curves are read by their blocks of 256. */
const RAW_POINTS = 200_000;
export const MIN_POINTS = 8;

/** A stretch leaves three points at most: smallest, greatest, NaN. */
const stretches = (most: number) => Math.floor((most - 2) / 3);

interface Plan {
  curve: MetricSummary;
  /** How many points; or how many blocks, in a stretch. Null: every point is kept. */
  per: number | null;
  raw: boolean;
}

/** The shortest first: what may be read point by point goes as far as it can. */
function plan(curves: readonly MetricSummary[], most: number, rawPoints: number): Plan[] {
  let left = rawPoints;
  return [...curves]
    .sort((a, b) => a.points - b.points)
    .map((curve) => {
      if (curve.points <= most) return { curve, raw: true, per: null };
      const raw = curve.points <= Math.max(left, BLOCK_POINTS);
      if (raw) left -= curve.points;
      if (raw) return { curve, raw, per: Math.ceil(curve.points / stretches(most)) };
      // One stretch is for the points that are in no block yet.
      const blocks = Math.floor(curve.points / BLOCK_POINTS);
      return { curve, raw, per: Math.ceil(blocks / (stretches(most) - 1)) };
    });
}

const EXTREMES = `
  (array_agg(min_seq ORDER BY min_value, min_seq) FILTER (WHERE min_value IS NOT NULL))[1] AS min_seq,
  (array_agg(max_seq ORDER BY max_value DESC, max_seq) FILTER (WHERE max_value IS NOT NULL))[1] AS max_seq,
  min(nan_seq) AS nan_seq`;

/** A point looks like a block of one. */
const POINT = `seq, nullif(value, 'NaN') AS min_value, CASE WHEN value <> 'NaN' THEN seq END AS min_seq,
  nullif(value, 'NaN') AS max_value, CASE WHEN value <> 'NaN' THEN seq END AS max_seq,
  CASE WHEN value = 'NaN' THEN seq END AS nan_seq`;

const COLUMNS = EVENT_COLUMNS.split(/,\s*/)
  .map((column) => `e.${column}`)
  .join(', ');

const WANTED = 'wanted(experiment_id, series_id, first_seq, last_seq, per)';

/**
 * OFFSET 0 here and below: rows are fetched one by one by their key. Of a join PostgreSQL makes a hash of all events, since
 * it cannot guess how few are kept.
 * @param source stretches as (experiment_id, series_id, stretch, min_value, min_seq, max_value, max_seq, nan_seq)
 */
const thinned = (name: string, source: string) => `/* ${name} */
  WITH wanted AS (SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[], $5::int[]) AS ${WANTED}),
  kept AS (
    SELECT experiment_id, unnest(ARRAY[min_seq, max_seq, nan_seq]) AS seq FROM (
      SELECT experiment_id, series_id, stretch, ${EXTREMES} FROM (${source}) parts
      GROUP BY experiment_id, series_id, stretch) extremes
    UNION SELECT experiment_id, first_seq FROM wanted UNION SELECT experiment_id, last_seq FROM wanted)
  SELECT e.experiment_id, e.series_id, ${COLUMNS}
  FROM kept CROSS JOIN LATERAL (SELECT * FROM experiment_event e
    WHERE e.experiment_id = kept.experiment_id AND e.seq = kept.seq OFFSET 0) e ORDER BY e.seq`;

const OF_POINTS = thinned(
  'curve.points',
  `SELECT experiment_id, series_id, (place - 1) / per AS stretch, p.* FROM wanted CROSS JOIN LATERAL (
     SELECT row_number() OVER (ORDER BY e.seq) AS place, ${POINT} FROM experiment_event e
     WHERE e.experiment_id = wanted.experiment_id AND e.series_id = wanted.series_id
       AND e.seq <= wanted.last_seq) p`,
);

/** The points after the last block are a stretch of their own. */
const OF_BLOCKS = thinned(
  'curve.blocks',
  `SELECT experiment_id, series_id, b.block / per AS stretch, min_value, min_seq, max_value, max_seq, nan_seq
   FROM wanted JOIN metric_block b USING (experiment_id, series_id)
   UNION ALL
   SELECT wanted.experiment_id, wanted.series_id, -1, p.min_value, p.min_seq, p.max_value, p.max_seq, p.nan_seq
   FROM wanted CROSS JOIN LATERAL (
     SELECT b.last_seq FROM metric_block b
     WHERE b.experiment_id = wanted.experiment_id AND b.series_id = wanted.series_id ORDER BY b.block DESC LIMIT 1
   ) blocks CROSS JOIN LATERAL (
     SELECT ${POINT} FROM experiment_event e
     WHERE e.experiment_id = wanted.experiment_id AND e.series_id = wanted.series_id AND e.seq > blocks.last_seq
       AND e.seq <= wanted.last_seq OFFSET 0
   ) p`,
);

const WHOLE = `/* curve.whole */ SELECT e.experiment_id, e.series_id, ${COLUMNS}
  FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[], $5::int[]) AS ${WANTED}
  JOIN experiment_event e ON e.experiment_id = wanted.experiment_id AND e.series_id = wanted.series_id
    AND e.seq <= wanted.last_seq ORDER BY e.seq`;

const keyOf = (experimentUuid: string, seriesId: number) => `${experimentUuid} ${seriesId}`;

/**
 * The points of each curve, in the order of the log; at most `most` of each, which is MIN_POINTS at least. At most three
 * statements, however many curves there are.
 */
export async function thin(
  db: Db,
  curves: readonly MetricSummary[],
  most: number,
  rawPoints = RAW_POINTS,
): Promise<Metric[][]> {
  const plans = plan(curves, most, rawPoints);
  const asked = [
    [WHOLE, plans.filter(({ per }) => per === null)],
    [OF_POINTS, plans.filter(({ per, raw }) => per !== null && raw)],
    [OF_BLOCKS, plans.filter(({ raw }) => !raw)],
  ] as const;
  const found = new Map<string, Metric[]>(
    curves.map(({ experimentUuid, seriesId }) => [keyOf(experimentUuid, seriesId), []]),
  );
  for (const [sql, some] of asked) {
    if (some.length === 0) continue;
    const column = (value: (one: Plan) => unknown) => some.map(value);
    const rows: (EventRow & { experiment_id: string; series_id: number })[] = await db.query(sql, [
      column(({ curve }) => curve.experimentUuid),
      column(({ curve }) => curve.seriesId),
      column(({ curve }) => curve.firstSeq),
      column(({ curve }) => curve.lastSeq),
      column(({ per }) => per),
    ]);
    for (const row of rows) found.get(keyOf(row.experiment_id, row.series_id))?.push(toMetric(row));
  }
  return curves.map(({ experimentUuid, seriesId }) => found.get(keyOf(experimentUuid, seriesId)) ?? []);
}
