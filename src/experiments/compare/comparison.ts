/** Several experiments side by side: what they were given, what came of it, and their curves on one axis. */
import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Split } from '../../catalog/vocabulary.js';
import { Real } from '../../graphql/scalars.js';
import { MetricSummary } from '../curves/summary.js';
import { Experiment, Parameter } from '../experiment.js';
import { Metric } from '../metric.js';

@ObjectType({ description: 'A parameter that is not the same everywhere.' })
export class ComparedParameter {
  @Field(() => String)
  name: string;
  @Field(() => [Parameter], {
    nullable: 'items',
    description: 'Of each experiment, in their order; null: it has no such parameter.',
  })
  values: (Parameter | null)[];
}

@ObjectType({ description: 'One metric under one condition.' })
export class ComparedMetric {
  @Field(() => String)
  name: string;
  @Field(() => Split, { nullable: true, description: 'Null: of none.' })
  split: Split | null;
  @Field(() => String, { nullable: true, description: 'Null: over all of them.' })
  condition: string | null;
  @Field(() => String, { nullable: true, description: 'Null: over all of them.' })
  class: string | null;
  @Field(() => [MetricSummary], {
    nullable: 'items',
    description: 'Of each experiment, in their order; null: it has no such metric.',
  })
  values: (MetricSummary | null)[];
}

export enum Axis {
  STEP = 'STEP',
  TIME = 'TIME',
}
registerEnumType(Axis, {
  name: 'CurveAxis',
  valuesConfig: {
    STEP: { description: 'The step.' },
    TIME: {
      description: 'Seconds since the experiment began: started, or logged the first of these points.',
    },
  },
});

@ObjectType()
export class ComparedPoint {
  @Field(() => Float, { description: 'On the axis that all curves share.' })
  x: number;
  @Field(() => Real)
  value: number;
  @Field(() => Metric, { description: 'With its step, time, n and interval.' })
  metric: Metric;
}

@ObjectType()
export class ComparedCurve {
  @Field(() => Experiment)
  experiment: Experiment;
  @Field(() => Float, { description: 'How many values there are; 0: it has no such metric.' })
  total: number;
  @Field(() => Boolean, { description: 'Values were left out, the extremes of each stretch never.' })
  thinned: boolean;
  @Field(() => [ComparedPoint], { description: 'In the order of x.' })
  points: ComparedPoint[];
}

@ObjectType()
export class ExperimentComparison {
  @Field(() => [Experiment], { description: 'In the order of the ids.' })
  experiments: Experiment[];
  @Field(() => [ComparedParameter], { description: 'Those that are not the same everywhere, by name.' })
  parameters: ComparedParameter[];
  @Field(() => Int, { description: 'How many parameters are the same in all of them.' })
  equalParameters: number;
}
