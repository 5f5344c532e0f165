/**
 * Starts what is due. Any number of processes look, and none must: a run is claimed by whoever holds the schedule's row
 * then, one a due time; its jobs and the record of them are one transaction, which holds the run's row, so that a
 * process that dies on the way leaves a run that the next look carries out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import { createDatasetVersion } from '../../datasets/createVersion.js';
import { DatasetVersion } from '../../datasets/datasetVersion.js';
import { columnsOf, hydrate, selectOne } from '../../graphql/select.js';
import { UserErrors } from '../../graphql/userError.js';
import { isDatabaseAway } from '../../platform/database/errors.js';
import { every } from '../../platform/every.js';
import { ShingoError, messageOf } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import type { Log } from '../../platform/log.js';
import type { Queue } from '../../platform/queue.js';
import { lockProject } from '../graph/hold.js';
import { insertPipeline, planPipeline, templateSchema } from '../graph/pipeline.js';
import { withoutKey } from '../start/request.js';
import { newestDue, nextAfter } from './dueTimes.js';
import { Schedule, ScheduleRun, ScheduleRunState } from './schedule.js';
import { latestVersion, type Recipe } from './version.js';

type Services = { db: DataSource; queue: Queue; log: Log };

const LOOK_MS = 5_000;
/** A data set version of a million images takes minutes; who must stop leaves it to another process. */
const STOP_MS = 3_000;
/** At one look. */
const MOST = 100;
/** Of a schedule, the newest. */
export const MAX_RUNS = 500;
const MAX_FAULTS = 5;

/** Looks every few seconds until stopped. */
export function startScheduler(services: Services): () => Promise<void> {
  const stop = every(LOOK_MS, 'looking after schedules', services.log, () => fireSchedules(services));
  return () => Promise.race([stop(), sleep(STOP_MS, undefined, { ref: false })]);
}

/** @param now missing: by the clock of the database, whatever those of the processes say. Returns how many runs were settled. */
export async function fireSchedules(services: Services, now?: Date): Promise<number> {
  for (let claimed = 0; claimed < MOST && (await claimDue(services.db, now));) claimed += 1;
  let settled = 0;
  while (settled < MOST && (await carryOut(services))) settled += 1;
  return settled;
}

/** False: nothing is due that nobody else has. */
async function claimDue(db: DataSource, given?: Date): Promise<boolean> {
  return db.transaction(async (manager) => {
    const [row]: ({ _now: Date } & Record<string, unknown>)[] = await manager.query(
      `/* schedule.due */ SELECT ${columnsOf(manager, Schedule)}, coalesce($1, clock_timestamp()) AS "_now" FROM schedule t
       WHERE NOT t.paused AND t.next_due <= coalesce($1, clock_timestamp())
       ORDER BY t.next_due LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`,
      [given ?? null],
    );
    if (!row) return false;
    const schedule = hydrate(manager, Schedule, row);
    const { due, missed } = newestDue(schedule, schedule.nextDue as Date, row._now);
    // Unique by schedule and time: whatever else went wrong, no time is run twice.
    await manager.query(
      `/* schedule.claim */ INSERT INTO schedule_run (id, schedule_id, due, missed) VALUES ($1, $2, $3, $4)
       ON CONFLICT (schedule_id, due) DO NOTHING`,
      [newId(), schedule.uuid, due, missed],
    );
    await manager.query('/* schedule.next */ UPDATE schedule SET next_due = $2 WHERE id = $1', [
      schedule.uuid,
      nextAfter(schedule, due),
    ]);
    await manager.query(
      `/* schedule.forget */ DELETE FROM schedule_run WHERE schedule_id = $1 AND state <> 'STARTING' AND due < (
         SELECT min(due) FROM (SELECT due FROM schedule_run WHERE schedule_id = $1 ORDER BY due DESC LIMIT ${MAX_RUNS}) kept)`,
      [schedule.uuid],
    );
    return true;
  });
}

/** False: no run waits that nobody else has. */
async function carryOut(services: Services): Promise<boolean> {
  let run: ScheduleRun | null = null;
  try {
    return await services.db.transaction(async (manager) => {
      // The version may take its time while this waits.
      await manager.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      const [row]: Record<string, unknown>[] = await manager.query(
        `/* schedule.carryOut */ SELECT ${columnsOf(manager, ScheduleRun)} FROM schedule_run t WHERE t.state = 'STARTING'
         ORDER BY t.due LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`,
      );
      if (!row) return false;
      run = hydrate(manager, ScheduleRun, row);
      await start(services, manager, run);
      return true;
    });
  } catch (error) {
    // Without the database there is nothing to write down, and no fault of the run: it still waits at the next look.
    if (!run || isDatabaseAway(error)) throw error;
    return giveUp(services, run, error);
  }
}

/** What the user can mend is written down at once; a fault that nobody foresaw is tried again, a few times. */
async function giveUp({ db, log }: Services, { uuid }: ScheduleRun, error: unknown): Promise<boolean> {
  const errors = error instanceof UserErrors ? error.errors : error instanceof ShingoError ? [error] : null;
  const code = errors?.[0]?.code ?? 'INTERNAL';
  const message = errors?.map((one) => one.message).join('\n') ?? messageOf(error);
  if (!errors) log.error({ err: error, run: uuid }, 'a scheduled run could not be started');
  const [, changed]: [unknown, number] = await db.query(
    `/* schedule.fail */ UPDATE schedule_run SET faults = faults + 1, reason_code = $2, reason_message = $3,
       state = CASE WHEN $4 OR faults + 1 >= ${MAX_FAULTS} THEN 'FAILED' ELSE state END
     WHERE id = $1 AND state = 'STARTING'`,
    [uuid, code, message.slice(0, 2000), errors !== null],
  );
  // Not again at this look.
  return errors !== null && changed > 0;
}

async function start(services: Services, manager: EntityManager, run: ScheduleRun): Promise<void> {
  const schedule = await selectOne(manager, Schedule, run.scheduleUuid);
  if (!schedule) return;
  if (await previousRuns(manager, schedule.uuid))
    return skip(manager, run, 'PREVIOUS_RUNNING', 'The jobs of the run before are not over yet.', null);
  const version = await versionFor(services.db, schedule);
  if (schedule.skipUnchanged && (await trainedOn(manager, schedule.uuid, version.dataId))) {
    const message = 'The data is what the last run was trained on: there is nothing new to learn.';
    return skip(manager, run, 'DATA_UNCHANGED', message, version.uuid);
  }
  const template = templateSchema.parse(schedule.template);
  const plan = await planPipeline(services.db, schedule.createdBy, version.uuid, template);
  await lockProject(manager, schedule.projectUuid);
  const { training } = await insertPipeline(manager, services.queue, withoutKey(schedule), plan);
  await manager.query(
    `/* schedule.started */ UPDATE schedule_run SET state = 'STARTED', dataset_version_id = $2, job_id = $3,
       reason_code = NULL, reason_message = NULL WHERE id = $1`,
    [run.uuid, version.uuid, training.uuid],
  );
}

async function skip(
  manager: EntityManager,
  { uuid }: ScheduleRun,
  code: string,
  message: string,
  versionUuid: string | null,
): Promise<void> {
  await manager.query(
    `/* schedule.skip */ UPDATE schedule_run SET state = '${ScheduleRunState.SKIPPED}', reason_code = $2, reason_message = $3,
       dataset_version_id = $4 WHERE id = $1`,
    [uuid, code, message, versionUuid],
  );
}

/** The last run's jobs, or those that wait for them, are not over. */
async function previousRuns(manager: EntityManager, scheduleUuid: string): Promise<boolean> {
  const rows: unknown[] = await manager.query(
    `/* schedule.previous */ SELECT 1 FROM (
       SELECT job_id FROM schedule_run WHERE schedule_id = $1 AND state = 'STARTED' ORDER BY due DESC LIMIT 1) last
     JOIN job j ON j.id = last.job_id OR j.id IN (SELECT d.job_id FROM job_dependency d WHERE d.needs_id = last.job_id)
     WHERE j.state IN ('QUEUED', 'RUNNING', 'CANCELLING') LIMIT 1`,
    [scheduleUuid],
  );
  return rows.length > 0;
}

/** A training that failed or was cancelled has not learnt it. */
async function trainedOn(manager: EntityManager, scheduleUuid: string, dataId: string): Promise<boolean> {
  const rows: { same: boolean }[] = await manager.query(
    `/* schedule.unchanged */ SELECT v.data_id = $2 AND j.state = 'SUCCEEDED' AS same FROM schedule_run r
     JOIN dataset_version v ON v.id = r.dataset_version_id JOIN job j ON j.id = r.job_id
     WHERE r.schedule_id = $1 AND r.state = 'STARTED' ORDER BY r.due DESC LIMIT 1`,
    [scheduleUuid, dataId],
  );
  return rows[0]?.same === true;
}

async function versionFor(
  db: DataSource,
  { datasetUuid, newVersion }: Schedule,
): Promise<Pick<DatasetVersion, 'uuid' | 'dataId'>> {
  const newest = await latestVersion(db, datasetUuid);
  return newVersion ? createDatasetVersion(db, datasetUuid, recipeOf(newest)) : newest;
}

const recipeOf = (version: DatasetVersion): Recipe => ({
  where: version.filter,
  fixedTestFrom: version.fixedTestUuid,
  ...{ seed: version.seed, train: version.train, validation: version.validation, test: version.test },
  ...{ strategy: version.strategy, maxLeakShare: version.maxLeakShare },
});
