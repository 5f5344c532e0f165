/** What the mutations take and give. */
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Split } from '../catalog/vocabulary.js';
import { Evaluation } from '../experiments/evaluation.js';
import { Experiment } from '../experiments/experiment.js';
import { Payload } from '../graphql/userError.js';
import { Job } from './job.js';
import { StartJobInput } from './options.js';
import { TrainingParametersInput } from './parametersInput.js';
import { Engine, Weights } from './vocabulary.js';

@InputType()
export class StartTrainingInput extends StartJobInput {
  @Field(() => ID)
  datasetVersionId: string;
  @Field(() => ID)
  modelId: string;
  @Field(() => ID, {
    nullable: true,
    description:
      'Begin with the best weights of this experiment, wherever layers have the same name and shape. Id, or "project name/experiment name".',
  })
  fromExperimentId?: string | null;
  @Field(() => String, { nullable: true, description: 'Unique within the project; made up if left out.' })
  name?: string | null;
  @Field(() => Engine, { nullable: true })
  engine?: Engine | null;
  @Field(() => TrainingParametersInput, { nullable: true })
  parameters?: TrainingParametersInput | null;
}

@InputType()
export class StartEvaluationInput extends StartJobInput {
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
}

@InputType()
export class CancelJobInput {
  @Field(() => ID)
  jobId: string;
}

@InputType()
export class RetryJobInput {
  @Field(() => ID)
  jobId: string;
  @Field(() => String, { description: 'Made by the client, kept for its retries; of this job alone.' })
  idempotencyKey: string;
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
export class RetryJobPayload extends Payload {
  @Field(() => Job, { nullable: true })
  job?: Job | null;
}

@ObjectType()
export class CancelJobPayload extends Payload {
  @Field(() => Job, { nullable: true })
  job?: Job | null;
}
