/** Figures as the API shows them. */
import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';

export enum CellState {
  OK = 'OK',
  INSUFFICIENT_DATA = 'INSUFFICIENT_DATA',
}
registerEnumType(CellState, {
  name: 'CellState',
  valuesConfig: {
    INSUFFICIENT_DATA: { description: "n is below the protocol's minimum: nothing follows from the value." },
  },
});

@ObjectType({
  description:
    'A figure of a class, a condition and a size; null of each: over all of them. Conditions overlap.',
})
export class EvaluationCell {
  @Field(() => String, { description: 'docs/evaluation.md lists them, e.g. ap50 or red_as_green.' })
  metric: string;

  @Field(() => String, { nullable: true, description: 'Null: over all classes.' })
  class: string | null;

  @Field(() => String, { nullable: true, description: 'Null: the whole split.' })
  condition: string | null;

  @Field(() => Int, { nullable: true })
  conditionVersion: number | null;

  @Field(() => Int, {
    nullable: true,
    description: "Place among the bins that the protocol's sizeBounds make; null: every size.",
  })
  sizeBin: number | null;

  @Field(() => Float, { nullable: true, description: 'Null: there is nothing to divide by.' })
  value: number | null;

  @Field(() => Int, {
    description: 'What the value is a share or a mean of: lights; of precision, answers or detections.',
  })
  n: number;

  @Field(() => Float, { nullable: true, description: 'Null: too few for an interval.' })
  lower: number | null;

  @Field(() => Float, { nullable: true })
  upper: number | null;

  @Field(() => String, { description: 'Of the interval: WILSON or BOOTSTRAP.' })
  method: string;

  @Field(() => CellState)
  state: CellState;
}

@ObjectType({ description: 'Background on one side or the other is null.' })
export class ColorConfusionCell {
  @Field(() => String, { nullable: true, description: 'Null: there is no light.' })
  actual: string | null;
  @Field(() => String, { nullable: true, description: 'Null: it was not found.' })
  found: string | null;
  @Field(() => Int)
  count: number;
}

@ObjectType({ description: 'At recall 0, 0.01, … 1: the highest precision at that recall or more.' })
export class PrecisionRecallCurve {
  @Field(() => String)
  class: string;
  @Field(() => Float)
  iou: number;
  @Field(() => [Float], { complexity: 0 })
  precision: number[];
}

@ObjectType({
  description:
    'What is wrong with the detections from the score threshold on, after TIDE (arXiv:2008.08115).',
})
export class ErrorSplit {
  @Field(() => Int, { description: 'Right place, wrong colour.' })
  classification: number;
  @Field(() => Int, { description: 'Right colour, IoU of 0.1 to 0.5.' })
  localisation: number;
  @Field(() => Int, { description: 'Wrong colour and IoU of 0.1 to 0.5.' })
  both: number;
  @Field(() => Int, { description: 'The light has been found by a surer one.' })
  duplicate: number;
  @Field(() => Int, { description: 'There is no light.' })
  background: number;
  @Field(() => Int, { description: 'Lights that nothing came near.' })
  missed: number;
}

@ObjectType({ description: 'Of the answers of this score: their mean score, and how often they are right.' })
export class ReliabilityBin {
  @Field(() => Float, { description: 'Above it; the first bin includes it.' })
  lower: number;
  @Field(() => Float)
  upper: number;
  @Field(() => Int)
  n: number;
  @Field(() => Float, { nullable: true })
  score: number | null;
  @Field(() => Float, { nullable: true })
  accuracy: number | null;
}
