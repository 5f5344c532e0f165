import type { DataSource } from 'typeorm';
import { Dataset } from '../../datasets/dataset.js';
import type { Loaders } from '../../graphql/context.js';
import { columnsOf, hydrate, selectOne } from '../../graphql/select.js';
import { isUniqueViolation } from '../../platform/database/errors.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';
import { lockProject } from '../graph/hold.js';
import { checkTemplate, planPipeline, type Template } from '../graph/pipeline.js';
import { Job } from '../job.js';
import { checkTimes, nextAfter } from './dueTimes.js';
import { Schedule, ScheduleRun } from './schedule.js';
import { latestVersion } from './version.js';

export const MAX_SCHEDULES = 100;

export interface NewSchedule {
  projectUuid: string;
  name: string;
  cron: string;
  timeZone: string;
  datasetUuid: string;
  newVersion: boolean;
  skipUnchanged: boolean;
  template: Template;
}

/**
 * What could not be started now is refused now.
 * @throws ShingoError or UserErrors SCHEDULE_INVALID, SCHEDULE_LIMIT, NAME_TAKEN, NOT_FOUND, OTHER_PROJECT,
 *   DATASET_WITHOUT_VERSION, BAD_USER_INPUT, and as startTraining and startEvaluation do
 */
export async function createSchedule(db: DataSource, actor: string, input: NewSchedule): Promise<Schedule> {
  const { projectUuid, name, cron, timeZone, datasetUuid, template } = input;
  const bad = (field: string[], message: string) => new ShingoError('BAD_USER_INPUT', message, 400, field);
  if (name.trim() === '' || name.length > 200) throw bad(['name'], 'A name has 1 to 200 characters.');
  if (template.training.name !== null)
    throw bad(
      ['training', 'name'],
      'Each run makes an experiment, and names are unique; leave the name out.',
    );
  checkTimes(input);
  checkTemplate(template);
  const dataset = await selectOne(db, Dataset, datasetUuid);
  if (!dataset) throw new ShingoError('NOT_FOUND', 'There is no such data set.', 404, ['datasetId']);
  if (dataset.projectUuid !== projectUuid)
    throw new ShingoError('OTHER_PROJECT', 'This data set belongs to another project.', 409, ['datasetId']);
  await planPipeline(db, actor, (await latestVersion(db, datasetUuid)).uuid, template);
  const uuid = newId();
  try {
    await db.transaction(async (manager) => {
      await lockProject(manager, projectUuid);
      const [{ n, now }]: [{ n: number; now: Date }] = await manager.query(
        `/* schedule.count */ SELECT count(*)::int AS n, clock_timestamp() AS now FROM schedule WHERE project_id = $1`,
        [projectUuid],
      );
      if (n >= MAX_SCHEDULES)
        throw new ShingoError('SCHEDULE_LIMIT', `A project has at most ${MAX_SCHEDULES} schedules.`, 409);
      await manager.query(
        `/* schedule.create */ INSERT INTO schedule (id, project_id, name, cron, time_zone, dataset_id, new_version, template,
           skip_unchanged, next_due, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          ...[
            uuid,
            projectUuid,
            name,
            cron,
            timeZone,
            datasetUuid,
            input.newVersion,
            JSON.stringify(template),
          ],
          ...[input.skipUnchanged, nextAfter(input, now), actor],
        ],
      );
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const message = `The project has a schedule named ${JSON.stringify(name)} already.`;
    throw new ShingoError('NAME_TAKEN', message, 409, ['name']);
  }
  return (await selectOne(db, Schedule, uuid)) as Schedule;
}

/**
 * Times that pass while it is paused are nobody's: it goes on with the next one.
 * @throws ShingoError NOT_FOUND
 */
export async function setPaused(db: DataSource, uuid: string, paused: boolean): Promise<Schedule> {
  return db.transaction(async (manager) => {
    const rows: ({ _from: Date } & Record<string, unknown>)[] = await manager.query(
      // Never a time that has been run, though the clock were set back.
      `/* schedule.hold */ SELECT ${columnsOf(manager, Schedule)}, greatest(clock_timestamp(),
         (SELECT max(due) FROM schedule_run WHERE schedule_id = t.id)) AS "_from"
       FROM schedule t WHERE t.id = $1 FOR NO KEY UPDATE`,
      [uuid],
    );
    const [row] = rows;
    if (!row) throw notFound();
    const schedule = hydrate(manager, Schedule, row);
    if (schedule.paused === paused) return schedule;
    const next = paused ? schedule.nextDue : nextAfter(schedule, row._from);
    await manager.query('/* schedule.pause */ UPDATE schedule SET paused = $2, next_due = $3 WHERE id = $1', [
      uuid,
      paused,
      next,
    ]);
    return (await selectOne(manager, Schedule, uuid)) as Schedule;
  });
}

/** With its history; jobs that it has started stay. @throws ShingoError NOT_FOUND */
export async function deleteSchedule(db: DataSource, uuid: string): Promise<void> {
  const [, deleted]: [unknown, number] = await db.query(
    '/* schedule.delete */ DELETE FROM schedule WHERE id = $1',
    [uuid],
  );
  if (deleted === 0) throw notFound();
}

const notFound = () => new ShingoError('NOT_FOUND', 'There is no such schedule.', 404, ['id']);

export const MAX_SHOWN = 100;

/** Newest first. One statement for any number of schedules. @throws ShingoError BAD_USER_INPUT */
export async function runsOf(
  load: Loaders,
  db: DataSource,
  uuid: string,
  first: number,
): Promise<ScheduleRun[]> {
  if (first < 1 || first > MAX_SHOWN)
    throw new ShingoError('BAD_USER_INPUT', `first is 1 to ${MAX_SHOWN} runs.`, 400, ['first']);
  return load
    .batch(`schedule.runs:${first}`, async (uuids) => {
      const rows: Record<string, unknown>[] = await db.query(
        `/* schedule.runs */ SELECT t.* FROM unnest($1::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
           SELECT ${columnsOf(db, ScheduleRun)} FROM schedule_run t WHERE t.schedule_id = wanted.id
           ORDER BY t.due DESC LIMIT $2) t`,
        [uuids, first],
      );
      const found = Map.groupBy(rows, (row) => row.schedule_id as string);
      return uuids.map((one) => (found.get(one) ?? []).map((row) => hydrate(db, ScheduleRun, row)));
    })
    .load(uuid);
}

/** Of a run: its training, and what waits for it. One statement for any number of runs. */
export const jobsOfRun = (load: Loaders, db: DataSource, run: ScheduleRun): Promise<Job[]> =>
  run.jobUuid === null
    ? Promise.resolve([])
    : load
        .batch('schedule.jobs', async (uuids) => {
          const rows: ({ _of: string } & Record<string, unknown>)[] = await db.query(
            `/* schedule.jobs */ SELECT wanted.id AS "_of", ${columnsOf(db, Job)} FROM unnest($1::uuid[]) AS wanted(id)
             JOIN job t ON t.id = wanted.id
               OR t.id IN (SELECT d.job_id FROM job_dependency d WHERE d.needs_id = wanted.id) ORDER BY t.id`,
            [uuids],
          );
          const found = Map.groupBy(rows, (row) => row._of);
          return uuids.map((one) => (found.get(one) ?? []).map((row) => hydrate(db, Job, row)));
        })
        .load(run.jobUuid);
