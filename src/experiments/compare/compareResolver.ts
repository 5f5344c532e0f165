import { Arg, Args, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { MAX_POINTS } from '../curves/curve.js';
import { SeriesArguments } from '../curves/seriesArguments.js';
import { MAX_SUMMARIES } from '../curves/summary.js';
import { MetricKey } from '../search/order.js';
import { Axis, ComparedCurve, ComparedMetric, ExperimentComparison } from './comparison.js';
import { compareCurves, compareExperiments, compareMetrics, MAX_COMPARED } from './compareService.js';

@Resolver(() => ExperimentComparison)
export class CompareResolver {
  @Query(() => ExperimentComparison, {
    description:
      'Experiments side by side: parameters that differ, metrics by condition, curves on one axis.',
  })
  compareExperiments(
    @Arg('ids', () => [ID], { description: `At most ${MAX_COMPARED}.` }) ids: string[],
    @Ctx() { db }: Context,
  ) {
    return compareExperiments(
      db,
      ids.map((id) => uuidOf('Experiment', id)),
    );
  }

  @FieldResolver(() => [ComparedMetric], {
    // Each row has a value of each of at most 20 experiments.
    complexity: ({ args, childComplexity }) => 1 + args.first * childComplexity * 5,
    description: 'By name, split, condition and class.',
  })
  metrics(
    @Root() { experiments }: ExperimentComparison,
    @Args(() => SeriesArguments) filter: SeriesArguments,
    @Arg('first', () => Int, { defaultValue: 100, description: `At most ${MAX_SUMMARIES}.` }) first: number,
    @Ctx() { db }: Context,
  ) {
    return compareMetrics(
      db,
      experiments.map(({ uuid }) => uuid),
      { ...filter, first },
    );
  }

  @FieldResolver(() => [ComparedCurve], {
    complexity: ({ args, childComplexity }) => 1 + args.maxPoints * childComplexity,
    description: 'Of each experiment, in their order.',
  })
  curves(
    @Root() { experiments }: ExperimentComparison,
    @Arg('metric', () => MetricKey) metric: MetricKey,
    @Arg('axis', () => Axis, { defaultValue: Axis.STEP }) axis: Axis,
    @Arg('maxPoints', () => Int, {
      defaultValue: 2000,
      description: `Of all curves together, each has the same share; at most ${MAX_POINTS}.`,
    })
    maxPoints: number,
    @Ctx() { db }: Context,
  ) {
    return compareCurves(db, experiments, { metric, axis, maxPoints });
  }
}
