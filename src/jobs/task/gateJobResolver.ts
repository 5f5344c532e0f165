import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { GateReport, reportOf } from '../../models/gate/report.js';
import { ModelVersion } from '../../models/version/version.js';
import { GateJobReport } from './gateJobReport.js';

@Resolver(() => GateJobReport)
export class GateJobReportResolver {
  @FieldResolver(() => ModelVersion, { nullable: true, description: 'That was made of the experiment.' })
  modelVersion(@Root() { versionUuid }: GateJobReport, @Ctx() { load }: Context) {
    return load.one(ModelVersion, versionUuid);
  }

  @FieldResolver(() => GateReport, {
    description: 'As it was judged then; gateReport(modelVersionId:) says how it is now.',
  })
  gateReport(@Root() { gate }: GateJobReport) {
    return reportOf(gate);
  }
}
