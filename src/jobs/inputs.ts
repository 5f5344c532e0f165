/** What the mutations take and give. */
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Split } from '../catalog/vocabulary.js';
import { Evaluation } from '../experiments/evaluation.js';
import { Experiment } from '../experiments/experiment.js';
import { Payload } from '../graphql/userError.js';
import { trainingParametersSchema } from '../training/protocol.js';
import { Job } from './job.js';
import { Engine, Weights } from './vocabulary.js';

const preset = trainingParametersSchema.parse({});

@InputType({
  description: 'What is left out takes the default; `parameters` of the experiment shows what was used.',
})
export class TrainingParametersInput {
  @Field(() => String, { nullable: true, description: `${preset.algorithm} (default).` })
  algorithm?: string | null;
  @Field(() => String, { nullable: true, description: `Adam or SGD; default ${preset.optimizer}.` })
  optimizer?: string | null;
  @Field(() => Float, { nullable: true, description: `Above 0, to 10; default ${preset.learningRate}.` })
  learningRate?: number | null;
  @Field(() => Float, { nullable: true, description: `SGD only; 0 to 0.999, default ${preset.momentum}.` })
  momentum?: number | null;
  @Field(() => Int, { nullable: true, description: `1 to 1,024; default ${preset.batchSize}.` })
  batchSize?: number | null;
  @Field(() => Int, { nullable: true, description: `1 to 1,000; default ${preset.epochs}.` })
  epochs?: number | null;
  @Field(() => Int, {
    nullable: true,
    description: `Same seed, data and engine: same weights. Default ${preset.seed}.`,
  })
  seed?: number | null;
  @Field(() => Int, {
    nullable: true,
    description: `Side of the square that a crop is resized to, 16 to 224; default ${preset.inputSize}.`,
  })
  inputSize?: number | null;
  @Field(() => Float, {
    nullable: true,
    description: `MobileNetV2's alpha, 0.1 to 1.4; default ${preset.widthMultiplier}.`,
  })
  widthMultiplier?: number | null;
  @Field(() => Int, {
    nullable: true,
    description: `Epochs without a better validation loss; null: all epochs. Default ${preset.patience}.`,
  })
  patience?: number | null;
}

@InputType()
export class StartTrainingInput {
  @Field(() => ID)
  datasetVersionId: string;
  @Field(() => ID)
  modelId: string;
  @Field(() => String, { nullable: true, description: 'Unique within the project; made up if left out.' })
  name?: string | null;
  @Field(() => Engine, { nullable: true })
  engine?: Engine | null;
  @Field(() => TrainingParametersInput, { nullable: true })
  parameters?: TrainingParametersInput | null;
  @Field(() => String, {
    description: 'Made by the client, kept for its retries; unique within the project.',
  })
  idempotencyKey: string;
}

@InputType()
export class StartEvaluationInput {
  @Field(() => ID, { description: 'Id, or "project name/experiment name".' })
  experimentId: string;
  @Field(() => ID)
  datasetVersionId: string;
  @Field(() => Split)
  split: Split;
  @Field(() => Weights)
  weights: Weights;
  @Field(() => Engine, { nullable: true })
  engine?: Engine | null;
  @Field(() => ID, {
    nullable: true,
    description: "An EvaluationProtocol; missing: the project's newest of the task.",
  })
  protocolId?: string | null;
  @Field(() => String, {
    description: 'Made by the client, kept for its retries; unique within the project.',
  })
  idempotencyKey: string;
}

@InputType()
export class CancelJobInput {
  @Field(() => ID)
  jobId: string;
}

@ObjectType()
export class StartTrainingPayload extends Payload {
  @Field(() => Job, { nullable: true })
  job?: Job | null;
  @Field(() => Experiment, { nullable: true })
  experiment?: Experiment | null;
}

@ObjectType()
export class StartEvaluationPayload extends Payload {
  @Field(() => Job, { nullable: true })
  job?: Job | null;
  @Field(() => Evaluation, { nullable: true })
  evaluation?: Evaluation | null;
}

@ObjectType()
export class CancelJobPayload extends Payload {
  @Field(() => Job, { nullable: true })
  job?: Job | null;
}
