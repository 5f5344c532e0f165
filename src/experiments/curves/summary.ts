/** What each metric of an experiment came to: newest, smallest, greatest; no points are read. */
import { Field, Float, Int, ObjectType } from 'type-graphql';
import type { DataSource, EntityManager } from 'typeorm';
import { Split } from '../../catalog/vocabulary.js';
import type { Loaders } from '../../graphql/context.js';
import { DateTime, Real } from '../../graphql/scalars.js';
import { ShingoError } from '../../platform/error.js';

type Db = DataSource | EntityManager;

export const MAX_SUMMARIES = 1000;

@ObjectType({ description: 'All values that a metric of one experiment had, in short.' })
export class MetricSummary {
  experimentUuid: string;
  seriesId: number;
  firstSeq: number;
  lastSeq: number;

  @Field(() => String)
  name: string;
  @Field(() => Split, { nullable: true, description: 'Null: of none.' })
  split: Split | null;
  @Field(() => String, { nullable: true, description: 'Null: over all of them.' })
  condition: string | null;
  @Field(() => String, { nullable: true, description: 'Null: over all of them.' })
  class: string | null;

  @Field(() => Float, { description: 'How many values, NaN included.' })
  points: number;
  @Field(() => Real, { description: 'Of the greatest step; of several there the one that was logged last.' })
  last: number;
  @Field(() => Int)
  lastStep: number;
  @Field(() => DateTime)
  lastTime: Date;
  @Field(() => Real, { nullable: true, description: 'Null: all were NaN.' })
  min: number | null;
  @Field(() => Int, { nullable: true, description: 'Of several equal ones the one that was logged first.' })
  minStep: number | null;
  @Field(() => Real, { nullable: true, description: 'Null: all were NaN.' })
  max: number | null;
  @Field(() => Int, { nullable: true, description: 'Of several equal ones the one that was logged first.' })
  maxStep: number | null;
}

/** What is left out is not filtered; `all` among conditions and classes stands for "over all of them". */
export interface SummaryFilter {
  names?: readonly string[] | null;
  splits?: readonly Split[] | null;
  conditions?: readonly string[] | null;
  classes?: readonly string[] | null;
  first: number;
}

/** By name, split, condition and class. One statement for all experiments. @throws ShingoError BAD_USER_INPUT */
export function summariesOf(
  load: Loaders,
  db: Db,
  uuid: string,
  filter: SummaryFilter,
): Promise<MetricSummary[]> {
  if (filter.first < 0 || filter.first > MAX_SUMMARIES)
    throw new ShingoError('BAD_USER_INPUT', `first is 0 to ${MAX_SUMMARIES} metrics.`, 400, ['first']);
  const { names, splits, conditions, classes, first } = filter;
  const key = JSON.stringify([names ?? null, splits ?? null, conditions ?? null, classes ?? null, first]);
  return load.batch(`summaries:${key}`, (uuids) => selectSummaries(db, uuids, filter)).load(uuid);
}

export async function selectSummaries(
  db: Db,
  uuids: readonly string[],
  { names = null, splits = null, conditions = null, classes = null, first }: SummaryFilter,
): Promise<MetricSummary[][]> {
  const rows: MetricSummary[] = await db.query(
    `/* experiment.summaries */ SELECT m.* FROM unnest($1::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
       SELECT m.experiment_id AS "experimentUuid", m.series_id AS "seriesId", s.name, s.split, s.condition, s.class,
         m.points, m.first_seq AS "firstSeq", m.last_seq AS "lastSeq", m.last_value AS last, m.last_step AS "lastStep",
         m.last_time AS "lastTime", m.min_value AS min, m.min_step AS "minStep", m.max_value AS max,
         m.max_step AS "maxStep"
       FROM experiment_metric m JOIN metric_series s ON s.id = m.series_id
       WHERE m.experiment_id = wanted.id AND ($2::text[] IS NULL OR s.name = ANY ($2))
         AND ($3::text[] IS NULL OR s.split = ANY ($3))
         AND ($4::text[] IS NULL OR coalesce(s.condition, 'all') = ANY ($4))
         AND ($5::text[] IS NULL OR coalesce(s.class, 'all') = ANY ($5))
       ORDER BY s.name, s.split NULLS FIRST, s.condition NULLS FIRST, s.class NULLS FIRST LIMIT $6) m`,
    [uuids, names, splits, conditions, classes, first],
  );
  const found = Map.groupBy(rows, ({ experimentUuid }) => experimentUuid);
  return uuids.map((uuid) => (found.get(uuid) ?? []).map((row) => Object.assign(new MetricSummary(), row)));
}
