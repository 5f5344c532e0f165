/** What startPipeline and schedules take: a pipeline, its data apart. */
import type { DataSource } from 'typeorm';
import { Field, ID, InputType } from 'type-graphql';
import { Split } from '../../catalog/vocabulary.js';
import { experimentUuid } from '../../experiments/experimentService.js';
import { uuidOf } from '../../graphql/node.js';
import { JobOptionsInput } from '../options.js';
import { TrainingParametersInput } from '../parametersInput.js';
import { Engine, Weights } from '../vocabulary.js';
import { templateSchema, type Template } from './pipeline.js';
import { datasetVersionUuid } from '../../datasets/reference.js';
import { modelUuid } from '../../models/model/modelService.js';

@InputType({ description: 'As of startTraining.' })
export class PipelineTrainingInput {
  @Field(() => ID)
  modelId: string;
  @Field(() => ID, {
    nullable: true,
    description: 'Begin with the best weights of this experiment. Id, or "project name/experiment name".',
  })
  fromExperimentId?: string | null;
  @Field(() => String, { nullable: true, description: 'Unique within the project; made up if left out.' })
  name?: string | null;
  @Field(() => Engine, { nullable: true })
  engine?: Engine | null;
  @Field(() => TrainingParametersInput, { nullable: true })
  parameters?: TrainingParametersInput | null;
  @Field(() => JobOptionsInput, { nullable: true })
  job?: JobOptionsInput | null;
}

@InputType({ description: 'As of startEvaluation; it begins when the training has succeeded.' })
export class PipelineEvaluationInput {
  @Field(() => ID, { nullable: true, description: 'Missing: the version that is trained on.' })
  datasetVersionId?: string | null;
  @Field(() => Split, { defaultValue: Split.TEST })
  split: Split;
  @Field(() => Weights, { defaultValue: Weights.BEST })
  weights: Weights;
  @Field(() => ID, {
    nullable: true,
    description: "An EvaluationProtocol; missing: the project's newest of the task.",
  })
  protocolId?: string | null;
  @Field(() => Engine, { nullable: true })
  engine?: Engine | null;
  @Field(() => JobOptionsInput, { nullable: true })
  job?: JobOptionsInput | null;
}

@InputType({
  description:
    'Makes a model version of the experiment and judges it by every gate of the project, when the evaluation has succeeded.',
})
export class PipelineGateInput {
  @Field(() => ID, {
    nullable: true,
    description: 'Whose version it becomes; missing: the model that is trained.',
  })
  modelId?: string | null;
  @Field(() => String, { nullable: true, description: 'Of the version.' })
  description?: string | null;
  @Field(() => String, {
    nullable: true,
    description:
      'That the version gets if the verdict is PASS, champion or another; missing: it is judged only.',
  })
  alias?: string | null;
  @Field(() => String, { nullable: true, description: 'Why; kept in the history of the alias.' })
  reason?: string | null;
  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'The job FAILS with GATE_FAILED unless the verdict is PASS; false: it succeeds, and its report has the verdict.',
  })
  failUnlessPassed: boolean;
}

interface Given {
  training: PipelineTrainingInput;
  evaluation?: PipelineEvaluationInput | null;
  gate?: PipelineGateInput | null;
}

/** @throws ShingoError NOT_FOUND, INVALID_ID */
export async function templateOf(db: DataSource, { training, evaluation, gate }: Given): Promise<Template> {
  const { modelId, fromExperimentId, parameters, job, ...rest } = training;
  const from = fromExperimentId
    ? await experimentUuid(db, fromExperimentId, ['training', 'fromExperimentId'])
    : null;
  const uuid = (type: string, id: string | null | undefined) => (id ? uuidOf(type, id) : null);
  return templateSchema.parse({
    training: {
      ...rest,
      modelUuid: await modelUuid(db, modelId, ['training', 'modelId']),
      parentUuid: from,
      parameters: plain(parameters),
      job: job && plain(job),
    },
    evaluation: evaluation && {
      ...{ split: evaluation.split, weights: evaluation.weights, engine: evaluation.engine },
      job: evaluation.job && plain(evaluation.job),
      datasetVersionUuid: evaluation.datasetVersionId
        ? await datasetVersionUuid(db, evaluation.datasetVersionId, ['evaluation', 'datasetVersionId'])
        : null,
      protocolUuid: uuid('EvaluationProtocol', evaluation.protocolId),
    },
    gate: gate && {
      ...{ description: gate.description, alias: gate.alias, reason: gate.reason },
      ...{ modelUuid: uuid('Model', gate.modelId), failUnlessPassed: gate.failUnlessPassed },
    },
  });
}

/** Without classes and without what was not said, as it is kept. */
const plain = (parameters: object | null | undefined): object =>
  JSON.parse(JSON.stringify(parameters ?? {})) as object;
