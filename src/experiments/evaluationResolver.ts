import { Arg, Args, ArgsType, Ctx, Field, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { projectUuid } from '../catalog/project/projectService.js';
import { DatasetVersion } from '../datasets/datasetVersion.js';
import type { Context } from '../graphql/context.js';
import { list } from '../graphql/list/list.js';
import { uuidOf } from '../graphql/node.js';
import { Job } from '../jobs/job.js';
import { jobOf } from '../jobs/jobService.js';
import { Model } from '../models/model/model.js';
import {
  ColorConfusionCell,
  ErrorSplit,
  EvaluationCell,
  PrecisionRecallCurve,
  ReliabilityBin,
} from './cell.js';
import { cellsOf, checkCellFilter, MAX_CELLS } from './cellService.js';
import { colorConfusionOf, curvesOf, detailsOf, errorsOf, reliabilityOf } from './conditionDetails.js';
import { Evaluation, EvaluationCondition, evaluationList } from './evaluation.js';
import { conditionsOf } from './evaluationService.js';
import { ofShown } from './deletion/shown.js';
import { Experiment } from './experiment.js';
import { EvaluationProtocol } from './protocol/protocol.js';

@ArgsType()
class CellArguments {
  @Field(() => [String], { nullable: true, description: 'Missing: every one; so with the others.' })
  metrics?: string[] | null;
  @Field(() => [String], { nullable: 'itemsAndList', description: 'Null among them: over all classes.' })
  classes?: (string | null)[] | null;
  @Field(() => [String], { nullable: 'itemsAndList', description: 'Null among them: the whole split.' })
  conditions?: (string | null)[] | null;
  @Field(() => [Int], { nullable: 'itemsAndList', description: 'Null among them: every size.' })
  sizeBins?: (number | null)[] | null;
  @Field(() => Int, { defaultValue: 1000, description: `At most ${MAX_CELLS}.` })
  first: number;
}

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
    return list(db, evaluationList, page, {
      projectUuid: await projectUuid(db, projectId),
      own: [ofShown('t')],
    });
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

  @FieldResolver(() => [EvaluationCell], {
    // A cell is plain columns of one row: a quarter of what other fields cost.
    complexity: ({ args, childComplexity }) => 1 + Math.ceil((args.first * childComplexity) / 4),
    description:
      'By condition (the whole split first), metric, class and size; empty until it has succeeded.',
  })
  cells(
    @Root() { uuid }: Evaluation,
    @Args(() => CellArguments) { first, ...filter }: CellArguments,
    @Ctx() { load, db }: Context,
  ): Promise<EvaluationCell[]> {
    checkCellFilter(filter, first);
    return load
      .batch(`evaluation.cells:${JSON.stringify([filter, first])}`, (uuids) =>
        cellsOf(db, uuids, filter, first),
      )
      .load(uuid);
  }

  @FieldResolver(() => Job, { nullable: true })
  job(@Root() evaluation: Evaluation, @Ctx() { load, db }: Context) {
    return jobOf(load, db, 'evaluation', evaluation.uuid);
  }
}

@Resolver(() => EvaluationCondition)
export class EvaluationConditionResolver {
  @FieldResolver(() => [ColorConfusionCell], {
    nullable: true,
    complexity: 50,
    description: 'LIGHT_DETECTION, at IoU 0.5 and the score threshold: row by row, background last.',
  })
  async colorConfusion(@Root() condition: EvaluationCondition, @Ctx() { load, db }: Context) {
    return colorConfusionOf(condition.classes, await detailsOf(load, db, condition));
  }

  @FieldResolver(() => [PrecisionRecallCurve], {
    nullable: true,
    complexity: 100,
    description: 'LIGHT_DETECTION: of each class that has a light, at IoU 0.5 and 0.75.',
  })
  async curves(@Root() condition: EvaluationCondition, @Ctx() { load, db }: Context) {
    return curvesOf(await detailsOf(load, db, condition));
  }

  @FieldResolver(() => ErrorSplit, { nullable: true, description: 'LIGHT_DETECTION.' })
  async errors(@Root() condition: EvaluationCondition, @Ctx() { load, db }: Context) {
    return errorsOf(await detailsOf(load, db, condition));
  }

  @FieldResolver(() => [ReliabilityBin], {
    nullable: true,
    complexity: 50,
    description:
      'LIGHT_STATE: 15 bins of the score of the answer; ece is their mean distance from the diagonal.',
  })
  async reliability(@Root() condition: EvaluationCondition, @Ctx() { load, db }: Context) {
    return reliabilityOf(await detailsOf(load, db, condition));
  }
}
