import {
  Arg,
  Args,
  Ctx,
  Field,
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
import { Payload, payload } from '../../graphql/userError.js';
import { ConditionSource } from '../vocabulary.js';
import { setConditionPrecedence } from './precedence.js';
import { Project, projectList } from './project.js';
import { createProject, projectUuid, updateProject } from './projectService.js';

@InputType()
class CreateProjectInput {
  @Field(() => String)
  name: string;
  @Field(() => String, { nullable: true })
  description?: string | null;
}

@InputType()
class UpdateProjectInput {
  @Field(() => ID, { description: 'Id or name.' })
  id: string;
  @Field(() => String, { nullable: true })
  name?: string | null;
  @Field(() => String, { nullable: true })
  description?: string | null;
}

@ObjectType()
class ProjectPayload extends Payload {
  @Field(() => Project, { nullable: true })
  project?: Project | null;
}

@InputType({ description: 'Lists left out stay as they are.' })
class SetConditionPrecedenceInput {
  @Field(() => ID)
  projectId: string;
  @Field(() => [ConditionSource], { nullable: true, description: 'Of LABEL, PERIOD.' })
  weather?: ConditionSource[] | null;
  @Field(() => [ConditionSource], { nullable: true, description: 'Of LABEL, DERIVED, SENSOR.' })
  timeOfDay?: ConditionSource[] | null;
  @Field(() => [ConditionSource], { nullable: true, description: 'Of LABEL.' })
  scene?: ConditionSource[] | null;
  @Field(() => [ConditionSource], { nullable: true, description: 'Of SENSOR, DERIVED.' })
  darkness?: ConditionSource[] | null;
}

@ObjectType()
class ConditionPrecedencePayload extends ProjectPayload {
  @Field(() => Int, { nullable: true, description: 'Images that resolve otherwise now.' })
  imagesChanged?: number | null;
}

@Resolver(() => Project)
export class ProjectResolver {
  @Query(() => Project, { nullable: true, description: 'By id or name.' })
  async project(@Arg('id', () => ID) id: string, @Ctx() { db, load }: Context): Promise<Project | null> {
    return load.one(Project, await projectUuid(db, id));
  }

  @Query(() => projectList.Connection)
  projects(
    @Args(() => projectList.Arguments) page: InstanceType<typeof projectList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, projectList, page);
  }

  @Mutation(() => ProjectPayload)
  createProject(@Arg('input', () => CreateProjectInput) input: CreateProjectInput, @Ctx() { db }: Context) {
    return payload(ProjectPayload, async () => ({ project: await createProject(db, input) }));
  }

  @Mutation(() => ProjectPayload)
  updateProject(@Arg('input', () => UpdateProjectInput) input: UpdateProjectInput, @Ctx() { db }: Context) {
    return payload(ProjectPayload, async () => ({
      project: await updateProject(db, await projectUuid(db, input.id), input),
    }));
  }

  @Mutation(() => ConditionPrecedencePayload)
  setConditionPrecedence(
    @Arg('input', () => SetConditionPrecedenceInput)
    { projectId, ...change }: SetConditionPrecedenceInput,
    @Ctx() { db }: Context,
  ) {
    return payload(ConditionPrecedencePayload, async () =>
      setConditionPrecedence(db, await projectUuid(db, projectId), change),
    );
  }
}
