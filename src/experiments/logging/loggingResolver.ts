import { Arg, Ctx, Field, FieldResolver, Int, Mutation, ObjectType, Resolver, Root } from 'type-graphql';
import type { Context } from '../../graphql/context.js';
import { RawInput } from '../../graphql/rawInput.js';
import { parseGlobalId, uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { JobState } from '../../jobs/vocabulary.js';
import { findModelReference } from '../../models/model/modelService.js';
import { Experiment } from '../experiment.js';
import { experimentUuid } from '../experimentService.js';
import type { Span } from './batch.js';
import { createExperiment } from './createExperiment.js';
import { finishExperiment } from './finishExperiment.js';
import {
  CreateExperimentInput,
  FinishExperimentInput,
  LogArtifactInput,
  LogEvaluationInput,
  LogMetricsInput,
  LogParametersInput,
} from './inputs.js';
import { logArtifact } from './logArtifact.js';
import { logEvaluation } from './logEvaluation.js';
import { logMetrics, metricsBatch } from './logMetrics.js';
import { logParameters } from './parameters.js';
import { readPoints } from './readPoints.js';
import { datasetVersionUuid } from '../../datasets/reference.js';

@ObjectType()
class CreateExperimentPayload extends Payload {
  @Field(() => Experiment, { nullable: true })
  experiment?: Experiment | null;
}

@ObjectType({ description: 'The same for each time that the same batch is sent.' })
class LogPayload extends Payload {
  experimentUuid?: string | null;
  @Field(() => Int, { nullable: true, description: 'The first event that the batch wrote; null: none.' })
  firstSeq?: number | null;
  @Field(() => Int, { nullable: true })
  lastSeq?: number | null;
}

@Resolver(() => LogPayload)
export class LoggingResolver {
  @FieldResolver(() => Experiment, { nullable: true })
  experiment(@Root() { experimentUuid: uuid }: LogPayload, @Ctx() { load }: Context) {
    return load.one(Experiment, uuid);
  }

  @Mutation(() => CreateExperimentPayload, {
    description:
      'An experiment that is trained elsewhere and logged here; RUNNING until finishExperiment. The same key, or name, and request again: the same experiment.',
  })
  createExperiment(
    @Arg('input', () => CreateExperimentInput) input: CreateExperimentInput,
    @Ctx() { db }: Context,
  ) {
    return payload(CreateExperimentPayload, async () => {
      const { modelId, datasetVersionId, parentId, name, engine, codeVersion, idempotencyKey, ...rest } =
        input;
      const model = await findModelReference(db, modelId, ['modelId']);
      const experiment = await createExperiment(db, {
        ...{ ...rest, projectUuid: model.projectUuid, modelUuid: model.uuid },
        datasetVersionUuid:
          datasetVersionId == null
            ? null
            : await datasetVersionUuid(db, datasetVersionId, ['datasetVersionId']),
        parentUuid: parentId == null ? null : await experimentUuid(db, parentId, ['parentId']),
        ...{ name: name ?? null, engine: engine ?? null, codeVersion: codeVersion ?? null },
        idempotencyKey: idempotencyKey ?? null,
      });
      return { experiment };
    });
  }

  @Mutation(() => LogPayload, { description: 'Up to 10,000 points: all of them or none.' })
  logMetrics(
    @RawInput(() => LogMetricsInput) { points, series, batchId, ...of }: LogMetricsInput,
    @Ctx() context: Context,
  ) {
    return logged(context, of.experimentId, (uuid) => {
      const read = readPoints(points, series);
      return logMetrics(context.db, uuid, metricsBatch(batchId, read), read);
    });
  }

  @Mutation(() => LogPayload, { description: 'A parameter that was logged before stays as it is.' })
  logParameters(
    @Arg('input', () => LogParametersInput) { batchId, parameters, ...of }: LogParametersInput,
    @Ctx() context: Context,
  ) {
    return logged(context, of.experimentId, (uuid) => logParameters(context.db, uuid, batchId, parameters));
  }

  @Mutation(() => LogPayload, { description: 'A file that was uploaded before.' })
  logArtifact(
    @Arg('input', () => LogArtifactInput) { batchId, experimentId, ...artifact }: LogArtifactInput,
    @Ctx() context: Context,
  ) {
    const { path, kind, uploadId, sha256 = null, mediaType = null } = artifact;
    return logged(context, experimentId, (uuid) => {
      const uploadUuid = uploadId == null ? null : uuidOf('Upload', uploadId);
      return logArtifact(context, uuid, batchId, { path, kind, uploadUuid, sha256, mediaType });
    });
  }

  @Mutation(() => LogPayload, {
    description:
      'Makes an evaluation of predictions made elsewhere one of this experiment, also after its end. Figures without predictions are points of logMetrics.',
  })
  logEvaluation(
    @Arg('input', () => LogEvaluationInput) { batchId, ...of }: LogEvaluationInput,
    @Ctx() context: Context,
  ) {
    return logged(context, of.experimentId, (uuid) =>
      logEvaluation(context.db, uuid, batchId, uuidOf('Evaluation', of.evaluationId)),
    );
  }

  @Mutation(() => LogPayload, { description: 'After it nothing more can be logged but evaluations.' })
  finishExperiment(
    @Arg('input', () => FinishExperimentInput) input: FinishExperimentInput,
    @Ctx() context: Context,
  ) {
    const { batchId, state, reason = null } = input;
    return logged(context, input.experimentId, (uuid) =>
      finishExperiment(context.db, uuid, batchId, JobState[state], reason),
    );
  }
}

function logged(
  { db }: Context,
  experimentId: string,
  write: (uuid: string) => Promise<Span>,
): Promise<LogPayload> {
  return payload(LogPayload, async () => {
    // By id, whoever writes finds out whether it is there.
    const uuid = parseGlobalId(experimentId)
      ? uuidOf('Experiment', experimentId)
      : await experimentUuid(db, experimentId, ['experimentId']);
    return { ...(await write(uuid)), experimentUuid: uuid };
  });
}
