import { Arg, Ctx, Field, FieldResolver, Float, ID, InputType, Mutation, Resolver, Root } from 'type-graphql';
import { checkFilter } from '../../catalog/condition/conditionService.js';
import { imageList } from '../../catalog/image/image.js';
import { Experiment } from '../../experiments/experiment.js';
import type { Context } from '../../graphql/context.js';
import type { Where } from '../../graphql/list/where.js';
import { payload } from '../../graphql/userError.js';
import { DEFAULT_MIN_COLOR_SCORE, checkBatchPrediction } from '../../use/batch/batchPrediction.js';
import { modelSource } from '../../use/modelSource.js';
import { experimentOfSubject } from '../../use/subject.js';
import { StartJobInput } from '../options.js';
import { startTask } from '../start/startTask.js';
import { JobKind } from '../vocabulary.js';
import { BatchPredictionReport } from './batchPredictionReport.js';
import { JobPayload } from './jobPayload.js';

@InputType()
class StartBatchPredictionInput extends StartJobInput {
  @Field(() => ID, {
    nullable: true,
    description: 'Id, or "project name/experiment name". Its BEST weights predict.',
  })
  experimentId?: string | null;
  @Field(() => ID, {
    nullable: true,
    description: 'Instead of experimentId: id, or "project name/model name@alias" or "…@number".',
  })
  modelVersionId?: string | null;
  @Field(() => imageList.Where, { nullable: true, description: 'Which images; missing: all of its project.' })
  where?: Where | null;
  @Field(() => Float, {
    defaultValue: DEFAULT_MIN_COLOR_SCORE,
    description:
      'A colour that the model is less sure of is written as UNKNOWN; of a detector, a light is left out; 0 to 1.',
  })
  minScore: number;
}

@Resolver(() => BatchPredictionReport)
export class BatchPredictionResolver {
  @FieldResolver(() => Experiment, { nullable: true })
  experiment(@Root() { experimentUuid: uuid }: BatchPredictionReport, @Ctx() { load }: Context) {
    return load.one(Experiment, uuid);
  }

  @Mutation(() => JobPayload, {
    description:
      "A detector writes the lights that it finds where no person has looked, instead of those that a model has found before. Another model reads the colour of every light that counts, and writes annotations of source MODEL with the colour's score: beside a person's, which stay as they are and go on counting, and into those that a model has found. Doing it again changes nothing; the same key and request again: the same job.",
  })
  startBatchPrediction(
    @Arg('input', () => StartBatchPredictionInput) given: StartBatchPredictionInput,
    @Ctx() services: Context,
  ) {
    return payload(JobPayload, async () => {
      const { where = null, minScore, idempotencyKey, job: options } = given;
      const uuid = await experimentOfSubject(services.db, given);
      const { projectUuid } = (await modelSource(services.db, uuid)).experiment;
      const asked = { experimentUuid: uuid, where, minScore };
      const task = { projectUuid, kind: JobKind.BATCH_PREDICTION as const, asked, idempotencyKey, job: options };
      const job = await startTask(services, task, async () => {
        checkBatchPrediction(asked);
        await checkFilter(services.db, projectUuid, where);
        return asked;
      });
      return { job };
    });
  }
}
