/** What an image's conditions resolve to, and what each source says. */
import { Field, ObjectType } from 'type-graphql';
import { Condition } from '../condition/condition.js';
import { ConditionSource, Scene, TimeOfDay, WeatherName } from '../vocabulary.js';

const UNUSED = 'Null: those that say something are none that the project uses (conditionPrecedence).';

@ObjectType({ description: "The image's weather, where it comes from, and what each source says." })
export class ResolvedWeather {
  @Field(() => WeatherName, { nullable: true, description: UNUSED })
  value: WeatherName | null;
  @Field(() => ConditionSource, { nullable: true })
  source: ConditionSource | null;
  @Field(() => WeatherName, { nullable: true, description: 'As a person saw it.' })
  label: WeatherName | null;
  @Field(() => WeatherName, {
    nullable: true,
    description: 'Of the weather period of the place at that time.',
  })
  period: WeatherName | null;
}

@ObjectType({ description: "The image's time of day, where it comes from, and what each source says." })
export class ResolvedTimeOfDay {
  @Field(() => TimeOfDay, { nullable: true, description: UNUSED })
  value: TimeOfDay | null;
  @Field(() => ConditionSource, { nullable: true })
  source: ConditionSource | null;
  @Field(() => TimeOfDay, { nullable: true, description: 'As a person saw it.' })
  label: TimeOfDay | null;
  @Field(() => TimeOfDay, { nullable: true, description: "From the sun's altitude." })
  derived: TimeOfDay | null;
  @Field(() => TimeOfDay, {
    nullable: true,
    description: 'From the pixels: dark or not. Null for a crop of one light.',
  })
  sensor: TimeOfDay | null;
}

@ObjectType()
export class ResolvedScene {
  @Field(() => Scene)
  value: Scene;
  @Field(() => ConditionSource)
  source: ConditionSource;
  @Field(() => Scene, { nullable: true, description: 'As a person saw it.' })
  label: Scene | null;
}

@ObjectType('ImageCondition', {
  description: 'A condition that an image is in, and the sources of the values that put it there.',
})
export class ImageConditionType {
  @Field(() => Condition)
  condition: Condition;
  @Field(() => [ConditionSource])
  sources: ConditionSource[];
}
