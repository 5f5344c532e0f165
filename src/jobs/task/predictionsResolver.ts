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
import { LearningTask, Split } from '../../catalog/vocabulary.js';
import { Evaluation } from '../../experiments/evaluation.js';
import type { PredictionFormat as Format } from '../../experiments/predictions/read.js';
import type { Context } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { modelVersionUuid } from '../../models/version/reference.js';
import { Payload, payload } from '../../graphql/userError.js';
import { Job } from '../job.js';
import { StartJobInput } from '../options.js';
import { startPredictions } from '../start/startPredictions.js';
import { PredictionFormat, PredictionsReport } from './predictionsReport.js';
import { datasetVersionUuid } from '../../datasets/reference.js';
import { modelUuid } from '../../models/model/modelService.js';

@InputType()
class ImportPredictionsInput extends StartJobInput {
  @Field(() => ID, { description: 'What the predictions are evaluated on.' })
  datasetVersionId: string;
  @Field(() => Split)
  split: Split;
  @Field(() => LearningTask, {
    nullable: true,
    description: 'Missing: that of the model version, or LIGHT_DETECTION.',
  })
  task?: LearningTask | null;
  @Field(() => ID, {
    nullable: true,
    description: 'Whose predictions they are; createModel makes one. Needed without modelVersionId.',
  })
  modelId?: string | null;
  @Field(() => ID, {
    nullable: true,
    description:
      'A version that was made elsewhere, by id or "project/model@alias or number": the evaluation is of it at once.',
  })
  modelVersionId?: string | null;
  @Field(() => String, { description: 'What they are called, such as "yolo, epoch 40".' })
  name: string;
  @Field(() => ID, {
    description: 'A completed upload: a file of the format, plain or as .gz, or an archive of such files.',
  })
  uploadId: string;
  @Field(() => PredictionFormat)
  format: Format;
  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Unknown images and classes are kept aside and reported; else the first one fails the job.',
  })
  lenient: boolean;
  @Field(() => ID, {
    nullable: true,
    description: "An EvaluationProtocol; missing: the project's newest for the task.",
  })
  protocolId?: string | null;
}

@ObjectType()
class ImportPredictionsPayload extends Payload {
  @Field(() => Job, { nullable: true })
  job?: Job | null;
  @Field(() => Evaluation, { nullable: true })
  evaluation?: Evaluation | null;
}

@Resolver(() => PredictionsReport)
export class PredictionsResolver {
  @FieldResolver(() => Evaluation, { nullable: true })
  evaluation(@Root() { evaluationUuid }: PredictionsReport, @Ctx() { load }: Context) {
    return load.one(Evaluation, evaluationUuid);
  }

  @Mutation(() => ImportPredictionsPayload, {
    description:
      'Evaluates detections, or answers to the lights of a split, that any framework has made. The same key and request again: the same job.',
  })
  importPredictions(
    @Arg('input', () => ImportPredictionsInput) given: ImportPredictionsInput,
    @Ctx() services: Context,
  ) {
    return payload(ImportPredictionsPayload, async () => {
      const { datasetVersionId, modelId, modelVersionId, uploadId, protocolId, ...rest } = given;
      const job = await startPredictions(services, {
        ...rest,
        datasetVersionUuid: await datasetVersionUuid(services.db, datasetVersionId, ['datasetVersionId']),
        ...(modelId != null && { modelUuid: await modelUuid(services.db, modelId, ['modelId']) }),
        ...(modelVersionId != null && {
          modelVersionUuid: await modelVersionUuid(services.db, modelVersionId, ['modelVersionId']),
        }),
        uploadUuid: uuidOf('Upload', uploadId),
        protocolUuid: protocolId ? uuidOf('EvaluationProtocol', protocolId) : null,
      });
      return { job, evaluation: await services.load.one(Evaluation, job.evaluationUuid) };
    });
  }
}
