import { Field, Float, Int, ObjectType } from 'type-graphql';

@ObjectType({
  description: 'Blobs that no row refers to: pictures, models and other bytes that nobody can ask for.',
})
export class OrphansReport {
  @Field(() => Int, { description: 'Blobs in the store.' })
  looked: number;
  @Field(() => Int, { description: 'Of these, left alone: younger than SHINGO_ORPHAN_GRACE_HOURS.' })
  young: number;
  @Field(() => Int, { description: 'Of a dry run: that would be.' })
  removed: number;
  @Field(() => Float, { description: 'Of what was removed.' })
  bytes: number;
  @Field(() => Boolean, { description: 'Nothing was removed.' })
  dryRun: boolean;
}
