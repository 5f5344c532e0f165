import { Field, Float, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { defineList } from '../../graphql/list/list.js';
import { float, id, text } from '../../graphql/list/fields.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';

/** Where images are taken: what weather periods hang on, and what coverage counts once however many frames it has. */
@Entity('place')
@ObjectType({ implements: Node })
export class Place extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('text')
  @Field(() => String)
  country: string;

  @Column('text')
  @Field(() => String)
  prefecture: string;

  @Column('text')
  @Field(() => String)
  city: string;

  @Column('text')
  @Field(() => String, {
    description: 'A junction or stretch of road within the city; empty for the city as such.',
  })
  name: string;

  @Column('text', { name: 'time_zone' })
  @Field(() => String, { description: 'IANA name, e.g. Asia/Tokyo.' })
  timeZone: string;

  @Column('double precision', { nullable: true })
  @Field(() => Float, { nullable: true })
  latitude: number | null;

  @Column('double precision', { nullable: true })
  @Field(() => Float, { nullable: true })
  longitude: number | null;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;
}

export const placeList = defineList({
  name: 'Place',
  table: 'place',
  entity: () => Place,
  project: 't.project_id',
  fields: {
    id: id('Place', 't.id'),
    country: text('t.country', { sort: true }),
    prefecture: text('t.prefecture', { sort: true }),
    city: text('t.city', { sort: true }),
    name: text('t.name', { sort: true }),
    timeZone: text('t.time_zone'),
    latitude: float('t.latitude', { nullable: true }),
    longitude: float('t.longitude', { nullable: true }),
  },
});
