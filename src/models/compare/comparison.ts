/** What comparing two models comes to, as the API gives it. */
import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { PageInfo } from '../../graphql/list/connection.js';
import type { Pair } from './pair.js';

export enum ComparisonVerdict {
  BETTER = 'BETTER',
  WORSE = 'WORSE',
  NO_EVIDENCE = 'NO_EVIDENCE',
  INSUFFICIENT_DATA = 'INSUFFICIENT_DATA',
}
registerEnumType(ComparisonVerdict, {
  name: 'ComparisonVerdict',
  description: 'On b, held against a.',
  valuesConfig: {
    NO_EVIDENCE: { description: 'The difference may be chance; it is not said that there is none.' },
    INSUFFICIENT_DATA: { description: "Fewer than the protocol's minimum n: not tested." },
  },
});

export enum ComparisonSide {
  A = 'A',
  B = 'B',
}
registerEnumType(ComparisonSide, { name: 'ComparisonSide' });

@ObjectType({ description: 'Of the lights of a slice, by which of the two was right.' })
export class ComparisonCounts {
  @Field(() => Int)
  both: number;
  @Field(() => Int)
  onlyA: number;
  @Field(() => Int)
  onlyB: number;
  @Field(() => Int)
  neither: number;
}

@ObjectType()
export class ComparisonSlice {
  @Field(() => String)
  metric: string;
  @Field(() => String, { nullable: true, description: 'Null: over all classes.' })
  class: string | null;
  @Field(() => String, { nullable: true, description: 'Null: the whole split.' })
  condition: string | null;
  @Field(() => Int, { nullable: true, description: 'The one that the data set version was made with.' })
  conditionVersion: number | null;
  @Field(() => Int, { nullable: true, description: 'Null: every size.' })
  sizeBin: number | null;
  @Field(() => Int, {
    description: 'Lights that both were asked about; of other figures the smaller n of the two.',
  })
  n: number;
  @Field(() => Float, { nullable: true })
  a: number | null;
  @Field(() => Float, { nullable: true })
  b: number | null;
  @Field(() => Float, { nullable: true, description: 'b − a.' })
  difference: number | null;
  @Field(() => Float, { nullable: true, description: "Of the difference, at the protocol's confidence." })
  lower: number | null;
  @Field(() => Float, { nullable: true })
  upper: number | null;
  @Field(() => String, {
    description:
      "NEWCOMBE_PAIRED of shares of lights; else BOOTSTRAP over drives or images, with both models' figures from the same draws.",
  })
  method: string;
  @Field(() => ComparisonCounts, {
    nullable: true,
    description: 'Null where the figure is no share of lights, as AP.',
  })
  counts: ComparisonCounts | null;
  @Field(() => Float, {
    nullable: true,
    description: "McNemar's exact p of the counts; else the bootstrap's.",
  })
  p: number | null;
  @Field(() => Float, {
    nullable: true,
    description: 'After Holm, over the slices tested; null: this one was not.',
  })
  adjustedP: number | null;
  @Field(() => ComparisonVerdict)
  verdict: ComparisonVerdict;
}

@ObjectType({ description: 'A light that one of the two got right and the other wrong.' })
export class ChangedLight {
  @Field(() => String)
  sha256: string;
  @Field(() => Int, { description: 'Its place among the annotations of its image in the data set version.' })
  light: number;
  @Field(() => [String])
  conditions: string[];
  @Field(() => String)
  label: string;
  @Field(() => String, { nullable: true, description: 'What a said; null: it found nothing.' })
  a: string | null;
  @Field(() => String, { nullable: true, description: 'What b said; null: it found nothing.' })
  b: string | null;
  @Field(() => ComparisonSide)
  right: ComparisonSide;
  @Field(() => String, { description: 'Path of the picture on this service.' })
  get url(): string {
    return `/blobs/${this.sha256}`;
  }
  imageUuid: string;
}

@ObjectType()
export class ChangedLights {
  @Field(() => [ChangedLight], { complexity: 0 })
  nodes: ChangedLight[];
  @Field(() => PageInfo, { complexity: 0 })
  pageInfo: PageInfo;
}

@ObjectType({ description: 'b held against a, on the same lights of the same images by the same protocol.' })
export class ModelComparison {
  pair: Pair;
  @Field(() => [ComparisonSlice], { complexity: 20 })
  slices: ComparisonSlice[];
  @Field(() => Int, { description: "How many slices were tested: Holm's adjustment is over these." })
  tested: number;
  @Field(() => Float, {
    description: 'Chance of any BETTER or WORSE at all if there were no difference anywhere.',
  })
  alpha: number;
}
