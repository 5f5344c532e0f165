import { Arg, Args, Ctx, Field, ID, InputType, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { list } from '../../graphql/list/list.js';
import type { Where } from '../../graphql/list/where.js';
import { uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { imageList } from '../image/image.js';
import { projectUuid } from '../project/projectService.js';
import { Condition, conditionList } from './condition.js';
import { createCondition, updateCondition } from './conditionService.js';

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
}
