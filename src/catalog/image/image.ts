import { Field, Float, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { defineList } from '../../graphql/list/list.js';
import { Node } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';
import { AnnotationSource, ConditionSource, Scene, TimeOfDay, WeatherName } from '../vocabulary.js';
import { imageFields } from './imageFields.js';

/**
 * How many objects of each kind an image's annotations name; kept by a trigger on them. A person's where one has looked,
 * else a model's; never both together.
 */
@ObjectType()
export class ObjectCounts {
  @Column('int', { nullable: true })
  @Field(() => Int, { description: 'PERSON and RIDER.' })
  people: number;

  @Column('int', { nullable: true })
  @Field(() => Int)
  cars: number;

  @Column('int', { nullable: true })
  @Field(() => Int)
  bicycles: number;

  @Column('int', { nullable: true })
  @Field(() => Int)
  buses: number;

  @Column('int', { name: 'traffic_lights', nullable: true })
  @Field(() => Int)
  trafficLights: number;

  @Column('text', { name: 'counts_source', nullable: true })
  @Field(() => AnnotationSource, {
    description: "Whose annotations were counted: a model's only where no person has looked.",
  })
  source: AnnotationSource;
}

/** From the pixels or, where the project says so, from the sun; see image/picture for the measure and why it is this one. */
@ObjectType()
export class Darkness {
  @Column('double precision', { nullable: true })
  @Field(() => Float, {
    nullable: true,
    description: '0 to 1; 1 is black. By the source that the project prefers.',
  })
  darkness: number | null;

  @Column('text', { name: 'darkness_source', nullable: true })
  @Field(() => ConditionSource, { nullable: true })
  source: ConditionSource | null;

  @Column('double precision', { name: 'darkness_sensor', nullable: true })
  @Field(() => Float, {
    nullable: true,
    description: 'From the pixels of the upper third, where the sky is.',
  })
  sensor: number | null;

  @Field(() => Float, { nullable: true, description: "From the sun's altitude." })
  derived?: number | null;

  @Column('double precision', { nullable: true })
  @Field(() => Float, {
    nullable: true,
    description: '0 to 1: mean luma of the whole picture. Null: its bytes are not here yet.',
  })
  brightness: number | null;
}

/** A camera picture, with when and where it was taken and under which conditions. */
@Entity('image')
@ObjectType({ implements: Node })
export class Image extends Node {
  @Column('uuid', { name: 'project_id' })
  projectUuid: string;

  @Column('uuid', { name: 'place_id', nullable: true })
  placeUuid: string | null;

  @Column('text', { nullable: true })
  @Field(() => String, {
    nullable: true,
    description: 'Of the bytes; unique within a project. Null: they are not here yet, only labels.',
  })
  sha256: string | null;

  @Column('text', { name: 'file_name' })
  @Field(() => String)
  fileName: string;

  @Column('int', { nullable: true })
  @Field(() => Int, {
    nullable: true,
    description: 'Pixels. Null: the bytes are not here yet, and the labels do not say.',
  })
  width: number | null;

  @Column('int', { nullable: true })
  @Field(() => Int, {
    nullable: true,
    description: 'Pixels. Null: the bytes are not here yet, and the labels do not say.',
  })
  height: number | null;

  @Column('timestamptz', { name: 'recorded_at', nullable: true })
  @Field(() => DateTime, { nullable: true })
  recordedAt: Date | null;

  @Column('double precision', { nullable: true })
  @Field(() => Float, { nullable: true })
  latitude: number | null;

  @Column('double precision', { nullable: true })
  @Field(() => Float, { nullable: true })
  longitude: number | null;

  @Column('text', { nullable: true })
  @Field(() => String, { nullable: true, description: 'The recording that the image is a frame of.' })
  drive: string | null;

  @Column('double precision', { name: 'sun_altitude', nullable: true })
  @Field(() => Float, { nullable: true, description: 'Degrees above the horizon, from position and time.' })
  sunAltitude: number | null;

  @Column(() => Darkness, { prefix: false })
  @Field(() => Darkness)
  darkness: Darkness;

  @Column(() => ObjectCounts, { prefix: false })
  counts: ObjectCounts;

  @Column('text', { name: 'weather_label', nullable: true })
  weatherLabel: WeatherName | null;

  @Column('text', { name: 'weather_period', nullable: true })
  weatherPeriod: WeatherName | null;

  @Column('text', { name: 'weather', nullable: true })
  weatherName: WeatherName | null;

  @Column('text', { name: 'weather_source', nullable: true })
  weatherSource: ConditionSource | null;

  @Column('text', { name: 'time_of_day_label', nullable: true })
  timeOfDayLabel: TimeOfDay | null;

  @Column('text', { name: 'time_of_day_derived', nullable: true })
  timeOfDayDerived: TimeOfDay | null;

  @Column('text', { name: 'time_of_day_sensor', nullable: true })
  timeOfDaySensor: TimeOfDay | null;

  @Column('text', { name: 'time_of_day', nullable: true })
  timeOfDayName: TimeOfDay | null;

  @Column('text', { name: 'time_of_day_source', nullable: true })
  timeOfDaySource: ConditionSource | null;

  @Column('text', { name: 'scene_label', nullable: true })
  sceneLabel: Scene | null;

  @Column('text', { name: 'scene', nullable: true })
  sceneName: Scene | null;

  @Column('text', { name: 'scene_source', nullable: true })
  sceneSource: ConditionSource | null;

  @Column('smallint', { name: 'weather_conflict' })
  weatherConflict: number;

  @Column('smallint', { name: 'time_of_day_conflict' })
  timeOfDayConflict: number;

  @Column('timestamptz', { name: 'created_at' })
  @Field(() => DateTime)
  createdAt: Date;
}

export const imageList = defineList({
  name: 'Image',
  table: 'image',
  entity: () => Image,
  project: 't.project_id',
  fields: imageFields(),
  // Of two fields in any directions no index could serve all; see migrations/1764100001000-Search.ts.
  maxOrderBy: 1,
  walk: 5000,
});
