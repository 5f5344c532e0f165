import {
  Arg,
  Args,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { Project } from '../../catalog/project/project.js';
import { projectUuid } from '../../catalog/project/projectService.js';
import type { Context } from '../../graphql/context.js';
import { list } from '../../graphql/list/list.js';
import { selectOne } from '../../graphql/select.js';
import { Payload, payload } from '../../graphql/userError.js';
import { createNamed, updateNamed } from '../../platform/database/named.js';
import { Model, modelList } from './model.js';
import { modelUuid } from './modelService.js';

@InputType()
class CreateModelInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => String)
  name: string;
  @Field(() => String, { nullable: true })
  description?: string | null;
}

@InputType()
class UpdateModelInput {
  @Field(() => ID)
  id: string;
  @Field(() => String, { nullable: true })
  name?: string;
  @Field(() => String, { nullable: true })
  description?: string | null;
}

@ObjectType()
class ModelPayload extends Payload {
  @Field(() => Model, { nullable: true })
  model?: Model | null;
}

@Resolver(() => Model)
export class ModelResolver {
  @Query(() => Model, { nullable: true })
  async model(@Arg('id', () => ID) id: string, @Ctx() { db, load }: Context): Promise<Model | null> {
    return load.one(Model, await modelUuid(db, id));
  }

  @Query(() => modelList.Connection)
  async models(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => modelList.Arguments) page: InstanceType<typeof modelList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, modelList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @FieldResolver(() => Project)
  project(@Root() model: Model, @Ctx() { load }: Context) {
    return load.one(Project, model.projectUuid);
  }

  @Mutation(() => ModelPayload)
  createModel(@Arg('input', () => CreateModelInput) input: CreateModelInput, @Ctx() { db }: Context) {
    return payload(ModelPayload, async () => {
      const uuid = await createNamed(db, 'model', await projectUuid(db, input.projectId), input);
      return { model: await selectOne(db, Model, uuid) };
    });
  }

  @Mutation(() => ModelPayload)
  updateModel(@Arg('input', () => UpdateModelInput) input: UpdateModelInput, @Ctx() { db }: Context) {
    return payload(ModelPayload, async () => {
      const uuid = await modelUuid(db, input.id, ['id']);
      await updateNamed(db, 'model', uuid, input);
      return { model: await selectOne(db, Model, uuid) };
    });
  }
}
