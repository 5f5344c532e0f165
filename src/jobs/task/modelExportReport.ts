import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Split } from '../../catalog/vocabulary.js';
import type { Drift, DriftBound, DriftVerdict } from '../../training/variants/drift.js';
import { VARIANTS, type Variant } from '../../training/variants/names.js';
import type { EvaluationDrift } from '../../use/export/evaluated.js';

export const ModelVariant = Object.fromEntries(VARIANTS.map((variant) => [variant, variant]));
registerEnumType(ModelVariant, {
  name: 'ModelVariant',
  valuesConfig: {
    LAYERS: { description: 'TensorFlow.js layers model, as it was stored.' },
    UINT8: { description: 'The same with its kernels in 8 bits: a scale and a minimum a tensor.' },
    FLOAT16: { description: 'The same with its kernels in 16 bits.' },
  },
});
export const DriftVerdicts: Record<DriftVerdict, DriftVerdict> = {
  OK: 'OK',
  INSUFFICIENT_DATA: 'INSUFFICIENT_DATA',
  DRIFT: 'DRIFT',
};
registerEnumType(DriftVerdicts, { name: 'DriftVerdict' });

@ObjectType()
abstract class ChangedShare {
  @Field(() => Float)
  changedShare: number;
  @Field(() => Float, { description: 'The upper end of the 95 % Wilson interval of changedShare.' })
  changedUpper: number;
}

@ObjectType({ description: 'An export against the model that was evaluated, on the same pictures.' })
class ModelDrift extends ChangedShare implements Drift {
  @Field(() => Int, {
    description:
      "Decisions: lights; of a detector, what either of the two finds at the protocol's score threshold.",
  })
  n: number;
  @Field(() => Int, {
    description:
      'Lights that are called another colour; of a detector, those that only one of the two finds at IoU 0.5 in that colour.',
  })
  changed: number;
  @Field(() => Float, {
    nullable: true,
    description: 'The largest of any score, of a detector in any cell. Null: one of the two is no number.',
  })
  maxScoreDifference: number | null;
  @Field(() => Float, {
    nullable: true,
    description: 'Of a detector: the largest difference of a side of what both find, in pixels. Else null.',
  })
  maxBoxDifference: number | null;
  @Field(() => Float, {
    description:
      'Share of right decisions; of a detector recall: labelled lights that are found at IoU 0.5 in their colour.',
  })
  referenceAccuracy: number;
  @Field(() => Float)
  accuracy: number;
  @Field(() => Float, { description: 'accuracy - referenceAccuracy.' })
  accuracyDifference: number;
}

@ObjectType()
class ModelVariantReport {
  @Field(() => ModelVariant)
  variant: Variant;
  @Field(() => Int)
  weightBytes: number;
  @Field(() => ModelDrift)
  drift: ModelDrift;
  @Field(() => DriftVerdicts)
  verdict: DriftVerdict;
}

@ObjectType({
  description: 'The stored model, run again, against what its newest evaluation says of the same lights.',
})
export class EvaluationDriftReport extends ChangedShare implements EvaluationDrift {
  evaluationUuid: string;

  @Field(() => Int, { description: 'Labelled lights.' })
  n: number;
  @Field(() => Int)
  changed: number;
  @Field(() => Float, {
    nullable: true,
    description: 'Of the score of the colour that both chose; null of a detector.',
  })
  maxScoreDifference: number | null;
}

@ObjectType({ description: 'A bound on what an export may change.' })
class ModelDriftBound implements DriftBound {
  @Field(() => Float)
  maxChangedShare: number;
  @Field(() => Float, { nullable: true })
  maxScoreDifference: number | null;
}

@ObjectType({ description: 'What a model was exported as; its zip is among the `files` of the job.' })
export class ModelExportReport {
  experimentUuid: string;
  datasetVersionUuid: string;
  protocolUuid: string;

  @Field(() => String, { description: 'LIGHT_STATE or LIGHT_DETECTION.' })
  task: string;
  @Field(() => String, { description: 'Of the version that the sample was drawn from.' })
  dataId: string;
  @Field(() => Split)
  split: Split;
  @Field(() => Int)
  seed: number;
  @Field(() => Int, { description: 'Lights, of a detector frames, that were compared.' })
  samples: number;
  @Field(() => String, { description: 'That both sides were run on.' })
  engine: string;
  @Field(() => ModelDriftBound)
  bound: ModelDriftBound;
  @Field(() => [ModelVariantReport])
  variants: ModelVariantReport[];
  @Field(() => EvaluationDriftReport, { nullable: true, description: 'Null: this split was not evaluated.' })
  evaluation: EvaluationDriftReport | null;
}
