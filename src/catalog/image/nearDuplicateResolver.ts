import { Arg, Ctx, Field, FieldResolver, ID, Int, ObjectType, Query, Resolver, Root } from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { Image } from './image.js';
import { nearDuplicates } from './nearDuplicates.js';

@ObjectType()
class NearDuplicate {
  imageUuid: string;

  @Field(() => Int, { description: 'Bits of 64 in which the perceptual hashes differ.' })
  distance: number;
}

@Resolver(() => NearDuplicate)
export class NearDuplicateResolver {
  @Query(() => [NearDuplicate], {
    description: 'Images of the same project that look like this one, the most alike first.',
  })
  nearDuplicates(
    @Arg('imageId', () => ID) imageId: string,
    @Arg('distance', () => Int, { defaultValue: 6, description: 'At most 7.' }) distance: number,
    @Arg('first', () => Int, { defaultValue: 50, description: 'At most 200.' }) first: number,
    @Ctx() { db }: Context,
  ): Promise<NearDuplicate[]> {
    return nearDuplicates(db, uuidOf('Image', imageId), distance, first);
  }

  @FieldResolver(() => Image, { nullable: true })
  image(@Root() { imageUuid }: NearDuplicate, @Ctx() { load }: Context) {
    return load.one(Image, imageUuid);
  }
}
