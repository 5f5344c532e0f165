import { Field, Float, Int, ObjectType } from 'type-graphql';

@ObjectType()
class PurgedRows {
  @Field(() => String)
  table: string;
  @Field(() => Float)
  rows: number;
}

@ObjectType({ description: 'What a purge has removed for good; of a dry run: what one would remove now.' })
export class PurgeReport {
  @Field(() => Boolean)
  dryRun: boolean;
  @Field(() => Int, { description: 'Failed ones whose days were over: deleted now, to be purged later.' })
  failedDeleted: number;
  @Field(() => Int, { description: 'Trainings that cannot go on from where they stopped any more.' })
  checkpoints: number;
  @Field(() => Int, { description: 'Purged.' })
  experiments: number;
  @Field(() => Int, {
    description:
      'Due, and kept: a model version stands on them, or one that is kept began with their weights.',
  })
  held: number;
  @Field(() => [PurgedRows], { description: 'Most first.' })
  rows: PurgedRows[];
  @Field(() => Int, { description: 'Files that nothing else refers to.' })
  blobs: number;
  @Field(() => Float, { description: 'Of these.' })
  bytes: number;
}
