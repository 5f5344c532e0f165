import { Field, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { text, time } from '../../graphql/list/fields.js';
import { defineList } from '../../graphql/list/list.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';

/** A purpose that experiments compete for, e.g. "light state at junctions". */
@Entity('model')
@ObjectType({ implements: Node })
export class Model extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('text')
  @Field(() => String)
  name: string;

  @Column('text')
  @Field(() => String)
  description: string;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;
}

export const modelList = defineList({
  name: 'Model',
  table: 'model',
  entity: () => Model,
  project: 't.project_id',
  fields: {
    name: text('t.name', { sort: true }),
    description: text('t.description'),
    createdAt: time('t.created_at', { sort: true }),
  },
});
