import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import { Project } from '../catalog/project/project.js';
import { projectUuid } from '../catalog/project/projectService.js';
import type { Context } from '../graphql/context.js';
import { Payload, payload } from '../graphql/userError.js';
import { DEFAULT_RETENTION, Retention, retentionOf, setRetention } from './retention.js';

@InputType({ description: 'As it is to be from now on: what is left out is the default.' })
class SetRetentionInput {
  @Field(() => ID, { description: 'Id or name.' })
  projectId: string;
  @Field(() => Int, { defaultValue: DEFAULT_RETENTION.deletedDays, description: '0 to 3650.' })
  deletedDays: number;
  @Field(() => Int, { nullable: true, description: '1 to 3650; missing: never.' })
  failedDays?: number | null;
  @Field(() => Int, { nullable: true, description: '1 to 3650; missing: never.' })
  checkpointDays?: number | null;
}

@ObjectType()
class SetRetentionPayload extends Payload {
  @Field(() => Project, { nullable: true })
  project?: Project | null;
}

@Resolver(() => Project)
export class RetentionResolver {
  @FieldResolver(() => Retention)
  retention(@Root() project: Project, @Ctx() { db, load }: Context): Promise<Retention> {
    return retentionOf(load, db, project.uuid);
  }

  @Mutation(() => SetRetentionPayload)
  setRetention(
    @Arg('input', () => SetRetentionInput) given: SetRetentionInput,
    @Ctx() { db, load }: Context,
  ) {
    return payload(SetRetentionPayload, async () => {
      const uuid = await projectUuid(db, given.projectId);
      const { deletedDays, failedDays = null, checkpointDays = null } = given;
      await setRetention(db, uuid, { deletedDays, failedDays, checkpointDays });
      return { project: await load.one(Project, uuid) };
    });
  }
}
