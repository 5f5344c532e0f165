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
import { DatasetVersion } from '../../datasets/datasetVersion.js';
import { Experiment } from '../../experiments/experiment.js';
import { experimentUuid } from '../../experiments/experimentService.js';
import type { Context } from '../../graphql/context.js';
import { list } from '../../graphql/list/list.js';
import { uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { Model } from '../../models/model/model.js';
import { Job } from '../job.js';
import { MAX_TRIALS } from './space.js';
import { startSweep } from './startSweep.js';
import { Sweep, SweepTrial, sweepList } from './sweep.js';
import { StartSweepInput, spaceOf } from './sweepInputs.js';
import { bestOf, cancelSweep, sweepsOfJobs, trialsOf } from './sweepService.js';
import { datasetVersionUuid } from '../../datasets/reference.js';
import { modelUuid } from '../../models/model/modelService.js';

@InputType()
class CancelSweepInput {
  @Field(() => ID)
  sweepId: string;
}

@ObjectType()
class SweepPayload extends Payload {
  @Field(() => Sweep, { nullable: true })
  sweep?: Sweep | null;
}

@Resolver(() => Sweep)
export class SweepResolver {
  @Query(() => Sweep, { nullable: true })
  sweep(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Sweep | null> {
    return load.one(Sweep, uuidOf('Sweep', id));
  }

  @Query(() => sweepList.Connection)
  async sweeps(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => sweepList.Arguments) page: InstanceType<typeof sweepList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, sweepList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @FieldResolver(() => Project)
  project(@Root() sweep: Sweep, @Ctx() { load }: Context) {
    return load.one(Project, sweep.projectUuid);
  }

  @FieldResolver(() => Model)
  model(@Root() sweep: Sweep, @Ctx() { load }: Context) {
    return load.one(Model, sweep.modelUuid);
  }

  @FieldResolver(() => DatasetVersion)
  datasetVersion(@Root() sweep: Sweep, @Ctx() { load }: Context) {
    return load.one(DatasetVersion, sweep.datasetVersionUuid);
  }

  @FieldResolver(() => [SweepTrial], { complexity: 100, description: `By number; at most ${MAX_TRIALS}.` })
  trials(@Root() sweep: Sweep, @Ctx() { db, load }: Context) {
    return trialsOf(load, db, sweep);
  }

  @FieldResolver(() => SweepTrial, {
    nullable: true,
    complexity: 100,
    description:
      'The best of those that have come farthest, by its best value; null: nothing was measured yet.',
  })
  async best(@Root() sweep: Sweep, @Ctx() { db, load }: Context) {
    return bestOf(sweep, await trialsOf(load, db, sweep));
  }

  @Mutation(() => SweepPayload, {
    description:
      'All of its trials at once, as ordinary trainings, of which so many may run at a time. The same key and request again: the same sweep.',
  })
  startSweep(@Arg('input', () => StartSweepInput) given: StartSweepInput, @Ctx() services: Context) {
    return payload(SweepPayload, async () => {
      const {
        datasetVersionId,
        modelId,
        fromExperimentId: from,
        parameters,
        reductionFactor,
        ...rest
      } = given;
      const sweep = await startSweep(services, {
        ...rest,
        datasetVersionUuid: await datasetVersionUuid(services.db, datasetVersionId, ['datasetVersionId']),
        modelUuid: await modelUuid(services.db, modelId, ['modelId']),
        parentUuid: from ? await experimentUuid(services.db, from, ['fromExperimentId']) : null,
        parameters: JSON.parse(JSON.stringify(parameters ?? {})) as object,
        space: spaceOf(given.space),
        reduction: reductionFactor,
      });
      return { sweep };
    });
  }

  @Mutation(() => SweepPayload, {
    description: 'Cancels every trial that is not over; their checkpoints are kept.',
  })
  cancelSweep(@Arg('input', () => CancelSweepInput) { sweepId }: CancelSweepInput, @Ctx() { db }: Context) {
    return payload(SweepPayload, async () => ({ sweep: await cancelSweep(db, uuidOf('Sweep', sweepId)) }));
  }
}

@Resolver(() => SweepTrial)
export class SweepTrialResolver {
  @FieldResolver(() => Job, { nullable: true })
  job(@Root() trial: SweepTrial, @Ctx() { load }: Context) {
    return load.one(Job, trial.jobUuid);
  }

  @FieldResolver(() => Experiment, { nullable: true })
  experiment(@Root() trial: SweepTrial, @Ctx() { load }: Context) {
    return load.one(Experiment, trial.experimentUuid);
  }
}

@Resolver(() => Job)
export class JobSweepResolver {
  @FieldResolver(() => Sweep, { nullable: true, description: 'That it is a trial of.' })
  sweep(@Root() job: Job, @Ctx() { db, load }: Context) {
    return load.batch('job.sweep', (uuids) => sweepsOfJobs(db, uuids)).load(job.uuid);
  }
}
