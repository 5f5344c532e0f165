import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  Float,
  ID,
  InputType,
  Int,
  Mutation,
  Resolver,
  Root,
} from 'type-graphql';
import { Split } from '../../catalog/vocabulary.js';
import { DatasetVersion } from '../../datasets/datasetVersion.js';
import { Evaluation } from '../../experiments/evaluation.js';
import { EvaluationProtocol } from '../../experiments/protocol/protocol.js';
import { protocolFor } from '../../experiments/protocol/protocolService.js';
import { Experiment } from '../../experiments/experiment.js';
import type { Context } from '../../graphql/context.js';
import { uuidOf } from '../../graphql/node.js';
import { payload } from '../../graphql/userError.js';
import { VARIANTS, type Variant } from '../../training/variants/names.js';
import { boundWithin } from '../../use/export/bound.js';
import { checkModelExport } from '../../use/export/exportModel.js';
import { modelSource } from '../../use/modelSource.js';
import { experimentOfSubject } from '../../use/subject.js';
import { requirePictures } from '../start/pictures.js';
import { StartJobInput } from '../options.js';
import { startTask } from '../start/startTask.js';
import { JobKind } from '../vocabulary.js';
import { JobPayload } from './jobPayload.js';
import { EvaluationDriftReport, ModelExportReport, ModelVariant } from './modelExportReport.js';
import { datasetVersionUuid } from '../../datasets/reference.js';

@InputType()
class StartModelExportInput extends StartJobInput {
  @Field(() => ID, {
    nullable: true,
    description: 'Id, or "project name/experiment name". Its BEST weights leave.',
  })
  experimentId?: string | null;
  @Field(() => ID, {
    nullable: true,
    description: 'Instead of experimentId: id, or "project name/model name@alias" or "…@number".',
  })
  modelVersionId?: string | null;
  @Field(() => [ModelVariant], { defaultValue: [...VARIANTS] })
  variants: Variant[];
  @Field(() => ID, { nullable: true, description: 'Missing: the version that it was trained on.' })
  datasetVersionId?: string | null;
  @Field(() => Split, { defaultValue: Split.TEST, description: 'That the sample is drawn from.' })
  split: Split;
  @Field(() => ID, {
    nullable: true,
    description: "Whose bound holds: an EvaluationProtocol; missing: the project's newest of the task.",
  })
  protocolId?: string | null;
  @Field(() => Int, {
    defaultValue: 1000,
    description: 'Lights, of a detector frames, to compare on, 1 to 10,000.',
  })
  sample: number;
  @Field(() => Int, { defaultValue: 1, description: 'Of the sample.' })
  seed: number;
  @Field(() => Float, {
    nullable: true,
    description:
      "Decisions that an export may change: missing, the protocol's, and never more. It is published only if the upper end of the 95 % Wilson interval is within it.",
  })
  maxChangedShare?: number | null;
  @Field(() => Float, {
    nullable: true,
    description: "By which an export may change a score: missing, the protocol's, and never more.",
  })
  maxScoreDifference?: number | null;
}

@Resolver(() => ModelExportReport)
export class ModelExportResolver {
  @FieldResolver(() => Experiment, { nullable: true })
  experiment(@Root() { experimentUuid: uuid }: ModelExportReport, @Ctx() { load }: Context) {
    return load.one(Experiment, uuid);
  }

  @FieldResolver(() => EvaluationProtocol, { nullable: true, description: 'That the bound is of.' })
  protocol(@Root() { protocolUuid }: ModelExportReport, @Ctx() { load }: Context) {
    return load.one(EvaluationProtocol, protocolUuid);
  }

  @FieldResolver(() => DatasetVersion, { nullable: true })
  datasetVersion(@Root() { datasetVersionUuid }: ModelExportReport, @Ctx() { load }: Context) {
    return load.one(DatasetVersion, datasetVersionUuid);
  }

  @Mutation(() => JobPayload, {
    description:
      'Writes a model as one zip file, after each of its forms was run and compared with what was evaluated: one that drifts fails the job, and nothing is published. The same key and request again: the same job.',
  })
  startModelExport(
    @Arg('input', () => StartModelExportInput) given: StartModelExportInput,
    @Ctx() services: Context,
  ) {
    return payload(JobPayload, async () => {
      const { db } = services;
      const uuid = await experimentOfSubject(db, given);
      const { experiment } = await modelSource(db, uuid);
      const { variants, split, sample, seed, protocolId } = given;
      const of = given.datasetVersionId;
      const version = of ? await datasetVersionUuid(services.db, of, ['datasetVersionId']) : null;
      const { projectUuid, task: learnt } = experiment;
      const named = protocolId ? uuidOf('EvaluationProtocol', protocolId) : null;
      const { idempotencyKey, job: options, maxChangedShare = null, maxScoreDifference = null } = given;
      const same = { experimentUuid: uuid, versionUuid: version, split, variants, sample, seed };
      // What was said, not what it means today: a protocol that has a newer version since makes no other request.
      const asked = { ...same, protocolUuid: named, maxChangedShare, maxScoreDifference };
      const task = { projectUuid, kind: JobKind.MODEL_EXPORT as const, asked, idempotencyKey, job: options };
      const job = await startTask(services, task, async () => {
        const protocol = await protocolFor(db, projectUuid, learnt, named);
        const input = { ...same, protocolUuid: protocol.uuid, bound: boundWithin(protocol, given) };
        checkModelExport(input);
        await requirePictures(db, version ?? experiment.datasetVersionUuid, [split], learnt);
        return input;
      });
      return { job };
    });
  }
}

@Resolver(() => EvaluationDriftReport)
export class EvaluationDriftResolver {
  @FieldResolver(() => Evaluation, { nullable: true })
  evaluation(@Root() { evaluationUuid }: EvaluationDriftReport, @Ctx() { load }: Context) {
    return load.one(Evaluation, evaluationUuid);
  }
}
