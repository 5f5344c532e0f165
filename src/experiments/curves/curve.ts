/** The curves of an experiment's metrics, thinned to what a chart can show. */
import { Field, Float, ObjectType } from 'type-graphql';
import type { DataSource, EntityManager } from 'typeorm';
import { Split } from '../../catalog/vocabulary.js';
import type { Loaders } from '../../graphql/context.js';
import { ShingoError } from '../../platform/error.js';
import { Metric } from '../metric.js';
import { MAX_SUMMARIES, selectSummaries, type MetricSummary, type SummaryFilter } from './summary.js';
import { MIN_POINTS, thin } from './thin.js';

type Db = DataSource | EntityManager;

export const MAX_POINTS = 10_000;

@ObjectType({ description: 'One metric over the steps.' })
export class MetricCurve {
  @Field(() => String)
  name: string;
  @Field(() => Split, { nullable: true, description: 'Null: of none.' })
  split: Split | null;
  @Field(() => String, { nullable: true, description: 'Null: over all of them.' })
  condition: string | null;
  @Field(() => String, { nullable: true, description: 'Null: over all of them.' })
  class: string | null;
  @Field(() => Float, { description: 'How many values there are.' })
  total: number;
  @Field(() => Boolean, { description: 'Values were left out, the extremes of each stretch never.' })
  thinned: boolean;
  @Field(() => [Metric], { description: 'In the order of the log.' })
  points: Metric[];
}

export type CurveFilter = Omit<SummaryFilter, 'first'> & { maxPoints: number };

/** @throws ShingoError BAD_USER_INPUT */
export function curvesOf(load: Loaders, db: Db, uuid: string, filter: CurveFilter): Promise<MetricCurve[]> {
  const { names, splits, conditions, classes, maxPoints } = filter;
  const key = JSON.stringify([names ?? null, splits ?? null, conditions ?? null, classes ?? null, maxPoints]);
  return load.batch(`curves:${key}`, (uuids) => selectCurves(db, uuids, filter)).load(uuid);
}

/** The same points as one list, in the order of the log. @throws ShingoError BAD_USER_INPUT */
export async function thinnedMetrics(
  load: Loaders,
  db: Db,
  uuid: string,
  { afterSeq, ...filter }: CurveFilter & { afterSeq: number },
): Promise<Metric[]> {
  if (afterSeq !== 0)
    throw new ShingoError('BAD_USER_INPUT', 'Give afterSeq or maxPoints, not both.', 400, ['afterSeq']);
  const curves = await curvesOf(load, db, uuid, filter);
  return curves.flatMap(({ points }) => points).sort((a, b) => a.seq - b.seq);
}

/** At most four statements, however many experiments. */
async function selectCurves(db: Db, uuids: readonly string[], filter: CurveFilter): Promise<MetricCurve[][]> {
  checkPoints(filter.maxPoints);
  const summaries = await selectSummaries(db, uuids, { ...filter, first: MAX_SUMMARIES });
  const most = Math.max(...summaries.map(({ length }) => length), 1);
  const points = await thin(db, summaries.flat(), shareOf(filter.maxPoints, most));
  let place = 0;
  return summaries.map((own) => own.map((summary) => curveOf(summary, points[place++] ?? [])));
}

function curveOf(summary: MetricSummary, points: Metric[]): MetricCurve {
  const { name, split, condition, class: kind, points: total } = summary;
  const known = { name, split, condition, class: kind, total };
  return Object.assign(new MetricCurve(), known, { points, thinned: points.length < total });
}

/** @throws ShingoError BAD_USER_INPUT */
export function checkPoints(maxPoints: number): void {
  if (maxPoints >= MIN_POINTS && maxPoints <= MAX_POINTS) return;
  throw new ShingoError('BAD_USER_INPUT', `maxPoints is ${MIN_POINTS} to ${MAX_POINTS}.`, 400, ['maxPoints']);
}

/** What each of the curves may have. @throws ShingoError BAD_USER_INPUT */
export function shareOf(maxPoints: number, curves: number): number {
  const share = Math.floor(maxPoints / curves);
  if (share >= MIN_POINTS) return share;
  throw new ShingoError(
    'BAD_USER_INPUT',
    `${curves} curves need ${MIN_POINTS} points each: choose fewer of them by name, split, condition and class, or raise maxPoints.`,
    400,
    ['maxPoints'],
  );
}
