import type { DataSource, EntityManager } from 'typeorm';
import { Split } from '../../catalog/vocabulary.js';
import { selectOne } from '../../graphql/select.js';
import { UserErrors } from '../../graphql/userError.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import type { Queue } from '../../platform/queue.js';
import { changeJob, enqueue } from '../change.js';
import { checkNames } from '../start/checkNames.js';
import type { JobOptionsInput } from '../options.js';
import { jobOfRequest, once, request, withoutKey, type Request } from '../start/request.js';
import { checkTraining, insertTraining, planTraining, type TrainingPlan } from '../start/startTraining.js';
import type { Engine } from '../vocabulary.js';
import { advanceSweep, pauseAt } from './advance.js';
import { checkAgainstNetwork, parametersOfTrial } from './checkSpace.js';
import { checkSpace, drawnFrom, gridOf, type Assigned, type SpaceParameter } from './space.js';
import { Sweep, SweepStrategy } from './sweep.js';

export interface StartSweep {
  name: string;
  datasetVersionUuid: string;
  modelUuid: string;
  parentUuid?: string | null;
  engine?: Engine | null;
  job?: JobOptionsInput | null;
  /** Of every trial; plain data. */
  parameters?: object | null;
  space: SpaceParameter[];
  strategy: SweepStrategy;
  /** Null: every combination. */
  trials?: number | null;
  seed: number;
  maxConcurrent: number;
  metric: { name: string; split: Split; condition?: string | null; maximize?: boolean | null };
  minEpochs: number;
  reduction: number;
  idempotencyKey: string;
}

const MAX_CONCURRENT = 64;

interface Plan {
  input: StartSweep;
  training: TrainingPlan;
  trials: { assigned: Assigned; plan: TrainingPlan }[];
  maximize: boolean;
  rungs: number[];
}

/**
 * The sweep, its trials' experiments and jobs in one transaction; the same key and request again: the same sweep.
 * @throws ShingoError or UserErrors SWEEP_SPACE, SWEEP_TOO_LARGE, and as startTraining does
 */
export async function startSweep(
  { db, queue }: { db: DataSource; queue: Queue },
  input: StartSweep,
): Promise<Sweep> {
  checkInput(input);
  const plan = await planSweep(db, input);
  const { idempotencyKey, ...asked } = input;
  const wanted = request(plan.training.projectUuid, idempotencyKey, { kind: 'SWEEP', ...asked });
  const known = await jobOfRequest(db, wanted);
  if (known) return sweepOfJob(db, known.uuid);
  await checkTraining(db, input, plan.training);
  const first = await once(db, wanted, (manager) => insertSweep(manager, queue, wanted, plan));
  return sweepOfJob(db, first.uuid);
}

function checkInput({ name, seed, maxConcurrent, minEpochs, reduction, strategy, trials }: StartSweep): void {
  const bad = (field: string, message: string) => new ShingoError('BAD_USER_INPUT', message, 400, [field]);
  if (name.trim() === '' || name.length > 180)
    throw bad('name', 'A sweep has a name of 1 to 180 characters.');
  if (seed < 0) throw bad('seed', 'seed is 0 or more.');
  if (maxConcurrent < 1 || maxConcurrent > MAX_CONCURRENT)
    throw bad('maxConcurrent', `maxConcurrent is 1 to ${MAX_CONCURRENT}.`);
  if (minEpochs < 1) throw bad('minEpochs', 'minEpochs is 1 or more.');
  if (reduction < 2 || reduction > 10) throw bad('reductionFactor', 'reductionFactor is 2 to 10.');
  if (strategy === SweepStrategy.GRID && trials != null)
    throw bad('trials', 'A grid is every combination; leave trials out.');
  if (strategy === SweepStrategy.RANDOM && trials == null)
    throw bad('trials', 'Say how many trials are drawn.');
}

/** @throws ShingoError or UserErrors; everything that can be wrong without a look at the pictures */
async function planSweep(db: DataSource, input: StartSweep): Promise<Plan> {
  const { metric, space, strategy, seed, trials, minEpochs, reduction } = input;
  const maximize = metric.maximize ?? !/loss$|^objective$/.test(metric.name);
  // What trials are compared by is what their best epoch is chosen by, unless they are told otherwise.
  const monitor = {
    ...{ metric: metric.name, split: metric.split, condition: metric.condition ?? null },
    mode: maximize ? 'max' : 'min',
  };
  const given = { monitor, ...input.parameters };
  const base = await planTraining(db, { ...input, name: null, parameters: given });
  // The metric itself, whatever they monitor.
  await checkNames(db, input.datasetVersionUuid, parametersOfTrial({ ...given, monitor }, {}));
  checkSpace(space);
  checkAgainstNetwork(space, base.parameters);
  const chosen = trials == null ? gridOf(space) : drawnFrom(space, trials, seed);
  const halving = strategy === SweepStrategy.SUCCESSIVE_HALVING;
  if (halving && space.some(({ name }) => name === 'epochs'))
    throw new ShingoError('SWEEP_SPACE', 'epochs: halving decides on them; sweep another parameter.', 400, [
      'space',
    ]);
  const training = { ...base, modelName: input.name };
  return {
    ...{ input, training, maximize },
    trials: chosen.map((assigned) => ({
      assigned,
      plan: { ...training, parameters: parametersWith(given, assigned) },
    })),
    rungs: halving ? rungsOf(base.parameters.epochs, minEpochs, reduction) : [],
  };
}

function parametersWith(given: object, assigned: Assigned) {
  try {
    return parametersOfTrial(given, assigned);
  } catch (error) {
    if (!(error instanceof UserErrors)) throw error;
    const which = Object.entries(assigned).map(([name, value]) => `${name} ${value}`);
    throw new UserErrors(
      error.errors.map(
        ({ code, message, httpStatus, field }) =>
          new ShingoError(code, `With ${which.join(', ')}: ${message}`, httpStatus, field),
      ),
    );
  }
}

/** From `min` epochs each rung has `reduction` times as many; the last one is the whole training. */
export function rungsOf(epochs: number, min: number, reduction: number): number[] {
  const rungs: number[] = [];
  for (let at = min; at < epochs; at *= reduction) rungs.push(at);
  return [...rungs, epochs];
}

async function insertSweep(
  manager: EntityManager,
  queue: Queue,
  wanted: Request,
  { input, training, trials, maximize, rungs }: Plan,
) {
  const uuid = newId();
  const { metric, strategy } = input;
  await manager.query(
    `/* sweep.create */ INSERT INTO sweep (id, project_id, name, strategy, dataset_version_id, model_id, metric, split,
       condition, maximize, space, seed, max_concurrent, rungs, reduction)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      ...[uuid, training.projectUuid, input.name, strategy, input.datasetVersionUuid, input.modelUuid],
      ...[metric.name, metric.split, metric.condition ?? null, maximize, JSON.stringify(input.space)],
      ...[input.seed, input.maxConcurrent, rungs],
      strategy === SweepStrategy.SUCCESSIVE_HALVING ? input.reduction : null,
    ],
  );
  const jobs = [];
  const hold = { pauseEpoch: pauseAt({ rungs }, 0) };
  const wish = { ...input, name: null };
  for (const { plan } of trials)
    jobs.push(
      await insertTraining(manager, queue, jobs.length === 0 ? wanted : withoutKey(wanted), wish, plan, hold),
    );
  await manager.query(
    `/* sweep.createTrials */ INSERT INTO sweep_trial (sweep_id, number, job_id, experiment_id, assigned)
     SELECT $1, t.number, t.job, t.experiment, t.assigned
     FROM json_to_recordset($2::json) AS t (number int, job uuid, experiment uuid, assigned jsonb)`,
    [
      uuid,
      JSON.stringify(
        jobs.map(({ uuid: job, experimentUuid: experiment }, at) => ({
          ...{ number: at + 1, job, experiment, assigned: trials[at]?.assigned },
        })),
      ),
    ],
  );
  await advanceSweep(manager, uuid, { changeJob, enqueue });
  return jobs[0]!;
}

async function sweepOfJob(db: DataSource, jobUuid: string): Promise<Sweep> {
  const [row]: { id: string }[] = await db.query(
    '/* sweep.ofFirst */ SELECT sweep_id AS id FROM sweep_trial WHERE job_id = $1',
    [jobUuid],
  );
  const sweep = row && (await selectOne(db, Sweep, row.id));
  if (sweep) return sweep;
  throw new ShingoError('CONFLICT', 'This idempotencyKey has started something else.', 409, [
    'idempotencyKey',
  ]);
}
