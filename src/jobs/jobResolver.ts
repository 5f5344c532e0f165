import {
  Arg,
  Args,
  Ctx,
  FieldResolver,
  Float,
  ID,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import { Project } from '../catalog/project/project.js';
import { projectUuid } from '../catalog/project/projectService.js';
import { Evaluation } from '../experiments/evaluation.js';
import { Experiment } from '../experiments/experiment.js';
import { experimentUuid } from '../experiments/experimentService.js';
import { resumed } from '../graphql/answers.js';
import type { Context } from '../graphql/context.js';
import { list } from '../graphql/list/list.js';
import { uuidOf } from '../graphql/node.js';
import { payload } from '../graphql/userError.js';
import { followJobs } from './follow.js';
import * as input from './inputs.js';
import { Job, jobList } from './job.js';
import { cancelJob } from './jobService.js';
import { retryJob } from './retryJob.js';
import { startEvaluation } from './start/startEvaluation.js';
import { startTraining } from './start/startTraining.js';
import { JobFile, filesOfJobs } from './task/jobFile.js';
import { JobReport, reportOf } from './task/report.js';
import { datasetVersionUuid } from '../datasets/reference.js';
import { modelUuid } from '../models/model/modelService.js';

@Resolver(() => Job)
export class JobResolver {
  @Query(() => Job, { nullable: true })
  job(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Job | null> {
    return load.one(Job, uuidOf('Job', id));
  }

  @Query(() => jobList.Connection)
  async jobs(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => jobList.Arguments) page: InstanceType<typeof jobList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, jobList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @FieldResolver(() => Project)
  project(@Root() job: Job, @Ctx() { load }: Context) {
    return load.one(Project, job.projectUuid);
  }

  @FieldResolver(() => Experiment, {
    nullable: true,
    description: 'Null for a job that is no training or evaluation.',
  })
  experiment(@Root() job: Job, @Ctx() { load }: Context) {
    return load.one(Experiment, job.experimentUuid);
  }

  @FieldResolver(() => Evaluation, { nullable: true, description: 'Of an evaluation.' })
  evaluation(@Root() job: Job, @Ctx() { load }: Context) {
    return load.one(Evaluation, job.evaluationUuid);
  }

  @FieldResolver(() => JobReport, { nullable: true, description: 'Of a task that has succeeded.' })
  report(@Root() job: Job) {
    return reportOf(job);
  }

  @FieldResolver(() => [JobFile], { description: 'What it has made, to be fetched.' })
  files(@Root() job: Job, @Ctx() { db, load }: Context) {
    return load.batch('job.files', (uuids) => filesOfJobs(db, uuids)).load(job.uuid);
  }

  @Mutation(() => input.StartTrainingPayload, {
    description: 'The same key and request again: the same job.',
  })
  startTraining(
    @Arg('input', () => input.StartTrainingInput) given: input.StartTrainingInput,
    @Ctx() services: Context,
  ) {
    return payload(input.StartTrainingPayload, async () => {
      const { db } = services;
      const from = given.fromExperimentId;
      const job = await startTraining(services, {
        ...given,
        datasetVersionUuid: await datasetVersionUuid(db, given.datasetVersionId, ['datasetVersionId']),
        modelUuid: await modelUuid(db, given.modelId, ['modelId']),
        parentUuid: from ? await experimentUuid(db, from, ['fromExperimentId']) : null,
      });
      return { job, experiment: await services.load.one(Experiment, job.experimentUuid) };
    });
  }

  @Mutation(() => input.StartEvaluationPayload, {
    description: 'The same key and request again: the same job.',
  })
  startEvaluation(
    @Arg('input', () => input.StartEvaluationInput) given: input.StartEvaluationInput,
    @Ctx() services: Context,
  ) {
    return payload(input.StartEvaluationPayload, async () => {
      const { db } = services;
      const job = await startEvaluation(services, {
        ...given,
        datasetVersionUuid: await datasetVersionUuid(db, given.datasetVersionId, ['datasetVersionId']),
        experimentUuid: await experimentUuid(db, given.experimentId, ['experimentId']),
        protocolUuid: given.protocolId ? uuidOf('EvaluationProtocol', given.protocolId) : null,
      });
      return { job, evaluation: await services.load.one(Evaluation, job.evaluationUuid) };
    });
  }

  @Mutation(() => input.CancelJobPayload, {
    description: 'Queued: at once. Running: within seconds; CANCELLING until then.',
  })
  cancelJob(
    @Arg('input', () => input.CancelJobInput) { jobId }: input.CancelJobInput,
    @Ctx() { db }: Context,
  ) {
    return payload(input.CancelJobPayload, async () => ({ job: await cancelJob(db, uuidOf('Job', jobId)) }));
  }

  @Mutation(() => input.RetryJobPayload, {
    description:
      'Puts a FAILED or CANCELLED job back, to go on from its checkpoint. Once for each key; one that waits or runs is left as it is.',
  })
  retryJob(
    @Arg('input', () => input.RetryJobInput) { jobId, idempotencyKey }: input.RetryJobInput,
    @Ctx() services: Context,
  ) {
    return payload(input.RetryJobPayload, async () => ({
      job: await retryJob(services, uuidOf('Job', jobId), idempotencyKey),
    }));
  }

  @Subscription(() => Job, {
    name: 'jobs',
    description:
      'First every unfinished job as it is, then each job that changes, in the order of the changes; with afterSeq each that has changed since, the finished ones too.',
    subscribe: async ({ args, context }: { args: JobsArgs; context: Context }) =>
      followJobs(
        context,
        await projectUuid(context.db, args.projectId),
        resumed(context, args.afterSeq ?? null),
        context.gone,
      ),
  })
  jobChanges(
    @Root() job: Job,
    @Arg('projectId', () => ID) _projectId: string,
    @Arg('afterSeq', () => Float, { nullable: true, description: 'changeSeq of the last job that came.' })
    _afterSeq: number | null,
  ): Job {
    return job;
  }

  @FieldResolver(() => Float, {
    description: "Number of its newest change, among those of the project's jobs: the cursor of `jobs`.",
  })
  changeSeq(@Root() job: Job): number {
    return Number(job.seq);
  }
}

interface JobsArgs {
  projectId: string;
  afterSeq?: number | null;
}
