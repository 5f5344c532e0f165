/** What the mutations take and give. */
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Split } from '../catalog/vocabulary.js';
import { Evaluation } from '../experiments/evaluation.js';
import { Experiment } from '../experiments/experiment.js';
import { Payload } from '../graphql/userError.js';
import { Job } from './job.js';
import { TrainingParametersInput } from './parametersInput.js';
import { Engine, Weights } from './vocabulary.js';

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
