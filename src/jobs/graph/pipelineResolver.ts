import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import { Experiment } from '../../experiments/experiment.js';
import type { Context } from '../../graphql/context.js';
import { Payload, payload } from '../../graphql/userError.js';
import { Job } from '../job.js';
import { neighbours } from './needs.js';
import { startPipeline } from './pipeline.js';
import {
  PipelineEvaluationInput,
  PipelineGateInput,
  PipelineTrainingInput,
  templateOf,
} from './pipelineInputs.js';
import { datasetVersionUuid } from '../../datasets/reference.js';

@InputType()
class StartPipelineInput {
  @Field(() => ID, { description: 'To be trained on.' })
  datasetVersionId: string;
  @Field(() => PipelineTrainingInput)
  training: PipelineTrainingInput;
  @Field(() => PipelineEvaluationInput, { nullable: true, description: 'Missing: it is trained only.' })
  evaluation?: PipelineEvaluationInput | null;
  @Field(() => PipelineGateInput, { nullable: true, description: 'Missing: it is not judged.' })
  gate?: PipelineGateInput | null;
  @Field(() => String, {
    description: 'Made by the client, kept for its retries; unique within the project.',
  })
  idempotencyKey: string;
}

@ObjectType()
class StartPipelinePayload extends Payload {
  @Field(() => Job, { nullable: true })
  training?: Job | null;
  @Field(() => Job, { nullable: true })
  evaluation?: Job | null;
  @Field(() => Job, { nullable: true })
  gate?: Job | null;
  @Field(() => Experiment, { nullable: true })
  experiment?: Experiment | null;
}

@Resolver(() => Job)
export class PipelineResolver {
  @FieldResolver(() => [Job], { complexity: 10, description: 'That must succeed before this one may begin.' })
  needs(@Root() job: Job, @Ctx() { load, db }: Context) {
    return neighbours(load, db, 'needs', job.uuid);
  }

  @FieldResolver(() => [Job], {
    complexity: 10,
    description:
      'That wait for this one; they are cancelled with DEPENDENCY_FAILED if it fails or is cancelled.',
  })
  neededBy(@Root() job: Job, @Ctx() { load, db }: Context) {
    return neighbours(load, db, 'neededBy', job.uuid);
  }

  @Mutation(() => StartPipelinePayload, {
    description:
      'A training, the evaluation that waits for it and the gate that waits for both, made at once or not at all. The same key and request again: the same jobs.',
  })
  startPipeline(@Arg('input', () => StartPipelineInput) given: StartPipelineInput, @Ctx() services: Context) {
    return payload(StartPipelinePayload, async () => {
      const version = await datasetVersionUuid(services.db, given.datasetVersionId, ['datasetVersionId']);
      const template = await templateOf(services.db, given);
      const { actor, load } = services;
      const made = await startPipeline(services, actor, version, template, given.idempotencyKey);
      return { ...made, experiment: await load.one(Experiment, made.training.experimentUuid) };
    });
  }
}
