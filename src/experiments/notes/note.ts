import { Field, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { text, time } from '../../graphql/list/fields.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';

/** What somebody wrote about an experiment, and when. */
@Entity('experiment_note')
@ObjectType({ implements: Node })
export class ExperimentNote extends Node {
  @Column('uuid', { name: 'experiment_id' })
  experimentUuid: string;

  @Column('text')
  @Field(() => String, { description: 'Markdown; at most 20,000 characters.' })
  text: string;

  @Column('text')
  @Field(() => String, { description: 'The label of the API key; "anonymous" where no key is asked for.' })
  author: string;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  @Field(() => DateTime)
  updatedAt: Date;
}

export const noteFilter = {
  name: 'ExperimentNote',
  table: 'experiment_note',
  fields: { text: text('t.text'), author: text('t.author'), createdAt: time('t.created_at') },
};

export const tagFilter = {
  name: 'ExperimentTag',
  table: 'experiment_tag',
  fields: { tag: text('t.tag') },
};
