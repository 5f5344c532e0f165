import {
  Arg,
  Args,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { projectUuid } from '../../catalog/project/projectService.js';
import { LearningTask } from '../../catalog/vocabulary.js';
import { DatasetVersion } from '../../datasets/datasetVersion.js';
import { Evaluation } from '../../experiments/evaluation.js';
import { Experiment } from '../../experiments/experiment.js';
import type { Context } from '../../graphql/context.js';
import { DEFAULT_PAGE, list } from '../../graphql/list/list.js';
import { uuidOf } from '../../graphql/node.js';
import { Payload, payload } from '../../graphql/userError.js';
import { Model } from '../model/model.js';
import { attachEvaluation } from './attach.js';
import { evaluationsOfVersion } from './evaluations.js';
import { modelVersionUuid } from './reference.js';
import { newVersion } from './request.js';
import { ModelVersion, modelVersionList } from './version.js';
import { createModelVersion } from './versionService.js';
import { modelUuid } from '../model/modelService.js';

@InputType({
  description: 'The file of a model: an upload that is complete, or a file that the service has.',
})
export class ModelArtifactInput {
  @Field(() => ID, { nullable: true })
  uploadId?: string | null;
  @Field(() => String, { nullable: true })
  sha256?: string | null;
  @Field(() => String, { nullable: true, description: 'Missing: that of the upload.' })
  name?: string | null;
}

@InputType({
  description: 'Of an experiment: experimentId and, perhaps, a description. Made elsewhere: all the others.',
})
export class CreateModelVersionInput {
  @Field(() => ID)
  modelId: string;
  @Field(() => ID, {
    nullable: true,
    description: 'Its BEST weights. Asked for again, it is the same version.',
  })
  experimentId?: string | null;
  @Field(() => String, { nullable: true })
  description?: string | null;
  @Field(() => LearningTask, { nullable: true })
  task?: LearningTask | null;
  @Field(() => [String], { nullable: true, description: 'In the order of its output.' })
  classes?: string[] | null;
  @Field(() => String, { nullable: true })
  framework?: string | null;
  @Field(() => String, { nullable: true })
  codeVersion?: string | null;
  @Field(() => ID, {
    nullable: true,
    description:
      'The data set version that it was trained on, if it is here: predictions on images of its TRAIN split are then refused.',
  })
  trainedOnId?: string | null;
  @Field(() => ModelArtifactInput, { nullable: true })
  artifact?: ModelArtifactInput | null;
  @Field(() => String, {
    nullable: true,
    description: 'Needed without experimentId: the same key in the same model is the same version.',
  })
  idempotencyKey?: string | null;
}

@InputType()
class AttachEvaluationInput {
  @Field(() => ID, { description: 'Of imported predictions.' })
  evaluationId: string;
  @Field(() => ID, { description: 'Id, or "project/model@alias or number".' })
  modelVersionId: string;
}

@ObjectType()
class AttachEvaluationPayload extends Payload {
  @Field(() => Evaluation, { nullable: true })
  evaluation?: Evaluation | null;
}

@ObjectType()
class ModelVersionPayload extends Payload {
  @Field(() => ModelVersion, { nullable: true })
  modelVersion?: ModelVersion | null;
}

const REFERENCE = 'Id, or "project name/model name@alias", or "project name/model name@number".';

@Resolver(() => ModelVersion)
export class ModelVersionResolver {
  @Query(() => ModelVersion, { nullable: true, description: REFERENCE })
  async modelVersion(
    @Arg('id', () => ID) id: string,
    @Ctx() { db, load }: Context,
  ): Promise<ModelVersion | null> {
    return load.one(ModelVersion, await modelVersionUuid(db, id));
  }

  @Query(() => modelVersionList.Connection)
  async modelVersions(
    @Arg('projectId', () => ID) projectId: string,
    @Args(() => modelVersionList.Arguments) page: InstanceType<typeof modelVersionList.Arguments>,
    @Ctx() { db }: Context,
  ) {
    return list(db, modelVersionList, page, { projectUuid: await projectUuid(db, projectId) });
  }

  @Mutation(() => ModelVersionPayload)
  createModelVersion(
    @Arg('input', () => CreateModelVersionInput) input: CreateModelVersionInput,
    @Ctx() { db, blobs, actor }: Context,
  ) {
    return payload(ModelVersionPayload, async () => {
      const of = {
        modelUuid: await modelUuid(db, input.modelId, ['modelId']),
        ...(await newVersion(db, input)),
      };
      return { modelVersion: await createModelVersion({ db, blobs }, actor, of) };
    });
  }

  @Mutation(() => AttachEvaluationPayload, {
    description: 'Says which version imported predictions are of; once said it stays.',
  })
  attachEvaluation(
    @Arg('input', () => AttachEvaluationInput) { evaluationId, modelVersionId }: AttachEvaluationInput,
    @Ctx() { db }: Context,
  ) {
    return payload(AttachEvaluationPayload, async () => {
      const versionUuid = await modelVersionUuid(db, modelVersionId, ['modelVersionId']);
      return { evaluation: await attachEvaluation(db, uuidOf('Evaluation', evaluationId), versionUuid) };
    });
  }

  @FieldResolver(() => Model)
  model(@Root() version: ModelVersion, @Ctx() { load }: Context) {
    return load.one(Model, version.modelUuid);
  }

  @FieldResolver(() => Experiment, { nullable: true, description: 'Null: made elsewhere.' })
  experiment(@Root() version: ModelVersion, @Ctx() { load }: Context) {
    return load.one(Experiment, version.experimentUuid);
  }

  @FieldResolver(() => DatasetVersion, {
    nullable: true,
    description:
      'Of what was made elsewhere: what it was trained on, if that is known; else see its experiment.',
  })
  trainedOn(@Root() version: ModelVersion, @Ctx() { load }: Context) {
    return load.one(DatasetVersion, version.trainedOnUuid);
  }

  @FieldResolver(() => [Evaluation], {
    description: "Newest first: those of its experiment's BEST weights, and predictions imported for it.",
  })
  evaluations(
    @Root() version: ModelVersion,
    @Arg('first', () => Int, { defaultValue: DEFAULT_PAGE, description: 'At most 500.' }) first: number,
    @Ctx() { load, db }: Context,
  ) {
    return evaluationsOfVersion(load, db, version.uuid, first);
  }
}
