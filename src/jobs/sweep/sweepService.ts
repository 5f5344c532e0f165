/** Reads sweeps, ends them, and looks after those that stand still. */
import type { DataSource } from 'typeorm';
import { Parameter } from '../../experiments/experiment.js';
import type { Loaders } from '../../graphql/context.js';
import { columnsOf, hydrate, selectOne } from '../../graphql/select.js';
import { ShingoError } from '../../platform/error.js';
import { changeJob, enqueue } from '../change.js';
import { lockProject } from '../graph/hold.js';
import { cancelJob } from '../jobService.js';
import { reasonOf, type JobState } from '../vocabulary.js';
import { advanceSweep } from './advance.js';
import type { Assigned, SpaceParameter, Value } from './space.js';
import { Sweep, SweepState, SweepTrial, SweepValue } from './sweep.js';
import { compareValues, looksAt, trialValues, type Looked, type TrialValue } from './values.js';

interface TrialRow extends Looked {
  space: SpaceParameter[];
  sweep_id: string;
  number: number;
  rung: number;
  assigned: Assigned;
  job_id: string;
  experiment_id: string;
  state: JobState;
  held: boolean;
  reason_code: string | null;
  reason_message: string | null;
}

/** In the order of their numbers. Three statements, however many sweeps are asked for. */
export const trialsOf = (load: Loaders, db: DataSource, sweep: Sweep): Promise<SweepTrial[]> =>
  load.batch('sweep.trials', (uuids) => selectTrials(db, uuids)).load(sweep.uuid);

async function selectTrials(db: DataSource, uuids: readonly string[]): Promise<SweepTrial[][]> {
  const rows: TrialRow[] = await db.query(
    `/* sweep.show */ SELECT t.sweep_id, t.number, t.rung, t.assigned, t.job_id, t.experiment_id, j.state, j.held,
       j.reason_code, j.reason_message, s.space, s.metric, s.split, s.condition, s.maximize
     FROM sweep_trial t JOIN job j ON j.id = t.job_id JOIN sweep s ON s.id = t.sweep_id
     WHERE t.sweep_id = ANY ($1) ORDER BY t.number`,
    [uuids],
  );
  const wanted = rows.map((row) => ({ experiment: row.experiment_id, ...looksAt(row) }));
  const best = await trialValues(db, wanted, 'best');
  const last = await trialValues(db, wanted, 'last');
  const shown = (value?: TrialValue) => (value ? Object.assign(new SweepValue(), value) : null);
  const trials = Map.groupBy(rows, (row) => row.sweep_id);
  return uuids.map((uuid) =>
    (trials.get(uuid) ?? []).map((row) =>
      Object.assign(new SweepTrial(), {
        ...{ number: row.number, rung: row.rung, state: row.state, waiting: row.held },
        ...{ jobUuid: row.job_id, experimentUuid: row.experiment_id },
        // In the order of the space: jsonb keeps one of its own.
        parameters: parametersOf(row.space.map(({ name }) => [name, row.assigned[name] as Value])),
        reason: reasonOf(row.reason_code, row.reason_message),
        best: shown(best.get(row.experiment_id)),
        last: shown(last.get(row.experiment_id)),
      }),
    ),
  );
}

export const parametersOf = (values: [name: string, value: Value][]): Parameter[] =>
  values.map(([name, value]) =>
    Object.assign(new Parameter(), {
      name,
      number: typeof value === 'number' ? value : null,
      text: typeof value === 'string' ? value : null,
      boolean: typeof value === 'boolean' ? value : null,
    }),
  );

/** Of those that were let into the highest rung and have measured something; the first of equals. */
export function bestOf(sweep: Sweep, trials: SweepTrial[]): SweepTrial | null {
  const measured = trials.filter(({ best }) => best && Number.isFinite(best.value));
  const highest = Math.max(...measured.map(({ rung }) => rung));
  const [best] = measured
    .filter(({ rung }) => rung === highest)
    .toSorted((a, b) => compareValues(sweep.maximize, a.best!, b.best!));
  return best ?? null;
}

/**
 * Cancels every trial that is not over. Done again it goes on where it broke off; a worker does too.
 * @throws ShingoError NOT_FOUND, SWEEP_FINISHED
 */
export async function cancelSweep(db: DataSource, uuid: string): Promise<Sweep> {
  // In a statement of its own: to hold the sweep and wait for its jobs would be the wrong way round.
  await db.query(
    "/* sweep.cancel */ UPDATE sweep SET state = 'CANCELLING' WHERE id = $1 AND state = 'RUNNING'",
    [uuid],
  );
  const sweep = await selectOne(db, Sweep, uuid);
  if (!sweep) throw new ShingoError('NOT_FOUND', 'There is no such sweep.', 404, ['sweepId']);
  if (sweep.state === SweepState.SUCCEEDED || sweep.state === SweepState.FAILED)
    throw new ShingoError('SWEEP_FINISHED', `This sweep is over: ${sweep.state}.`, 409, ['sweepId']);
  await mendSweep(db, sweep);
  return (await selectOne(db, Sweep, uuid)) ?? sweep;
}

async function mendSweep(db: DataSource, sweep: Sweep): Promise<void> {
  if (sweep.state === SweepState.CANCELLING) await cancelTrials(db, sweep.uuid);
  await db.transaction(async (manager) => {
    await lockProject(manager, sweep.projectUuid);
    await advanceSweep(manager, sweep.uuid, { changeJob, enqueue });
  });
}

async function cancelTrials(db: DataSource, uuid: string): Promise<void> {
  const rows: { id: string }[] = await db.query(
    `/* sweep.unfinished */ SELECT j.id FROM sweep_trial t JOIN job j ON j.id = t.job_id
     WHERE t.sweep_id = $1 AND j.state IN ('QUEUED', 'RUNNING') ORDER BY t.number`,
    [uuid],
  );
  for (const { id } of rows)
    await cancelJob(db, id).catch((error: unknown) => {
      // It has just ended by itself.
      if (!(error instanceof ShingoError && error.code === 'JOB_FINISHED')) throw error;
    });
}

const MOST = 100;

/** Moves on what nobody could move when it was time, and ends what somebody began to cancel. Returns how many it looked at. */
export async function mendSweeps(db: DataSource): Promise<number> {
  const rows: { id: string }[] = await db.query(
    `/* sweep.open */ SELECT id FROM sweep WHERE state IN ('RUNNING', 'CANCELLING') ORDER BY id LIMIT ${MOST}`,
  );
  for (const { id } of rows) {
    const sweep = await selectOne(db, Sweep, id);
    if (sweep) await mendSweep(db, sweep);
  }
  return rows.length;
}

/** In the order of `jobUuids`; null: it is no trial. */
export async function sweepsOfJobs(db: DataSource, jobUuids: readonly string[]): Promise<(Sweep | null)[]> {
  const rows: ({ _job: string } & Record<string, unknown>)[] = await db.query(
    `/* job.sweep */ SELECT of.job_id AS "_job", ${columnsOf(db, Sweep)} FROM sweep_trial of
     JOIN sweep t ON t.id = of.sweep_id WHERE of.job_id = ANY ($1)`,
    [jobUuids],
  );
  const found = new Map(rows.map((row) => [row._job, hydrate(db, Sweep, row)]));
  return jobUuids.map((uuid) => found.get(uuid) ?? null);
}
