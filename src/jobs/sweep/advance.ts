/**
 * Moves a sweep on: whoever ends a trial, or brings it to the end of its rung, decides in the same transaction who goes
 * on and who is let in next. All of it is read from rows, so that a process that dies leaves nothing to remember, and
 * done again it changes nothing. The caller holds the project; then comes the sweep, and of other trials only those
 * that nobody else holds: see graph/hold.ts.
 */
import type { EntityManager } from 'typeorm';
import { columnsOf, hydrate } from '../../graphql/select.js';
import { letGo, lockWaiting, type Hands } from '../graph/hold.js';
import { JobState, isFinal } from '../vocabulary.js';
import { Sweep, SweepState } from './sweep.js';
import { compareValues, looksAt, trialValues } from './values.js';

export const SWEEP_PRUNED = 'SWEEP_PRUNED';

interface Trial {
  number: number;
  rung: number;
  job: string;
  experiment: string;
  state: JobState;
  held: boolean;
  /** That its checkpoint is of. */
  epoch: number;
}

/** @param jobUuid of a trial, or of any other job */
export async function advanceSweepOf(manager: EntityManager, jobUuid: string, hands: Hands): Promise<void> {
  const [row]: { id: string }[] = await manager.query(
    '/* sweep.ofJob */ SELECT sweep_id AS id FROM sweep_trial WHERE job_id = $1',
    [jobUuid],
  );
  if (row) await advanceSweep(manager, row.id, hands);
}

/** Losers end within it, and each end would advance the sweep again. */
const advancing = new WeakSet<EntityManager>();

export async function advanceSweep(manager: EntityManager, uuid: string, hands: Hands): Promise<void> {
  if (advancing.has(manager)) return;
  advancing.add(manager);
  try {
    const sweep = await lockSweep(manager, uuid);
    if (sweep?.state === SweepState.RUNNING) {
      await climb(manager, sweep);
      await prune(manager, sweep, hands);
      await letIn(manager, sweep, hands);
    }
    if (sweep?.state === SweepState.RUNNING || sweep?.state === SweepState.CANCELLING)
      await end(manager, sweep);
  } finally {
    advancing.delete(manager);
  }
}

async function lockSweep(manager: EntityManager, uuid: string): Promise<Sweep | null> {
  const rows: Record<string, unknown>[] = await manager.query(
    `/* sweep.lock */ SELECT ${columnsOf(manager, Sweep)} FROM sweep t WHERE t.id = $1 FOR NO KEY UPDATE`,
    [uuid],
  );
  return rows[0] ? hydrate(manager, Sweep, rows[0]) : null;
}

const trialsOf = (manager: EntityManager, { uuid }: Sweep): Promise<Trial[]> =>
  manager.query(
    `/* sweep.trials */ SELECT t.number, t.rung, t.job_id AS job, t.experiment_id AS experiment, j.state, j.held,
       coalesce((j.checkpoint->>'epoch')::int, 0) AS epoch
     FROM sweep_trial t JOIN job j ON j.id = t.job_id WHERE t.sweep_id = $1 ORDER BY t.number`,
    [uuid],
  );

/** The epoch at which a trial of this rung stops and waits; null: it runs to its end. */
export const pauseAt = ({ rungs }: Pick<Sweep, 'rungs'>, rung: number): number | null =>
  rung < rungs.length - 1 ? (rungs[rung] ?? null) : null;

/** It has done its rung: it waits there, or was over before. */
function atRest(sweep: Sweep, trial: Trial): boolean {
  if (trial.state === JobState.SUCCEEDED) return true;
  const epoch = pauseAt(sweep, trial.rung);
  return trial.held && epoch !== null && trial.epoch >= epoch;
}

/** So many go on from a rung, whatever became of the others. */
export const survivors = (trials: number, reduction: number, rung: number): number =>
  Math.max(1, Math.floor(trials / reduction ** (rung + 1)));

/** Where all trials of a rung are at rest, the best of them go up, once or more. */
async function climb(manager: EntityManager, sweep: Sweep): Promise<void> {
  const { uuid, rungs, reduction } = sweep;
  if (reduction === null) return;
  const trials = await trialsOf(manager, sweep);
  while (sweep.rung < rungs.length - 1) {
    const lost = [JobState.FAILED, JobState.CANCELLED];
    const alive = trials.filter((one) => one.rung === sweep.rung && !lost.includes(one.state));
    if (alive.length === 0 || !alive.every((one) => atRest(sweep, one))) return;
    const wanted = alive.map(({ experiment }) => ({ experiment, ...looksAt(sweep) }));
    const values = await trialValues(manager, wanted, 'best', rungs[sweep.rung]);
    const ranked = alive.toSorted(
      (a, b) =>
        compareValues(sweep.maximize, values.get(a.experiment), values.get(b.experiment)) ||
        a.number - b.number,
    );
    const best = ranked.slice(0, survivors(trials.length, reduction, sweep.rung));
    sweep.rung += 1;
    for (const one of best) one.rung = sweep.rung;
    await manager.query(
      `/* sweep.climb */ WITH up AS (UPDATE sweep SET rung = $2 WHERE id = $1)
       UPDATE sweep_trial SET rung = $2 WHERE sweep_id = $1 AND number = ANY ($3)`,
      [uuid, sweep.rung, best.map(({ number }) => number)],
    );
  }
}

/** Those that wait below the rung of the sweep have lost. */
async function prune(manager: EntityManager, sweep: Sweep, { changeJob }: Hands): Promise<void> {
  if (sweep.rung === 0) return;
  const trials = await trialsOf(manager, sweep);
  const losers = trials.filter(({ held, rung }) => held && rung < sweep.rung);
  for (const job of await lockWaiting(
    manager,
    losers.map(({ job }) => job),
  )) {
    const { rung = 0 } = losers.find((one) => one.job === job.uuid) ?? {};
    const message = `At epoch ${sweep.rungs[rung]} it was not among the best of its sweep; its checkpoint is kept.`;
    await changeJob(manager, job, JobState.CANCELLED, { reason: { code: SWEEP_PRUNED, message } });
  }
}

/** As many as may run at a time, in their order. */
async function letIn(manager: EntityManager, sweep: Sweep, hands: Hands): Promise<void> {
  const trials = await trialsOf(manager, sweep);
  const active = trials.filter(({ state, held }) => !held && !isFinal(state)).length;
  const room = sweep.maxConcurrent - active;
  if (room <= 0) return;
  const next = trials
    .filter((one) => one.held && one.rung === sweep.rung && !atRest(sweep, one))
    .slice(0, room);
  const jobs = await lockWaiting(
    manager,
    next.map(({ job }) => job),
  );
  await manager.query('/* sweep.pauseAt */ UPDATE job SET pause_epoch = $2 WHERE id = ANY ($1)', [
    jobs.map(({ uuid }) => uuid),
    pauseAt(sweep, sweep.rung),
  ]);
  for (const job of jobs) await letGo(manager, job, hands);
}

async function end(manager: EntityManager, sweep: Sweep): Promise<void> {
  const states = (await trialsOf(manager, sweep)).map(({ state }) => state);
  if (!states.every(isFinal)) return;
  const over = states.includes(JobState.SUCCEEDED) ? SweepState.SUCCEEDED : SweepState.FAILED;
  await manager.query(
    '/* sweep.end */ UPDATE sweep SET state = $2, finished_at = clock_timestamp() WHERE id = $1',
    [sweep.uuid, sweep.state === SweepState.CANCELLING ? SweepState.CANCELLED : over],
  );
}
