import { Arg, Args, ArgsType, Ctx, Field, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { Experiment } from '../experiment.js';
import { Metric } from '../metric.js';
import { MetricKey } from '../search/order.js';
import { metricsAt, type StepOf } from './atStep.js';
import { Best, BestStep, bestSteps, MAX_OTHERS } from './bestStep.js';
import { curvesOf, MAX_POINTS, MetricCurve, type CurveFilter } from './curve.js';
import { SeriesArguments } from './seriesArguments.js';
import { MAX_SUMMARIES, MetricSummary, summariesOf, type SummaryFilter } from './summary.js';

@ArgsType()
class SummaryArguments extends SeriesArguments implements SummaryFilter {
  @Field(() => Int, { defaultValue: 100, description: `At most ${MAX_SUMMARIES}.` })
  first: number;
}

@ArgsType()
class CurveArguments extends SeriesArguments implements CurveFilter {
  @Field(() => Int, {
    defaultValue: 1000,
    description: `Of all curves together, each has the same share; at most ${MAX_POINTS}.`,
  })
  maxPoints: number;
}

@Resolver(() => Experiment)
class ExperimentCurvesResolver {
  @FieldResolver(() => [MetricSummary], {
    description: 'What each metric came to; by name, split, condition and class. No points are read.',
  })
  metricSummaries(
    @Root() experiment: Experiment,
    @Args(() => SummaryArguments) filter: SummaryArguments,
    @Ctx() { load, db }: Context,
  ) {
    return summariesOf(load, db, experiment.uuid, filter);
  }

  @FieldResolver(() => [MetricCurve], {
    complexity: ({ args, childComplexity }) => 1 + args.maxPoints * childComplexity,
    description:
      'Of each stretch the smallest, the greatest and the first NaN value, where they were, and the first and the last of all.',
  })
  curves(
    @Root() experiment: Experiment,
    @Args(() => CurveArguments) filter: CurveArguments,
    @Ctx() { load, db }: Context,
  ) {
    return curvesOf(load, db, experiment.uuid, filter);
  }

  @FieldResolver(() => BestStep, {
    nullable: true,
    description:
      'The step at which a metric was best, and what others were at that step. Null: it has no such metric, or only NaN.',
  })
  bestStep(
    @Root() experiment: Experiment,
    @Arg('metric', () => MetricKey) metric: MetricKey,
    @Arg('best', () => Best) best: Best,
    @Arg('others', () => [MetricKey], { defaultValue: [], description: `At most ${MAX_OTHERS}.` })
    others: MetricKey[],
    @Ctx() { load, db }: Context,
  ) {
    const question = { metric, best, others };
    return load
      .batch(`bestStep:${JSON.stringify(question)}`, (uuids) => bestSteps(db, uuids, question))
      .load(experiment.uuid);
  }
}

function metricAt({ load, db }: Context, wanted: StepOf): Promise<Metric | null> {
  return load
    .batch('summary.metric', (keys) =>
      metricsAt(
        db,
        keys.map((key) => parsed(key)),
      ),
    )
    .load([wanted.experimentUuid, wanted.seriesId, wanted.step, wanted.value].join(' '));
}

function parsed(key: string): StepOf {
  const [experimentUuid = '', seriesId, step, value] = key.split(' ');
  return { experimentUuid, seriesId: Number(seriesId), step: Number(step), value: Number(value) };
}

const WITH_N = 'With its n and interval, where it has them.';

@Resolver(() => MetricSummary)
class MetricSummaryResolver {
  @FieldResolver(() => Metric, { nullable: true, description: WITH_N })
  lastMetric(@Root() { experimentUuid, seriesId, lastStep, last }: MetricSummary, @Ctx() context: Context) {
    return metricAt(context, { experimentUuid, seriesId, step: lastStep, value: last });
  }

  @FieldResolver(() => Metric, { nullable: true, description: WITH_N })
  minMetric(@Root() { experimentUuid, seriesId, minStep, min }: MetricSummary, @Ctx() context: Context) {
    if (min === null || minStep === null) return null;
    return metricAt(context, { experimentUuid, seriesId, step: minStep, value: min });
  }

  @FieldResolver(() => Metric, { nullable: true, description: WITH_N })
  maxMetric(@Root() { experimentUuid, seriesId, maxStep, max }: MetricSummary, @Ctx() context: Context) {
    if (max === null || maxStep === null) return null;
    return metricAt(context, { experimentUuid, seriesId, step: maxStep, value: max });
  }
}

export const curveResolvers = [ExperimentCurvesResolver, MetricSummaryResolver] as const;
