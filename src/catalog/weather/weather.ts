import { Field, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { defineList } from '../../graphql/list/list.js';
import { id, its, oneOf, time } from '../../graphql/list/fields.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';
import { placeList } from '../place/place.js';
import { WeatherName } from '../vocabulary.js';

/** The weather of a place from startTime up to, not including, endTime. No two of one place overlap. */
@Entity('weather')
@ObjectType({ implements: Node })
export class Weather extends Node {
  @Column('uuid', { name: 'place_id' })
  placeUuid: string;

  @Column('text', { name: 'weather_name' })
  @Field(() => WeatherName)
  weatherName: WeatherName;

  @Column('timestamptz', { name: 'start_time' })
  @Field(() => DateTime)
  startTime: Date;

  @Column('timestamptz', { name: 'end_time', nullable: true })
  @Field(() => DateTime, { nullable: true, description: 'Not included. Null: still going on.' })
  endTime: Date | null;
}

export const weatherList = defineList({
  name: 'Weather',
  table: 'weather',
  entity: () => Weather,
  project: '(SELECT p.project_id FROM place p WHERE p.id = t.place_id)',
  fields: {
    placeId: id('Place', 't.place_id'),
    place: its(() => placeList, 's.id = t.place_id'),
    weatherName: oneOf('WeatherName', WeatherName, 't.weather_name'),
    startTime: time('t.start_time', { sort: true }),
    endTime: time('t.end_time', { nullable: true, sort: true }),
  },
});
