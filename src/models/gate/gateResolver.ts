import { Arg, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { Evaluation } from '../../experiments/evaluation.js';
import type { Context } from '../../graphql/context.js';
import { modelVersionUuid } from '../version/reference.js';
import { ModelVersion } from '../version/version.js';
import { gateReport } from './gateReport.js';
import { GateReport, GateResult } from './report.js';

@Resolver(() => GateReport)
class GateReportResolver {
  @Query(() => GateReport, {
    complexity: 2000,
    description: 'What stands between this version and champion, as of now.',
  })
  async gateReport(@Arg('modelVersionId', () => ID) id: string, @Ctx() { db }: Context) {
    return gateReport(db, await modelVersionUuid(db, id, ['modelVersionId']));
  }

  @FieldResolver(() => ModelVersion)
  modelVersion(@Root() report: GateReport, @Ctx() { load }: Context) {
    return load.one(ModelVersion, report.versionUuid);
  }

  @FieldResolver(() => ModelVersion, { nullable: true, description: 'At that time; null: there was none.' })
  champion(@Root() report: GateReport, @Ctx() { load }: Context) {
    return load.one(ModelVersion, report.championUuid);
  }
}

@Resolver(() => GateResult)
class GateResultResolver {
  @FieldResolver(() => Evaluation, { nullable: true, description: 'The one that counted.' })
  evaluation(@Root() result: GateResult, @Ctx() { load }: Context) {
    return load.one(Evaluation, result.evaluationUuid);
  }

  @FieldResolver(() => Evaluation, { nullable: true, description: "The champion's, of NOT_WORSE." })
  baseline(@Root() result: GateResult, @Ctx() { load }: Context) {
    return load.one(Evaluation, result.baselineUuid);
  }
}

export const gateResolvers = [GateReportResolver, GateResultResolver] as const;
