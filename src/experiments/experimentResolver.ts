import {
  Arg,
  Args,
  ArgsType,
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
import { Project } from '../catalog/project/project.js';
import { projectUuid } from '../catalog/project/projectService.js';
import { Split } from '../catalog/vocabulary.js';
import { DatasetVersion } from '../datasets/datasetVersion.js';
import type { Context } from '../graphql/context.js';
import { selectOne } from '../graphql/select.js';
import { Payload, payload } from '../graphql/userError.js';
import { Job } from '../jobs/job.js';
import { jobOf } from '../jobs/jobService.js';
import { Reason } from '../jobs/vocabulary.js';
import { Model } from '../models/model/model.js';
import { Artifact } from './artifact.js';
import { thinnedMetrics } from './curves/curve.js';
import { Environment, environmentOf } from './environment.js';
import { Evaluation } from './evaluation.js';
import { endReason } from './events/end.js';
import { Experiment, Parameter, experimentList } from './experiment.js';
import {
  anyExperimentUuid,
  experimentUuid,
  metricsOf,
  renameExperiment,
  parametersOf,
  type MetricFilter,
} from './experimentService.js';
import { Metric } from './metric.js';
import { DeletedExperiments } from './deletion/shown.js';
import { listExperiments } from './search/experiments.js';

@ArgsType()
class MetricArguments implements MetricFilter {
  @Field(() => [String], { nullable: true })
  names?: string[] | null;
  @Field(() => [String], { nullable: true, description: '"all" stands for the metrics over every light.' })
  conditions?: string[] | null;
  @Field(() => [Split], { nullable: true })
  splits?: Split[] | null;
  @Field(() => Int, { defaultValue: 0 })
  afterSeq: number;
  @Field(() => Int, { defaultValue: 1000, description: 'At most 10,000.' })
  first: number;
  @Field(() => Int, {
    nullable: true,
    description:
      'Instead of first and afterSeq: all metrics that are chosen, thinned to so many, as in curves, in the order of the log.',
  })
  maxPoints?: number | null;
}

@InputType({
  description: 'An experiment is made by startTraining; what it did cannot be changed, its name can.',
})
class UpdateExperimentInput {
  @Field(() => ID, { description: 'Id, or "project name/experiment name".' })
  id: string;
  @Field(() => String)
  name: string;
}

@ObjectType()
class ExperimentPayload extends Payload {
  @Field(() => Experiment, { nullable: true })
  experiment?: Experiment | null;
}

@Resolver(() => Experiment)
export class ExperimentResolver {
  @Query(() => Experiment, {
    nullable: true,
    description: 'By id, or by "project name/experiment name"; a deleted one too.',
  })
  async experiment(
    @Arg('id', () => ID) id: string,
    @Ctx() { db, load }: Context,
  ): Promise<Experiment | null> {
    return load.one(Experiment, await anyExperimentUuid(db, id));
  }

  @Query(() => experimentList.Connection)
  async experiments(
    @Arg('projectId', () => ID) projectId: string,
    @Arg('deleted', () => DeletedExperiments, { defaultValue: DeletedExperiments.EXCLUDE })
    deletedOnes: DeletedExperiments,
    @Args(() => experimentList.Arguments) page: InstanceType<typeof experimentList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return listExperiments(db, await projectUuid(db, projectId), page, deletedOnes);
  }

  @Mutation(() => ExperimentPayload)
  updateExperiment(
    @Arg('input', () => UpdateExperimentInput) input: UpdateExperimentInput,
    @Ctx() { db }: Context,
  ) {
    return payload(ExperimentPayload, async () => {
      const uuid = await experimentUuid(db, input.id);
      await renameExperiment(db, uuid, input.name);
      return { experiment: await selectOne(db, Experiment, uuid) };
    });
  }

  @FieldResolver(() => Project)
  project(@Root() experiment: Experiment, @Ctx() { load }: Context) {
    return load.one(Project, experiment.projectUuid);
  }

  @FieldResolver(() => Model)
  model(@Root() experiment: Experiment, @Ctx() { load }: Context) {
    return load.one(Model, experiment.modelUuid);
  }

  @FieldResolver(() => DatasetVersion, {
    nullable: true,
    description: 'Null: trained elsewhere, on data that is not in this catalog.',
  })
  datasetVersion(@Root() experiment: Experiment, @Ctx() { load }: Context) {
    return load.one(DatasetVersion, experiment.datasetVersionUuid);
  }

  @FieldResolver(() => Experiment, {
    nullable: true,
    description: 'The one whose weights it began with; null: with random ones.',
  })
  parent(@Root() experiment: Experiment, @Ctx() { load }: Context) {
    return load.one(Experiment, experiment.parentUuid);
  }

  @FieldResolver(() => Environment, {
    nullable: true,
    description: 'What its newest attempt was trained with; null before it began.',
  })
  environment(@Root() experiment: Experiment, @Ctx() { load, db }: Context) {
    return environmentOf(load, db, experiment);
  }

  @FieldResolver(() => [Parameter], { description: 'By name; defaults filled in.' })
  parameters(@Root() experiment: Experiment, @Ctx() { load, db }: Context) {
    return parametersOf(load, db, experiment.uuid);
  }

  @FieldResolver(() => [Metric], {
    complexity: ({ args, childComplexity }) => 1 + (args.maxPoints ?? args.first) * childComplexity,
    description: 'In the order of the event log; go on with afterSeq.',
  })
  async metrics(
    @Root() experiment: Experiment,
    @Args(() => MetricArguments) { maxPoints, ...filter }: MetricArguments,
    @Ctx() { load, db }: Context,
  ) {
    if (maxPoints != null) return thinnedMetrics(load, db, experiment.uuid, { ...filter, maxPoints });
    return metricsOf(load, db, experiment.uuid, filter);
  }

  @FieldResolver(() => Reason, {
    nullable: true,
    description: 'Why it failed or was cancelled; null while it has not ended, or if nobody said.',
  })
  reason(@Root() experiment: Experiment, @Ctx() { load, db }: Context) {
    return endReason(load, db, experiment.uuid);
  }

  @FieldResolver(() => [Evaluation], { description: 'Oldest first.' })
  evaluations(@Root() experiment: Experiment, @Ctx() { load }: Context) {
    return load.many(Evaluation, 'experiment_id', experiment.uuid);
  }

  @FieldResolver(() => [Artifact], { description: 'By path.' })
  artifacts(@Root() experiment: Experiment, @Ctx() { load }: Context) {
    return load.many(Artifact, 'experiment_id', experiment.uuid, 'path');
  }

  @FieldResolver(() => Job, { nullable: true, description: 'The one that trains it.' })
  job(@Root() experiment: Experiment, @Ctx() { load, db }: Context) {
    return jobOf(load, db, 'experiment', experiment.uuid);
  }
}
