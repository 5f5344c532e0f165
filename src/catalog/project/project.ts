import { Field, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { defineList } from '../../graphql/list/list.js';
import { text, time } from '../../graphql/list/fields.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';

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
