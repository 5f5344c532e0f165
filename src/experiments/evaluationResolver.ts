import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { projectUuid } from '../catalog/project/projectService.js';
import { DatasetVersion } from '../datasets/datasetVersion.js';
import type { Context } from '../graphql/context.js';
import { list } from '../graphql/list/list.js';
import { uuidOf } from '../graphql/node.js';
import { Job } from '../jobs/job.js';
import { jobOf } from '../jobs/jobService.js';
import { Model } from '../models/model/model.js';
import { Evaluation, EvaluationCondition, evaluationList } from './evaluation.js';
import { conditionsOf } from './evaluationService.js';
import { Experiment } from './experiment.js';
import { EvaluationProtocol } from './protocol/protocol.js';

@Resolver(() => Evaluation)
export class EvaluationResolver {
  @Query(() => Evaluation, { nullable: true })
  evaluation(@Arg('id', () => ID) id: string, @Ctx() { load }: Context): Promise<Evaluation | null> {
    return load.one(Evaluation, uuidOf('Evaluation', id));
  }

  @Query(() => evaluationList.Connection)
  async evaluations(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => evaluationList.Arguments) page: InstanceType<typeof evaluationList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, evaluationList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @FieldResolver(() => Model)
  model(@Root() evaluation: Evaluation, @Ctx() { load }: Context) {
    return load.one(Model, evaluation.modelUuid);
  }

  @FieldResolver(() => EvaluationProtocol)
  protocol(@Root() evaluation: Evaluation, @Ctx() { load }: Context) {
    return load.one(EvaluationProtocol, evaluation.protocolUuid);
  }

  @FieldResolver(() => Experiment, { nullable: true, description: 'Null: predictions made elsewhere.' })
  experiment(@Root() evaluation: Evaluation, @Ctx() { load }: Context) {
    return load.one(Experiment, evaluation.experimentUuid);
  }

  @FieldResolver(() => DatasetVersion)
  datasetVersion(@Root() evaluation: Evaluation, @Ctx() { load }: Context) {
    return load.one(DatasetVersion, evaluation.datasetVersionUuid);
  }

  @FieldResolver(() => [EvaluationCondition], {
    description: 'The first is every light; empty until it has succeeded.',
  })
  conditions(@Root() evaluation: Evaluation, @Ctx() { load, db }: Context) {
    return conditionsOf(load, db, evaluation.uuid);
  }

  @FieldResolver(() => Job, { nullable: true })
  job(@Root() evaluation: Evaluation, @Ctx() { load, db }: Context) {
    return jobOf(load, db, 'evaluation', evaluation.uuid);
  }
}
