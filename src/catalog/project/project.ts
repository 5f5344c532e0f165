import { Field, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { defineList } from '../../graphql/list/list.js';
import { text, time } from '../../graphql/list/fields.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';
import { ConditionSource } from '../vocabulary.js';

/** Which source of a condition wins: the first in the list that says something definite. One left out is not used. */
@ObjectType()
export class ConditionPrecedence {
  @Column('text', { name: 'weather_precedence', array: true })
  @Field(() => [ConditionSource], { description: 'Of LABEL, PERIOD.' })
  weather: ConditionSource[];

  @Column('text', { name: 'time_of_day_precedence', array: true })
  @Field(() => [ConditionSource], { description: 'Of LABEL, DERIVED, SENSOR.' })
  timeOfDay: ConditionSource[];

  @Column('text', { name: 'scene_precedence', array: true })
  @Field(() => [ConditionSource], { description: 'Of LABEL.' })
  scene: ConditionSource[];

  @Column('text', { name: 'darkness_precedence', array: true })
  @Field(() => [ConditionSource], { description: 'Of SENSOR, DERIVED.' })
  darkness: ConditionSource[];
}

/** What data, conditions, models and jobs belong to; nothing is shared between projects but bytes. */
@Entity('project')
@ObjectType({ implements: Node })
export class Project extends Node {
  @Column('text')
  @Field(() => String, { description: 'Unique; may stand wherever the id of a project is asked for.' })
  name: string;

  @Column('text')
  @Field(() => String)
  description: string;

  @Column(() => ConditionPrecedence, { prefix: false })
  @Field(() => ConditionPrecedence)
  conditionPrecedence: ConditionPrecedence;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;
}

export const projectList = defineList({
  name: 'Project',
  table: 'project',
  entity: () => Project,
  project: null,
  fields: {
    name: text('t.name', { sort: true }),
    description: text('t.description'),
    createdAt: time('t.created_at', { sort: true }),
  },
});
