import { Arg, Ctx, Field, FieldResolver, Float, ID, InputType, Int, Mutation, ObjectType } from 'type-graphql';
import { Query, Resolver, Root } from 'type-graphql';
import { Project } from '../../catalog/project/project.js';
import { projectUuid } from '../../catalog/project/projectService.js';
import type { Context } from '../../graphql/context.js';
import { Payload, payload } from '../../graphql/userError.js';
import { Job } from '../job.js';
import { jobLimits, setJobLimits, type JobLimits } from '../limits.js';
import { Host, ProjectJobLimits } from './host.js';
import { jobsOfWorkers, listHosts } from './hostService.js';

@InputType({ description: 'As they are to be from now on: what is left out is the default.' })
class SetJobLimitsInput {
  @Field(() => ID, { description: 'Id or name.' })
  projectId: string;
  @Field(() => Float, { defaultValue: 1, description: 'Above 0; 2 is twice the slots of a project with 1.' })
  share: number;
  @Field(() => Int, { nullable: true, description: 'Missing: no limit.' })
  maxRunning?: number | null;
  @Field(() => Int, { nullable: true, description: 'Missing: no limit.' })
  maxQueued?: number | null;
}

@ObjectType()
class SetJobLimitsPayload extends Payload {
  @Field(() => Project, { nullable: true })
  project?: Project | null;
}

@Resolver(() => Host)
export class HostResolver {
  @Query(() => [Host], { description: 'The workers that there are, by name of their machine; 1000 at most.' })
  hosts(
    @Ctx() { db }: Context,
    @Arg('present', () => Boolean, { nullable: true, description: 'Missing: those that are lost as well.' })
    present?: boolean | null,
  ) {
    return listHosts(db, present ?? null);
  }

  @FieldResolver(() => [Job], { description: 'What it runs.' })
  jobs(@Root() host: Host, @Ctx() { db, load }: Context): Promise<Job[]> {
    return load.batch('host.jobs', (workers) => jobsOfWorkers(db, workers)).load(host.worker);
  }
}

@Resolver(() => Project)
export class ProjectJobLimitsResolver {
  @FieldResolver(() => ProjectJobLimits)
  jobLimits(@Root() project: Project, @Ctx() { db, load }: Context): Promise<JobLimits> {
    return load.batch('job.limits', (uuids) => jobLimits(db, uuids)).load(project.uuid);
  }

  @Mutation(() => SetJobLimitsPayload)
  setJobLimits(@Arg('input', () => SetJobLimitsInput) given: SetJobLimitsInput, @Ctx() { db, load }: Context) {
    return payload(SetJobLimitsPayload, async () => {
      const uuid = await projectUuid(db, given.projectId);
      const { share, maxRunning = null, maxQueued = null } = given;
      await setJobLimits(db, uuid, { share, maxRunning, maxQueued });
      return { project: await load.one(Project, uuid) };
    });
  }
}
