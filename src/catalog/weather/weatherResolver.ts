import {
  Arg,
  Args,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { list } from '../../graphql/list/list.js';
import { uuidOf } from '../../graphql/node.js';
import { DateTime } from '../../graphql/scalars.js';
import { Payload, payload } from '../../graphql/userError.js';
import { Place } from '../place/place.js';
import { projectUuid } from '../project/projectService.js';
import { WeatherName } from '../vocabulary.js';
import { Weather, weatherList } from './weather.js';
import { createWeather, deleteWeather, updateWeather } from './weatherService.js';

@InputType()
class CreateWeatherInput {
  @Field(() => ID)
  placeId: string;
  @Field(() => WeatherName)
  weatherName: WeatherName;
  @Field(() => DateTime)
  startTime: Date;
  @Field(() => DateTime, { nullable: true, description: 'Not included. Missing: still going on.' })
  endTime?: Date | null;
}

@InputType()
class UpdateWeatherInput {
  @Field(() => ID)
  id: string;
  @Field(() => WeatherName, { nullable: true })
  weatherName?: WeatherName | null;
  @Field(() => DateTime, { nullable: true })
  startTime?: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'null: still going on.' })
  endTime?: Date | null;
}

@InputType()
class DeleteWeatherInput {
  @Field(() => ID)
  id: string;
}

@ObjectType()
class WeatherPayload extends Payload {
  @Field(() => Weather, { nullable: true })
  weather?: Weather | null;
  @Field(() => Int, { nullable: true, description: 'Images whose weather by period is another now.' })
  imagesChanged?: number | null;
}

@Resolver(() => Weather)
export class WeatherResolver {
  @Query(() => Weather, { nullable: true })
  weather(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Weather | null> {
    return load.one(Weather, uuidOf('Weather', id));
  }

  @Query(() => weatherList.Connection)
  async weathers(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => weatherList.Arguments) page: InstanceType<typeof weatherList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, weatherList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @FieldResolver(() => Place)
  place(@Root() weather: Weather, @Ctx() { load }: Context) {
    return load.one(Place, weather.placeUuid);
  }

  @Mutation(() => WeatherPayload)
  createWeather(@Arg('input', () => CreateWeatherInput) input: CreateWeatherInput, @Ctx() { db }: Context) {
    return payload(WeatherPayload, () => createWeather(db, uuidOf('Place', input.placeId), input));
  }

  @Mutation(() => WeatherPayload)
  updateWeather(@Arg('input', () => UpdateWeatherInput) input: UpdateWeatherInput, @Ctx() { db }: Context) {
    return payload(WeatherPayload, () => updateWeather(db, uuidOf('Weather', input.id), input));
  }

  @Mutation(() => WeatherPayload)
  deleteWeather(@Arg('input', () => DeleteWeatherInput) input: DeleteWeatherInput, @Ctx() { db }: Context) {
    return payload(WeatherPayload, () => deleteWeather(db, uuidOf('Weather', input.id)));
  }
}
