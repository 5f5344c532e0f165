/** What a trainer elsewhere sends. */
import { Field, Float, ID, InputType, Int, registerEnumType } from 'type-graphql';
import { LearningTask, Split } from '../../catalog/vocabulary.js';
import { DateTime, Real } from '../../graphql/scalars.js';
import type { GivenColumns, GivenPoint } from './readPoints.js';

export enum Outcome {
  SUCCEEDED = 'SUCCEEDED',
  FAILED = 'FAILED',
  CANCELLED = 'CANCELLED',
}
registerEnumType(Outcome, { name: 'Outcome', description: 'How a logged experiment can end.' });

@InputType({ description: 'Of one type; none: it was off.' })
export class ParameterInput {
  @Field(() => String)
  name: string;
  @Field(() => Float, { nullable: true })
  number?: number | null;
  @Field(() => String, { nullable: true })
  text?: string | null;
  @Field(() => Boolean, { nullable: true })
  boolean?: boolean | null;
  @Field(() => [Float], { nullable: true })
  numbers?: number[] | null;
  @Field(() => [String], { nullable: true })
  texts?: string[] | null;
}

@InputType()
export class CreateExperimentInput {
  @Field(() => ID, { description: 'Id, or "project name/model name".' })
  modelId: string;
  @Field(() => String, {
    nullable: true,
    description: 'Unique within the project; missing: the algorithm and a number.',
  })
  name?: string | null;
  @Field(() => LearningTask)
  task: LearningTask;
  @Field(() => String, { description: 'As its users call it, e.g. yolo11n.' })
  algorithm: string;
  @Field(() => ID, { nullable: true, description: 'What it is trained on, if this catalog has it.' })
  datasetVersionId?: string | null;
  @Field(() => ID, {
    nullable: true,
    description: 'Whose weights it begins with: id, or "project name/experiment name".',
  })
  parentId?: string | null;
  @Field(() => String, { nullable: true, description: 'What it is trained on, e.g. cuda.' })
  engine?: string | null;
  @Field(() => String, { nullable: true, description: 'Of the training code, e.g. a commit.' })
  codeVersion?: string | null;
  @Field(() => [ParameterInput], { defaultValue: [] })
  parameters: ParameterInput[];
  @Field(() => String, {
    nullable: true,
    description:
      'Made by the client, kept for its retries; unique within the project. Missing: the name stands for it.',
  })
  idempotencyKey?: string | null;
}

@InputType()
abstract class SeriesName {
  @Field(() => String, { description: 'loss, ap50. A condition or class is no part of it.' })
  name: string;
  @Field(() => Split, { nullable: true, description: 'Missing: of none, as a learning rate.' })
  split?: Split | null;
  @Field(() => String, { nullable: true, description: 'Missing: over every condition.' })
  condition?: string | null;
  @Field(() => String, { nullable: true, description: 'Missing: over all classes.' })
  class?: string | null;
}

@InputType()
export class MetricPointInput extends SeriesName implements GivenPoint {
  @Field(() => Real)
  value: number;
  @Field(() => Int, { description: 'Epoch or step, whatever the trainer counts.' })
  step: number;
  @Field(() => DateTime, { nullable: true, description: 'Missing: when it arrives.' })
  time?: Date | null;
  @Field(() => Int, { nullable: true, description: 'Of how many samples.' })
  n?: number | null;
  @Field(() => Float, { nullable: true, description: 'Of the interval; needs upper, n and method.' })
  lower?: number | null;
  @Field(() => Float, { nullable: true })
  upper?: number | null;
  @Field(() => String, { nullable: true, description: 'Of the interval, e.g. WILSON.' })
  method?: string | null;
}

@InputType({ description: 'The points of one series as lists of one length: a third of the bytes.' })
export class MetricSeriesInput extends SeriesName implements GivenColumns {
  @Field(() => [Real])
  values: number[];
  @Field(() => [Int])
  steps: number[];
  @Field(() => [DateTime], { nullable: true })
  times?: Date[] | null;
  @Field(() => [Int], { nullable: 'itemsAndList' })
  n?: (number | null)[] | null;
  @Field(() => [Float], { nullable: 'itemsAndList' })
  lower?: (number | null)[] | null;
  @Field(() => [Float], { nullable: 'itemsAndList' })
  upper?: (number | null)[] | null;
  @Field(() => String, { nullable: true, description: 'Of the intervals.' })
  method?: string | null;
}

@InputType()
abstract class BatchInput {
  @Field(() => ID, { description: 'Id, or "project name/experiment name".' })
  experimentId: string;
  @Field(() => String, {
    description:
      'Made by the client, kept for its retries; unique within the experiment. The same again with other content is a CONFLICT.',
  })
  batchId: string;
}

@InputType()
export class LogMetricsInput extends BatchInput {
  @Field(() => [MetricPointInput], { defaultValue: [] })
  points: MetricPointInput[];
  @Field(() => [MetricSeriesInput], { defaultValue: [], description: 'Instead of points, or after them.' })
  series: MetricSeriesInput[];
}

@InputType()
export class LogParametersInput extends BatchInput {
  @Field(() => [ParameterInput])
  parameters: ParameterInput[];
}

@InputType()
export class LogArtifactInput extends BatchInput {
  @Field(() => String, { description: 'Unique within the experiment; one that is there is replaced.' })
  path: string;
  @Field(() => String, { description: 'As its users call it, e.g. CHECKPOINT.' })
  kind: string;
  @Field(() => String, {
    nullable: true,
    description: 'Missing: that of the upload, or application/octet-stream.',
  })
  mediaType?: string | null;
  @Field(() => ID, { nullable: true, description: 'A completed upload.' })
  uploadId?: string | null;
  @Field(() => String, { nullable: true, description: 'Instead of an upload: of bytes that are here.' })
  sha256?: string | null;
}

@InputType()
export class LogEvaluationInput extends BatchInput {
  @Field(() => ID, { description: 'Of importPredictions.' })
  evaluationId: string;
}

@InputType()
export class FinishExperimentInput extends BatchInput {
  @Field(() => Outcome)
  state: Outcome;
  @Field(() => String, { nullable: true, description: 'Why it failed or was cancelled.' })
  reason?: string | null;
}
