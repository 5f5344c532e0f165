import { Field, Int, ObjectType } from 'type-graphql';

@ObjectType()
export class DuplicateMember {
  imageId: string;

  @Field(() => Int, { description: 'Bits of 64 in which it differs from the first of its group.' })
  distanceToFirst: number;
}

@ObjectType({ description: 'Images that pairs of near-duplicates connect.' })
class DuplicateGroup {
  @Field(() => Int)
  images: number;
  @Field(() => [DuplicateMember], { description: 'At most 10.' })
  members: DuplicateMember[];
}

@ObjectType({
  description: 'All near-duplicates of a project; the pairs are in pairs.csv among the `files` of the job.',
})
export class DuplicatesReport {
  @Field(() => Int, { description: 'Images that the filter chose.' })
  images: number;
  @Field(() => Int, { description: 'Of these, not compared: their pictures have no perceptual hash.' })
  withoutHash: number;
  @Field(() => Int, { description: 'Bits of 64.' })
  distance: number;
  @Field(() => Int, {
    description:
      'Of k images with equal hashes the first stands for all, and makes k - 1 pairs with the others.',
  })
  pairs: number;
  @Field(() => Int, { description: 'Of two images or more.' })
  groups: number;
  @Field(() => Int, { description: 'Images in groups; one of each group is no duplicate.' })
  grouped: number;
  @Field(() => Int, { description: 'Images.' })
  largestGroup: number;
  @Field(() => Boolean, {
    description: 'The file has not all pairs; the numbers here are right all the same.',
  })
  truncated: boolean;
  @Field(() => [DuplicateGroup], { description: 'The 20 largest groups.' })
  examples: DuplicateGroup[];
}
