/** The step at which one metric was best, and what others were at that step. */
import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { Metric } from '../metric.js';
import { theSeries, type MetricKey } from '../search/order.js';
import type { Series } from '../search/series.js';
import { metricsAt, type StepOf } from './atStep.js';

type Db = DataSource | EntityManager;

export const MAX_OTHERS = 50;

export enum Best {
  MIN = 'min',
  MAX = 'max',
}
registerEnumType(Best, {
  name: 'Best',
  description: 'Whether the smallest or the greatest value is the best.',
});

@ObjectType({ description: 'Of one experiment.' })
export class BestStep {
  @Field(() => Int, { description: 'Of several steps with the same value the one that was logged first.' })
  step: number;
  @Field(() => Metric)
  metric: Metric;
  @Field(() => [Metric], {
    nullable: 'items',
    description:
      'Those of `others`, in their order, as they were at that step; null: not measured at that step.',
  })
  others: (Metric | null)[];
}

export interface BestQuestion {
  metric: MetricKey;
  best: Best;
  others: MetricKey[];
}

interface KnownSeries extends Series {
  experimentUuid: string;
  /** Of the metrics that are asked for: 0 is the one that decides. */
  place: number;
  min: number | null;
  minStep: number | null;
  max: number | null;
  maxStep: number | null;
}

/** Two statements for all experiments. Null: it has no such metric, or only NaN. @throws ShingoError BAD_USER_INPUT */
export async function bestSteps(
  db: Db,
  uuids: readonly string[],
  { metric, best, others }: BestQuestion,
): Promise<(BestStep | null)[]> {
  if (others.length > MAX_OTHERS)
    throw new ShingoError('BAD_USER_INPUT', `At most ${MAX_OTHERS} others.`, 400, ['others']);
  const keys = [metric, ...others];
  const found = Map.groupBy(await selectKnown(db, uuids, keys), ({ experimentUuid }) => experimentUuid);
  const wanted = new Map<string, (StepOf | null)[]>();
  for (const uuid of uuids) {
    const series = keys.map((key, place) => {
      const same = (found.get(uuid) ?? []).filter((one) => one.place === place);
      return theSeries(key, same) as KnownSeries | null;
    });
    const [value, step] = [series[0]?.[best], series[0]?.[`${best}Step`]];
    if (value == null || step == null) continue;
    const at = (one: KnownSeries) => ({ experimentUuid: uuid, seriesId: one.id, step });
    wanted.set(
      uuid,
      series.map((one, place) => one && { ...at(one), ...(place === 0 ? { value } : {}) }),
    );
  }
  const asked = [...wanted.values()].flat().filter((one) => one !== null);
  const metrics = new Map((await metricsAt(db, asked)).map((one, place) => [asked[place], one]));
  return uuids.map((uuid) => {
    const [own, ...rest] = (wanted.get(uuid) ?? []).map((one) => (one && metrics.get(one)) ?? null);
    return own ? Object.assign(new BestStep(), { step: own.step, metric: own, others: rest }) : null;
  });
}

async function selectKnown(db: Db, uuids: readonly string[], keys: MetricKey[]): Promise<KnownSeries[]> {
  return db.query(
    `/* experiment.bestSeries */ SELECT m.experiment_id AS "experimentUuid", (k.place - 1)::int AS place, s.id, s.name,
       s.split, s.condition, s.class, m.min_value AS min, m.min_step AS "minStep", m.max_value AS max,
       m.max_step AS "maxStep"
     FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS k(name, split, condition, class, place)
       JOIN metric_series s ON s.name = k.name AND (k.split IS NULL OR s.split = k.split)
         AND s.condition IS NOT DISTINCT FROM k.condition AND s.class IS NOT DISTINCT FROM k.class
         AND s.project_id IN (SELECT project_id FROM experiment WHERE id = ANY ($1))
       JOIN experiment_metric m ON m.series_id = s.id AND m.experiment_id = ANY ($1)`,
    [
      uuids,
      keys.map(({ name }) => name),
      keys.map(({ split }) => split ?? null),
      keys.map(({ condition }) => condition ?? null),
      keys.map((key) => key.class ?? null),
    ],
  );
}
