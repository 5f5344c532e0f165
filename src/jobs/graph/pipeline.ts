/** Training, evaluation and gate as one graph of jobs, made in one transaction. */
import type { DataSource, EntityManager } from 'typeorm';
import { z } from 'zod';
import { Split } from '../../catalog/vocabulary.js';
import { selectOne } from '../../graphql/select.js';
import { checkMove } from '../../models/alias/aliasService.js';
import { findModel } from '../../models/version/versionService.js';
import { ShingoError } from '../../platform/error.js';
import type { Queue } from '../../platform/queue.js';
import { Job } from '../job.js';
import { withOptions } from '../options.js';
import { insertJob, jobOfRequest, once, request, withoutKey, type Request } from '../start/request.js';
import { insertPlanned, planEvaluation, type EvaluationPlan } from '../start/startEvaluation.js';
import { checkTraining, insertTraining, planTraining, type TrainingPlan } from '../start/startTraining.js';
import { refuseTrainedOn } from '../start/trainedOn.js';
import { Engine, JobKind, Weights } from '../vocabulary.js';

const engine = z.enum(Engine).nullable().default(null);
const job = z
  .strictObject({
    priority: z.int().nullable().optional(),
    requires: z
      .strictObject({
        engine: z.enum(Engine).nullable().optional(),
        labels: z.array(z.string()).nullable().optional(),
      })
      .nullable()
      .optional(),
    timeoutSeconds: z.int().nullable().optional(),
    maxAttempts: z.int().nullable().optional(),
  })
  .nullable()
  .default(null);

/** All of a pipeline but the data that it trains on; kept in the rows of schedules too. */
export const templateSchema = z.strictObject({
  training: z.strictObject({
    modelUuid: z.uuid(),
    parentUuid: z.uuid().nullable().default(null),
    name: z.string().nullable().default(null),
    engine,
    job,
    /** As given: what is missing takes the default of the day. */
    parameters: z.record(z.string(), z.unknown()).default({}),
  }),
  evaluation: z
    .strictObject({
      /** Null: the version that it is trained on. */
      datasetVersionUuid: z.uuid().nullable().default(null),
      split: z.enum(Split),
      weights: z.enum(Weights),
      protocolUuid: z.uuid().nullable().default(null),
      engine,
      job,
    })
    .nullable()
    .default(null),
  gate: z
    .strictObject({
      /** Whose version it becomes; null: the model that is trained. */
      modelUuid: z.uuid().nullable().default(null),
      description: z.string().nullable().default(null),
      alias: z.string().nullable().default(null),
      reason: z.string().nullable().default(null),
      failUnlessPassed: z.boolean().default(false),
    })
    .nullable()
    .default(null),
});
export type Template = z.output<typeof templateSchema>;

export interface Pipeline {
  training: Job;
  evaluation: Job | null;
  gate: Job | null;
}

/** Checked, and ready to be made by whoever holds the project. */
export interface PipelinePlan {
  projectUuid: string;
  template: Template;
  datasetVersionUuid: string;
  training: TrainingPlan;
  evaluation: EvaluationPlan | null;
  actor: string;
}

type Services = { db: DataSource; queue: Queue };

/**
 * The same key and request again: the same jobs.
 * @throws ShingoError or UserErrors as startTraining and startEvaluation do
 */
export async function startPipeline(
  { db, queue }: Services,
  actor: string,
  datasetVersionUuid: string,
  template: Template,
  idempotencyKey: string,
): Promise<Pipeline> {
  checkTemplate(template);
  const training = await planTraining(db, { ...template.training, datasetVersionUuid });
  const asked = {
    kind: 'PIPELINE',
    ...template,
    training: withOptions(training.asked, template.training.job),
  };
  const wanted = request(training.projectUuid, idempotencyKey, asked);
  const known = await jobOfRequest(db, wanted);
  if (known) return pipelineOf(db, known);
  const plan = await planPipeline(db, actor, datasetVersionUuid, template);
  return pipelineOf(
    db,
    await once(db, wanted, async (manager) => (await insertPipeline(manager, queue, wanted, plan)).training),
  );
}

/** @throws ShingoError or UserErrors, whatever could not be started */
export async function planPipeline(
  db: DataSource,
  actor: string,
  datasetVersionUuid: string,
  template: Template,
): Promise<PipelinePlan> {
  const wish = { ...template.training, datasetVersionUuid };
  const training = await planTraining(db, wish);
  const { projectUuid, task } = training;
  await checkTraining(db, wish, training);
  const { evaluation, gate } = template;
  if (gate?.modelUuid) await requireModel(db, gate.modelUuid, projectUuid);
  const examined = evaluation && {
    ...evaluation,
    datasetVersionUuid: evaluation.datasetVersionUuid ?? datasetVersionUuid,
  };
  const trained = { task, modelUuid: wish.modelUuid, datasetVersionUuid };
  return {
    ...{ projectUuid, template, datasetVersionUuid, training, actor },
    evaluation: examined && (await planEvaluation(db, examined, trained)),
  };
}

/** @throws ShingoError BAD_USER_INPUT */
export function checkTemplate({ evaluation, gate }: Template): void {
  if (!gate) return;
  const bad = (field: string, message: string) =>
    new ShingoError('BAD_USER_INPUT', message, 400, [field.split('.')].flat());
  if (!evaluation) throw bad('gate', 'A gate judges by an evaluation; give one.');
  // A version is of the BEST weights: what others do says nothing of it.
  if (evaluation.weights !== Weights.BEST)
    throw bad('evaluation.weights', 'A model version is of the BEST weights; evaluate those.');
  checkMove({ alias: gate.alias ?? 'any', reason: gate.reason });
}

async function requireModel(db: DataSource, uuid: string, projectUuid: string): Promise<void> {
  const model = await findModel(db, uuid);
  if (model.projectUuid === projectUuid) return;
  const message = 'The model of the gate belongs to another project than the data set version.';
  throw new ShingoError('OTHER_PROJECT', message, 409, ['gate', 'modelId']);
}

/** The caller holds the project. @throws ShingoError NAME_TAKEN, TEST_IMAGES_TRAINED_ON */
export async function insertPipeline(
  manager: EntityManager,
  queue: Queue,
  wanted: Request | ReturnType<typeof withoutKey>,
  plan: PipelinePlan,
): Promise<Pipeline> {
  const { projectUuid, template, datasetVersionUuid, actor } = plan;
  const { modelUuid } = template.training;
  const wish = { ...template.training, datasetVersionUuid };
  const training = await insertTraining(manager, queue, wanted, wish, plan.training);
  const { experimentUuid } = training;
  const bare = withoutKey(plan);
  if (!template.evaluation || !plan.evaluation) return { training, evaluation: null, gate: null };
  const examined = template.evaluation.datasetVersionUuid ?? datasetVersionUuid;
  await refuseTrainedOn(manager, { experimentUuid }, examined, template.evaluation.split);
  const evaluation = await insertPlanned(manager, queue, bare, {
    ...{ ...template.evaluation, datasetVersionUuid: examined, projectUuid, experimentUuid },
    experiment: { task: plan.training.task, modelUuid, datasetVersionUuid },
    ...{ plan: plan.evaluation, hold: { needs: [training.uuid] } },
  });
  if (!template.gate) return { training, evaluation, gate: null };
  const gate = await insertJob(manager, queue, bare, {
    kind: JobKind.GATE,
    engine: Engine.AUTO,
    input: { ...template.gate, modelUuid: template.gate.modelUuid ?? modelUuid, experimentUuid, actor },
    hold: { needs: [training.uuid, evaluation.uuid] },
  });
  return { training, evaluation, gate };
}

/** Read again, as they are now: those that wait for the training, and those that wait for these. */
export async function pipelineOf(db: DataSource, training: Job): Promise<Pipeline> {
  const rows: { id: string; kind: JobKind }[] = await db.query(
    `/* pipeline.jobs */ SELECT j.id, j.kind FROM job_dependency d JOIN job j ON j.id = d.job_id
     WHERE d.needs_id = $1 ORDER BY j.id`,
    [training.uuid],
  );
  const of = async (kind: JobKind) => {
    const found = rows.find((row) => row.kind === kind);
    return found ? selectOne(db, Job, found.id) : null;
  };
  return {
    training: (await selectOne(db, Job, training.uuid)) ?? training,
    evaluation: await of(JobKind.EVALUATION),
    gate: await of(JobKind.GATE),
  };
}
