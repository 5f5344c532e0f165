import { Field, ObjectType } from 'type-graphql';
import { Verdict, type StoredGateReport } from '../../models/gate/report.js';

@ObjectType({ description: 'What a training came to that was evaluated and judged by the gates.' })
export class GateJobReport {
  versionUuid: string;
  gate: StoredGateReport;

  @Field(() => Verdict)
  verdict: Verdict;
  @Field(() => String, { nullable: true, description: 'That it was to get; null: it was judged only.' })
  alias: string | null;
  @Field(() => Boolean, { description: 'The version has it, or had it already. Only what PASSes gets one.' })
  promoted: boolean;
}
