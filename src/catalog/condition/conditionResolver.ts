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
import type { Where } from '../../graphql/list/where.js';
import { uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { imageList } from '../image/image.js';
import { projectUuid } from '../project/projectService.js';
import { Condition, conditionList, ConditionVersion } from './condition.js';
import {
  conditionOverlaps,
  createCondition,
  updateCondition,
  versionsOfConditions,
} from './conditionService.js';

@InputType()
class CreateConditionInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => String)
  name: string;
  @Field(() => String, { nullable: true })
  description?: string | null;
  @Field(() => imageList.Where)
  where: Where;
}

@InputType()
class UpdateConditionInput {
  @Field(() => ID)
  id: string;
  @Field(() => String, { nullable: true })
  description?: string | null;
  @Field(() => imageList.Where, { nullable: true, description: 'Another filter is another version.' })
  where?: Where | null;
}

@ObjectType()
class ConditionPayload extends Payload {
  @Field(() => Condition, { nullable: true })
  condition?: Condition | null;
}

@ObjectType({ description: 'How many images are in both of two conditions; of one with itself: in it.' })
class ConditionOverlap {
  @Field(() => Condition)
  a: Condition;
  @Field(() => Condition)
  b: Condition;
  @Field(() => Int, { description: 'In both.' })
  images: number;
  @Field(() => Int, { description: 'In one of them or in both; never the sum of the two.' })
  either: number;
}

@ObjectType({ description: 'Conditions overlap: their counts do not add up to the number of images.' })
class ConditionOverlaps {
  @Field(() => Int)
  images: number;
  @Field(() => Int, { description: 'Images in no condition.' })
  none: number;
  @Field(() => [ConditionOverlap])
  pairs: ConditionOverlap[];
}

const MAX_VERSIONS = 500;

@Resolver(() => Condition)
export class ConditionResolver {
  @Query(() => Condition, { nullable: true })
  condition(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Condition | null> {
    return load.one(Condition, uuidOf('Condition', id));
  }

  @Query(() => conditionList.Connection)
  async conditions(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => conditionList.Arguments) page: InstanceType<typeof conditionList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, conditionList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @Mutation(() => ConditionPayload)
  createCondition(
    @Arg('input', () => CreateConditionInput) input: CreateConditionInput,
    @Ctx() { db }: Context,
  ) {
    return payload(ConditionPayload, async () => ({
      condition: await createCondition(db, await projectUuid(db, input.projectId), {
        ...input,
        filter: input.where,
      }),
    }));
  }

  @Mutation(() => ConditionPayload)
  updateCondition(
    @Arg('input', () => UpdateConditionInput) input: UpdateConditionInput,
    @Ctx() { db }: Context,
  ) {
    return payload(ConditionPayload, async () => ({
      condition: await updateCondition(db, uuidOf('Condition', input.id), {
        ...input,
        filter: input.where ?? null,
      }),
    }));
  }

  @Query(() => ConditionOverlaps)
  async conditionOverlaps(
    @Arg('projectId', () => ID) projectId: string,
    @Arg('where', () => imageList.Where, { nullable: true }) where: Where | null,
    @Ctx() { db }: Context,
  ): Promise<ConditionOverlaps> {
    return conditionOverlaps(db, await projectUuid(db, projectId), where);
  }

  @FieldResolver(() => [ConditionVersion], { description: `Newest first, at most ${MAX_VERSIONS}.` })
  versions(@Root() condition: Condition, @Ctx() { db, load }: Context) {
    return load
      .batch('versionsOfConditions', (uuids) => versionsOfConditions(db, uuids, MAX_VERSIONS))
      .load(condition.uuid);
  }
}
