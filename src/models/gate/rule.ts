import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { LearningTask, Split } from '../../catalog/vocabulary.js';
import { id, oneOf, text, time } from '../../graphql/list/fields.js';
import { defineList } from '../../graphql/list/list.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';

export enum GateBound {
  LOWER = 'LOWER',
  UPPER = 'UPPER',
  NOT_WORSE = 'NOT_WORSE',
}
registerEnumType(GateBound, {
  name: 'GateBound',
  valuesConfig: {
    LOWER: { description: 'The lower end of the interval is the threshold at least.' },
    UPPER: { description: 'The upper end of the interval is the threshold at most.' },
    NOT_WORSE: {
      description:
        'Not worse than the champion by more than the threshold: the paired difference, at its worse end, is above minus the threshold.',
    },
  },
});

/** What a version must hold before it becomes champion. */
@Entity('gate_rule')
@ObjectType({ implements: Node, description: 'What a version must hold before it becomes champion.' })
export class GateRule extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('uuid', { name: 'model_id', nullable: true })
  modelUuid: string | null;

  @Column('text')
  @Field(() => String, { description: 'Unique within the project.' })
  name: string;

  @Column('uuid', { name: 'dataset_id' })
  datasetUuid: string;

  @Column('text')
  @Field(() => Split)
  split: Split;

  @Column('text')
  @Field(() => String, { description: 'Name of an evaluation protocol; any of its versions counts.' })
  protocol: string;

  @Column('text')
  @Field(() => LearningTask, {
    description: 'Of the protocol; versions of another task are not judged by it.',
  })
  task: LearningTask;

  @Column('text')
  @Field(() => String)
  metric: string;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Null: over all classes.' })
  class: string | null;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'Null: the whole split.' })
  condition: string | null;

  @Column('boolean', { name: 'every_condition' })
  @Field(() => Boolean, { description: 'The whole split and every condition that the evaluation has.' })
  everyCondition: boolean;

  @Column('smallint', { name: 'size_bin', nullable: true })
  @Field(() => Int, {
    nullable: true,
    description: 'From 0, by the width bounds of the protocol; null: every size.',
  })
  sizeBin: number | null;

  @Column('text')
  @Field(() => GateBound)
  bound: GateBound;

  @Column('double precision')
  @Field(() => Float, { description: 'As a share, 0 to 1; of NOT_WORSE the margin.' })
  threshold: number;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  @Field(() => DateTime)
  updatedAt: Date;
}

export const gateRuleList = defineList({
  name: 'GateRule',
  table: 'gate_rule',
  entity: () => GateRule,
  project: 't.project_id',
  fields: {
    name: text('t.name', { sort: true }),
    modelId: id('Model', 't.model_id'),
    datasetId: id('Dataset', 't.dataset_id'),
    protocol: text('t.protocol'),
    task: oneOf('LearningTask', LearningTask, 't.task'),
    metric: text('t.metric', { sort: true }),
    condition: text('t.condition', { nullable: true }),
    createdAt: time('t.created_at', { sort: true }),
  },
});
