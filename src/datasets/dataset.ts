import { Field, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { text, time } from '../graphql/list/fields.js';
import { defineList } from '../graphql/list/list.js';
import { Node } from '../graphql/node.js';
import { DateTime } from '../graphql/scalars.js';

/** A line of data set versions for one purpose. */
@Entity('dataset')
@ObjectType({ implements: Node })
export class Dataset extends Node {
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

export const datasetList = defineList({
  name: 'Dataset',
  table: 'dataset',
  entity: () => Dataset,
  project: 't.project_id',
  fields: {
    name: text('t.name', { sort: true }),
    description: text('t.description'),
    createdAt: time('t.created_at', { sort: true }),
  },
});
