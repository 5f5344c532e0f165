import {
  Arg,
  Args,
  Ctx,
  Field,
  Float,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { list } from '../../graphql/list/list.js';
import { uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { projectUuid } from '../project/projectService.js';
import { Place, placeList } from './place.js';
import { createPlace, updatePlace } from './placeService.js';

@InputType()
class CreatePlaceInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => String)
  country: string;
  @Field(() => String)
  prefecture: string;
  @Field(() => String)
  city: string;
  @Field(() => String, { nullable: true })
  name?: string | null;
  @Field(() => String, { description: 'IANA name, e.g. Asia/Tokyo.' })
  timeZone: string;
  @Field(() => Float, { nullable: true })
  latitude?: number | null;
  @Field(() => Float, { nullable: true })
  longitude?: number | null;
}

@InputType()
class UpdatePlaceInput implements Partial<CreatePlaceInput> {
  @Field(() => ID)
  id: string;
  @Field(() => String, { nullable: true })
  country?: string;
  @Field(() => String, { nullable: true })
  prefecture?: string;
  @Field(() => String, { nullable: true })
  city?: string;
  @Field(() => String, { nullable: true })
  name?: string | null;
  @Field(() => String, { nullable: true })
  timeZone?: string;
  @Field(() => Float, { nullable: true })
  latitude?: number | null;
  @Field(() => Float, { nullable: true })
  longitude?: number | null;
}

@ObjectType()
class PlacePayload extends Payload {
  @Field(() => Place, { nullable: true })
  place?: Place | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Images that have another time, weather by period or sun now.',
  })
  imagesChanged?: number | null;
}

@Resolver(() => Place)
export class PlaceResolver {
  @Query(() => Place, { nullable: true })
  place(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Place | null> {
    return load.one(Place, uuidOf('Place', id));
  }

  @Query(() => placeList.Connection)
  async places(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => placeList.Arguments) page: InstanceType<typeof placeList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, placeList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @Mutation(() => PlacePayload)
  createPlace(@Arg('input', () => CreatePlaceInput) input: CreatePlaceInput, @Ctx() { db }: Context) {
    return payload(PlacePayload, async () => ({
      place: await createPlace(db, await projectUuid(db, input.projectId), input),
      imagesChanged: 0,
    }));
  }

  @Mutation(() => PlacePayload)
  updatePlace(@Arg('input', () => UpdatePlaceInput) input: UpdatePlaceInput, @Ctx() { db }: Context) {
    return payload(PlacePayload, () => updatePlace(db, uuidOf('Place', input.id), input));
  }
}
