/** What judging a version by its rules comes to; also as JSON in the promotion history, so that it stays readable. */
import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime } from '../../graphql/scalars.js';
import { GateRule } from './rule.js';

export enum Verdict {
  PASS = 'PASS',
  FAIL = 'FAIL',
  INSUFFICIENT_DATA = 'INSUFFICIENT_DATA',
  NOT_EVALUATED = 'NOT_EVALUATED',
}
registerEnumType(Verdict, {
  name: 'GateVerdict',
  description: 'Only PASS passes.',
  valuesConfig: {
    INSUFFICIENT_DATA: { description: "Fewer than the protocol's minimum n: nothing can be said." },
    NOT_EVALUATED: { description: 'There is no finished evaluation, or it has no such figure.' },
  },
});

/** The figure of one slice, held against the threshold of its rule. */
@ObjectType()
export class GateSlice {
  @Field(() => String, { nullable: true, description: 'Null: the whole split.' })
  condition: string | null;
  @Field(() => Verdict)
  verdict: Verdict;
  @Field(() => Float, {
    nullable: true,
    description: 'The figure; of NOT_WORSE the difference to the champion.',
  })
  value: number | null;
  @Field(() => Int)
  n: number;
  @Field(() => Float, { nullable: true })
  lower: number | null;
  @Field(() => Float, { nullable: true })
  upper: number | null;
  @Field(() => String, { nullable: true, description: 'Of the interval.' })
  method: string | null;
  @Field(() => String)
  sentence: string;
}

@ObjectType({ description: 'value to method are those of the slice that decides: the worst.' })
export class GateResult extends GateSlice {
  @Field(() => GateRule, { description: 'As it was when it judged.' })
  rule: GateRule;
  @Field(() => Float)
  get threshold(): number {
    return this.rule.threshold;
  }
  @Field(() => [GateSlice], { complexity: 0, description: 'One, or of everyCondition one a condition.' })
  slices: GateSlice[];
  evaluationUuid: string | null;
  /** The champion's, of NOT_WORSE. */
  baselineUuid: string | null;
}

@ObjectType()
export class GateReport {
  @Field(() => Verdict, { description: 'The worst of all; PASS where there is no rule.' })
  verdict: Verdict;
  @Field(() => DateTime)
  judgedAt: Date;
  @Field(() => [GateResult], { complexity: 10, description: 'By name of the rule.' })
  results: GateResult[];
  versionUuid: string;
  championUuid: string | null;
  /** Digest of all that the verdicts rest on; see subject.ts. */
  basis: string;
}

/** A report after JSON: times are texts, and nothing has a class. */
export type StoredGateReport = Omit<GateReport, 'judgedAt'> & { judgedAt: string };

export function reportOf(stored: StoredGateReport): GateReport {
  const results = stored.results.map(({ slices, rule, ...result }) =>
    Object.assign(new GateResult(), withoutThreshold(result), {
      rule: Object.assign(new GateRule(), rule, {
        createdAt: new Date(rule.createdAt),
        updatedAt: new Date(rule.updatedAt),
      }),
      slices: slices.map((slice) => Object.assign(new GateSlice(), slice)),
    }),
  );
  return Object.assign(new GateReport(), stored, { judgedAt: new Date(stored.judgedAt), results });
}

/** A getter: JSON has none of it, and TypeScript cannot know. */
const withoutThreshold = ({ threshold: _, ...rest }: Partial<GateResult>) => rest;

const ORDER = [Verdict.PASS, Verdict.INSUFFICIENT_DATA, Verdict.NOT_EVALUATED, Verdict.FAIL];

/** FAIL before what cannot be said, that before PASS; the first of equals. */
export function worst<T extends { verdict: Verdict }>(all: readonly T[]): T | undefined {
  return all.reduce<T | undefined>(
    (found, one) => (found && ORDER.indexOf(found.verdict) >= ORDER.indexOf(one.verdict) ? found : one),
    undefined,
  );
}
