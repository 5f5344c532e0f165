/** What startSweep takes. */
import { Field, Float, ID, InputType, Int } from 'type-graphql';
import { Split } from '../../catalog/vocabulary.js';
import { JobOptionsInput } from '../options.js';
import { TrainingParametersInput } from '../parametersInput.js';
import { Engine } from '../vocabulary.js';
import { MAX_TRIALS, badSpace, type SpaceParameter } from './space.js';
import { Scale, SweepStrategy } from './sweep.js';

const COUNT = 'Of a grid: so many values, the ends included.';

@InputType()
class FloatRangeInput {
  @Field(() => Float)
  min: number;
  @Field(() => Float)
  max: number;
  @Field(() => Scale, { defaultValue: Scale.LINEAR })
  scale: Scale;
  @Field(() => Int, { nullable: true, description: COUNT })
  count?: number | null;
}

@InputType()
class IntRangeInput {
  @Field(() => Int)
  min: number;
  @Field(() => Int)
  max: number;
  @Field(() => Scale, { defaultValue: Scale.LINEAR })
  scale: Scale;
  @Field(() => Int, { nullable: true, description: COUNT })
  count?: number | null;
}

@InputType({ description: 'A name, and one of the others.' })
class SweepParameterInput {
  @Field(() => String, {
    description: 'Of the query networks, with a dot where it is one of a group, such as augmentation.flip.',
  })
  name: string;
  @Field(() => FloatRangeInput, { nullable: true })
  float?: FloatRangeInput | null;
  @Field(() => IntRangeInput, { nullable: true })
  int?: IntRangeInput | null;
  @Field(() => [Float], { nullable: true, description: 'To choose from.' })
  numbers?: number[] | null;
  @Field(() => [String], { nullable: true, description: 'To choose from.' })
  texts?: string[] | null;
  @Field(() => [Boolean], { nullable: true, description: 'To choose from.' })
  booleans?: boolean[] | null;
}

@InputType()
class SweepMetricInput {
  @Field(() => String, { description: 'Any that the training logs, e.g. loss or accuracy.' })
  name: string;
  @Field(() => Split, { defaultValue: Split.VALIDATION })
  split: Split;
  @Field(() => String, { nullable: true, description: 'Missing: the whole split.' })
  condition?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'Missing: losses fall, all else rises.' })
  maximize?: boolean | null;
}

@InputType()
export class StartSweepInput {
  @Field(() => String, { description: "Its trials' experiments begin with it." })
  name: string;
  @Field(() => ID)
  datasetVersionId: string;
  @Field(() => ID)
  modelId: string;
  @Field(() => ID, {
    nullable: true,
    description: 'Every trial begins with the best weights of this experiment.',
  })
  fromExperimentId?: string | null;
  @Field(() => Engine, { nullable: true })
  engine?: Engine | null;
  @Field(() => JobOptionsInput, { nullable: true, description: 'Of every trial.' })
  job?: JobOptionsInput | null;
  @Field(() => TrainingParametersInput, { nullable: true, description: 'Of every trial.' })
  parameters?: TrainingParametersInput | null;
  @Field(() => [SweepParameterInput], { description: 'Checked against the network before anything is made.' })
  space: SweepParameterInput[];
  @Field(() => SweepStrategy)
  strategy: SweepStrategy;
  @Field(() => Int, {
    nullable: true,
    description: `Of RANDOM, and of SUCCESSIVE_HALVING unless it is to begin with every combination; 1 to ${MAX_TRIALS}.`,
  })
  trials?: number | null;
  @Field(() => Int, { defaultValue: 1, description: 'The same seed and space: the same trials.' })
  seed: number;
  @Field(() => Int, {
    defaultValue: 4,
    description: 'Trials that may be queued or running at a time, 1 to 64.',
  })
  maxConcurrent: number;
  @Field(() => SweepMetricInput, {
    description:
      'Which trial is better; also what its best epoch is chosen by, unless parameters.monitor says otherwise.',
  })
  metric: SweepMetricInput;
  @Field(() => Int, { defaultValue: 1, description: 'Of SUCCESSIVE_HALVING: epochs of the first rung.' })
  minEpochs: number;
  @Field(() => Int, {
    defaultValue: 2,
    description:
      'Of SUCCESSIVE_HALVING: one of so many goes on from a rung, and the next one has so many times its epochs; 2 to 10.',
  })
  reductionFactor: number;
  @Field(() => String, {
    description: 'Made by the client, kept for its retries; unique within the project.',
  })
  idempotencyKey: string;
}

/** @throws ShingoError SWEEP_SPACE */
export const spaceOf = (given: SweepParameterInput[]): SpaceParameter[] =>
  given.map((one, at) => {
    const { name, float, int, numbers, texts, booleans } = one;
    const kinds = [float, int, numbers, texts, booleans].filter((kind) => kind != null);
    if (kinds.length !== 1)
      throw badSpace(`${name}: give one of float, int, numbers, texts and booleans.`, String(at));
    const range = float ?? int;
    if (!range) return { name, kind: 'choice', values: numbers ?? texts ?? booleans ?? [] };
    const { min, max, scale, count = null } = range;
    return { name, kind: 'range', int: int != null, min, max, log: scale === Scale.LOG, count };
  });
