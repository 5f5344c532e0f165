import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { Split } from '../../catalog/vocabulary.js';
import { Parameter } from '../../experiments/experiment.js';
import { oneOf, text, time } from '../../graphql/list/fields.js';
import { defineList } from '../../graphql/list/list.js';
import { Node } from '../../graphql/node.js';
import { DateTime, Real } from '../../graphql/scalars.js';
import { JobState, Reason } from '../vocabulary.js';
import type { SpaceParameter } from './space.js';

export enum SweepStrategy {
  GRID = 'GRID',
  RANDOM = 'RANDOM',
  SUCCESSIVE_HALVING = 'SUCCESSIVE_HALVING',
}
registerEnumType(SweepStrategy, {
  name: 'SweepStrategy',
  valuesConfig: {
    GRID: { description: 'Every combination.' },
    RANDOM: { description: 'So many, drawn from the seed.' },
    SUCCESSIVE_HALVING: {
      description:
        'All begin; at the end of each rung the best go on from their checkpoints and the others are cancelled with SWEEP_PRUNED.',
    },
  },
});

export enum SweepState {
  RUNNING = 'RUNNING',
  CANCELLING = 'CANCELLING',
  SUCCEEDED = 'SUCCEEDED',
  FAILED = 'FAILED',
  CANCELLED = 'CANCELLED',
}
registerEnumType(SweepState, {
  name: 'SweepState',
  valuesConfig: {
    SUCCEEDED: { description: 'All trials are over, and at least one has succeeded.' },
    FAILED: { description: 'All trials are over, and none has succeeded.' },
  },
});

export enum Scale {
  LINEAR = 'LINEAR',
  LOG = 'LOG',
}
registerEnumType(Scale, { name: 'SweepScale' });

/** Trainings over a space of parameters, as ordinary jobs. Whoever ends a trial moves it on: see advance.ts. */
@Entity('sweep')
@ObjectType({ implements: Node, description: 'Trainings over a space of parameters, each an ordinary job.' })
export class Sweep extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('text')
  @Field(() => String, { description: "Its trials' experiments begin with it." })
  name: string;

  @Column('text')
  @Field(() => SweepStrategy)
  strategy: SweepStrategy;

  @Column('text')
  @Field(() => SweepState)
  state: SweepState;

  @Column('uuid', { name: 'dataset_version_id' })
  datasetVersionUuid: string;

  @Column('uuid', { name: 'model_id' })
  modelUuid: string;

  @Column('text')
  @Field(() => String, { description: 'That trials are compared by.' })
  metric: string;

  @Column('text')
  @Field(() => Split)
  split: Split;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Null: the whole split.' })
  condition: string | null;

  @Column('boolean')
  @Field(() => Boolean, { description: 'False: the lower the better.' })
  maximize: boolean;

  @Column('jsonb')
  space: SpaceParameter[];

  @Column('int')
  @Field(() => Int)
  seed: number;

  @Column('int', { name: 'max_concurrent' })
  @Field(() => Int, { description: 'Trials at a time.' })
  maxConcurrent: number;

  @Column('int', { array: true })
  @Field(() => [Int], {
    description: 'Epochs at which SUCCESSIVE_HALVING compares, the last one a whole training; else empty.',
  })
  rungs: number[];

  @Column('int', { nullable: true })
  @Field(() => Int, { nullable: true, description: 'One of so many goes on from a rung.' })
  reduction: number | null;

  @Column('int')
  @Field(() => Int, { description: 'That is being run, from 0.' })
  rung: number;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  @Field(() => DateTime, { nullable: true })
  finishedAt: Date | null;
}

@ObjectType()
export class SweepValue {
  @Field(() => Int, { description: 'Epoch, from 1.' })
  step: number;
  @Field(() => Real)
  value: number;
  @Field(() => Int, { nullable: true })
  n: number | null;
  @Field(() => Float, {
    nullable: true,
    description: 'Of the 95 % interval; null where there is none, as for a loss.',
  })
  lower: number | null;
  @Field(() => Float, { nullable: true })
  upper: number | null;
  @Field(() => String, { nullable: true })
  method: string | null;
}

@ObjectType()
export class SweepTrial {
  jobUuid: string;
  experimentUuid: string;

  @Field(() => Int, { description: 'From 1.' })
  number: number;
  @Field(() => [Parameter], { complexity: 0, description: 'Of the space; the experiment has all of them.' })
  parameters: Parameter[];
  @Field(() => Int, { description: 'The last that it was let into, from 0.' })
  rung: number;
  @Field(() => JobState)
  state: JobState;
  @Field(() => Boolean, { description: 'QUEUED until its turn or its rung comes.' })
  waiting: boolean;
  @Field(() => Reason, {
    nullable: true,
    description: 'SWEEP_PRUNED: others were better at the end of its rung.',
  })
  reason: Reason | null;
  @Field(() => SweepValue, { nullable: true, description: 'Of the newest epoch.' })
  last: SweepValue | null;
  @Field(() => SweepValue, { nullable: true, description: 'Of all its epochs.' })
  best: SweepValue | null;
}

export const sweepList = defineList({
  name: 'Sweep',
  table: 'sweep',
  entity: () => Sweep,
  project: 't.project_id',
  fields: {
    name: text('t.name', { sort: true }),
    strategy: oneOf('SweepStrategy', SweepStrategy, 't.strategy'),
    state: oneOf('SweepState', SweepState, 't.state'),
    createdAt: time('t.created_at', { sort: true }),
    finishedAt: time('t.finished_at', { sort: true, nullable: true }),
  },
});
