import { Field, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { defineList } from '../../graphql/list/list.js';
import { int, text } from '../../graphql/list/fields.js';
import type { Where } from '../../graphql/list/where.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';

/** A named, versioned filter of images, e.g. night. Conditions overlap: a rainy night is in `rain` and in `night`. */
@Entity('condition')
@ObjectType({ implements: Node })
export class Condition extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('text')
  @Field(() => String, { description: 'Unique within the project.' })
  name: string;

  @Column('text')
  @Field(() => String)
  description: string;

  @Column('int')
  @Field(() => Int, {
    description: 'Each change of the filter is a new version; evaluations name the one they used.',
  })
  version: number;

  @Column('jsonb')
  filter: Where;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;

  @Field(() => String, { description: 'The filter as JSON: an ImageWhere as it stands in variables.' })
  get where(): string {
    return JSON.stringify(this.filter);
  }
}

@ObjectType({ description: 'A filter that the condition has or had. Nothing that used it changes with it.' })
export class ConditionVersion {
  @Field(() => Int)
  version: number;
  filter: Where;
  @Field(() => DateTime)
  createdAt: Date;

  @Field(() => String, { description: 'The filter as JSON: an ImageWhere as it stands in variables.' })
  get where(): string {
    return JSON.stringify(this.filter);
  }
}

/** What every project starts with. */
export const STANDARD_CONDITIONS: { name: string; description: string; filter: Where }[] = [
  {
    name: 'sunny',
    description: 'Clear or partly cloudy, by day.',
    filter: { weather: { in: ['CLEAR', 'PARTLY_CLOUDY'] }, timeOfDay: { eq: 'DAY' } },
  },
  { name: 'night', description: 'Night, in any weather.', filter: { timeOfDay: { eq: 'NIGHT' } } },
  { name: 'rain', description: 'Rain, at any time of day.', filter: { weather: { eq: 'RAIN' } } },
];

export const conditionList = defineList({
  name: 'Condition',
  table: 'condition',
  entity: () => Condition,
  project: 't.project_id',
  fields: { name: text('t.name', { sort: true }), version: int('t.version') },
});
