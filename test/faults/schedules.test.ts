/** Schedules: every due time is run once, by whoever looks, whatever the clock does and whoever dies on the way. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Split } from '../../src/catalog/vocabulary.js';
import { Project } from '../../src/catalog/project/project.js';
import { selectOne } from '../../src/graphql/select.js';
import { changeJob, lockJob, withJob } from '../../src/jobs/change.js';
import { templateSchema } from '../../src/jobs/graph/pipeline.js';
import { checkTimes, newestDue, nextTimes } from '../../src/jobs/schedule/dueTimes.js';
import { fireSchedules } from '../../src/jobs/schedule/fire.js';
import { Schedule, ScheduleRunState, type ScheduleRun } from '../../src/jobs/schedule/schedule.js';
import {
  createSchedule,
  deleteSchedule,
  jobsOfRun,
  runsOf,
  setPaused,
  type NewSchedule,
} from '../../src/jobs/schedule/scheduleService.js';
import { JobState } from '../../src/jobs/vocabulary.js';
import { lights, newImages, version } from '../integration/datasets/support.js';
import { createWorld, until, type World } from './world.js';

let world: World;
let project: Project;
let dataset: string;
beforeAll(async () => {
  world = await createWorld();
  project = (await selectOne(world.db, Project, world.project))!;
});
afterAll(() => world.stop());
beforeEach(async () => {
  await world.db.query('DELETE FROM schedule; DELETE FROM job; DELETE FROM experiment');
  [{ id: dataset }] = await world.db.query('SELECT dataset_id AS id FROM dataset_version WHERE id = $1', [
    world.versionUuid,
  ]);
});

const schedule = (given: Partial<NewSchedule> = {}, template: object = {}): Promise<Schedule> =>
  createSchedule(world.db, 'tests', {
    ...{ projectUuid: world.project, name: randomUUID(), cron: '0 3 * * *', timeZone: 'Asia/Tokyo' },
    ...{ datasetUuid: dataset, newVersion: false, skipUnchanged: false },
    template: templateSchema.parse({
      training: { modelUuid: world.modelUuid, parameters: { epochs: 2 } },
      evaluation: { split: Split.TEST, weights: 'BEST' },
      gate: { alias: 'candidate' },
      ...template,
    }),
    ...given,
  });
/** As if it had been made then. */
const since = async (one: Schedule, time: string) => {
  await world.db.query('UPDATE schedule SET next_due = $2 WHERE id = $1', [one.uuid, time]);
  return one;
};
const look = (time: string) => fireSchedules(world.services, new Date(time));
const runs = (one: Schedule): Promise<ScheduleRun[]> => runsOf(world.context().load, world.db, one.uuid, 100);
const said = async (one: Schedule) =>
  (await runs(one)).map(({ due, state, missed, reasonCode }) => [
    due.toISOString(),
    state,
    missed,
    reasonCode,
  ]);
const jobsOf = async (run: ScheduleRun) => jobsOfRun(world.context().load, world.db, run);
const nextDue = async ({ uuid }: Schedule) =>
  (await selectOne(world.db, Schedule, uuid))?.nextDue?.toISOString();
/** Of the newest run that was started: its training ends so, and what waits for it with it. */
const end = async (one: Schedule, state: JobState) => {
  const run = (await runs(one)).find((found) => found.state === ScheduleRunState.STARTED);
  const jobs = await jobsOf(run!);
  for (const { uuid } of jobs)
    await withJob(world.db, uuid, async (manager, job) => {
      if (job.state !== JobState.QUEUED) return;
      await changeJob(manager, job, JobState.RUNNING, {
        taker: { worker: 'test', host: 'test', device: null },
      });
      await changeJob(manager, (await lockJob(manager, uuid))!, state);
    });
};

describe('a due time', () => {
  it('is run once over many processes that look at once, as a whole graph', async () => {
    const nightly = await since(await schedule(), '2026-03-01T18:00:00Z');
    expect(await look('2026-03-01T17:59:59.999Z')).toBe(0);
    await Promise.all(Array.from({ length: 8 }, () => look('2026-03-01T18:00:00Z')));
    await Promise.all(Array.from({ length: 8 }, () => look('2026-03-01T18:00:01Z')));
    expect(await said(nightly)).toEqual([['2026-03-01T18:00:00.000Z', 'STARTED', 0, null]]);
    const [run] = await runs(nightly);
    expect(run?.datasetVersionUuid).toBe(world.versionUuid);
    const jobs = await jobsOf(run!);
    expect(jobs.map(({ kind, held }) => [kind, held])).toEqual([
      ['TRAINING', false],
      ['EVALUATION', true],
      ['GATE', true],
    ]);
    expect(await world.db.query('SELECT count(*)::int AS n FROM job')).toEqual([{ n: 3 }]);
    expect(await nextDue(nightly)).toBe('2026-03-02T18:00:00.000Z');
  });

  it('that nobody was there for is one run with those before it, and says so', async () => {
    const nightly = await since(await schedule(), '2026-03-01T18:00:00Z');
    await look('2026-03-05T12:00:00Z');
    expect(await said(nightly)).toEqual([['2026-03-04T18:00:00.000Z', 'STARTED', 3, null]]);
    expect(await nextDue(nightly)).toBe('2026-03-05T18:00:00.000Z');
  });

  it('is not run again when the clock is set back', async () => {
    const nightly = await since(await schedule(), '2026-03-01T18:00:00Z');
    await look('2026-03-01T18:00:30Z');
    for (const time of ['2026-03-01T17:59:00Z', '2026-03-01T18:00:00Z', '2026-03-01T18:00:59Z'])
      await look(time);
    expect(await said(nightly)).toHaveLength(1);
    // Nor where somebody sets the schedule itself back.
    await end(nightly, JobState.SUCCEEDED);
    await since(nightly, '2026-03-01T18:00:00Z');
    await look('2026-03-01T18:02:00Z');
    expect(await said(nightly)).toHaveLength(1);
    expect(await nextDue(nightly)).toBe('2026-03-02T18:00:00.000Z');
  });

  it('is carried out by another when the one that claimed it dies', async () => {
    const nightly = await since(await schedule(), '2026-03-01T18:00:00Z');
    // Someone else holds the project: the one that looks waits there, its run claimed and its jobs about to be made.
    const holder = new pg.Client({ connectionString: world.databaseUrl });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM project WHERE id = $1 FOR UPDATE', [world.project]);
    const dying = look('2026-03-01T18:00:00Z').catch(() => 'died');
    const waiting = "wait_event_type = 'Lock' AND query LIKE '%job.lockProject%'";
    // By another connection: within a transaction the view stays as it was at first.
    const pid = await until(async () => {
      const [row] = await world.db.query(`SELECT pid FROM pg_stat_activity WHERE ${waiting}`);
      return (row as { pid: number } | undefined)?.pid;
    });
    await world.db.query('SELECT pg_terminate_backend($1)', [pid]);
    await holder.query('COMMIT');
    await holder.end();
    await dying;
    expect((await said(nightly))[0]?.slice(0, 2)).toEqual(['2026-03-01T18:00:00.000Z', 'STARTING']);
    expect(await world.db.query('SELECT 1 FROM job')).toEqual([]);
    await look('2026-03-01T18:00:05Z');
    expect(await said(nightly)).toEqual([['2026-03-01T18:00:00.000Z', 'STARTED', 0, null]]);
    expect(await world.db.query('SELECT count(*)::int AS n FROM job')).toEqual([{ n: 3 }]);
  });
});

describe('a run', () => {
  const NIGHTS = [
    '2026-03-01T18:00:00Z',
    '2026-03-02T18:00:00Z',
    '2026-03-03T18:00:00Z',
    '2026-03-04T18:00:00Z',
  ];

  it('is skipped while the one before is at work, and while the data is what was trained on', async () => {
    const nightly = await since(await schedule({ skipUnchanged: true }), NIGHTS[0]!);
    await look(NIGHTS[0]!);
    await look(NIGHTS[1]!);
    await end(nightly, JobState.FAILED);
    // What failed has learnt nothing.
    await look(NIGHTS[2]!);
    expect((await runs(nightly)).map(({ state, reasonCode }) => reasonCode ?? state)).toEqual([
      ...['STARTED', 'PREVIOUS_RUNNING', 'STARTED'],
    ]);
    await end(nightly, JobState.SUCCEEDED);
    await look(NIGHTS[3]!);
    const [last] = await runs(nightly);
    expect(last).toMatchObject({
      state: 'SKIPPED',
      reasonCode: 'DATA_UNCHANGED',
      datasetVersionUuid: world.versionUuid,
    });
  });

  it('takes what has come to the catalog since, by the recipe of the newest version', async () => {
    await newImages(world.db, project, lights(30, 'first'));
    [{ id: dataset }] = await world.db.query(
      'INSERT INTO dataset (id, project_id, name) VALUES ($1, $2, $1::uuid::text) RETURNING id',
      [randomUUID(), world.project],
    );
    const made = await version(world.db, dataset, { seed: 5 });
    const growing = await since(
      await schedule({ newVersion: true, skipUnchanged: true, datasetUuid: dataset }),
      NIGHTS[0]!,
    );
    await look(NIGHTS[0]!);
    await end(growing, JobState.SUCCEEDED);
    await look(NIGHTS[1]!);
    await newImages(world.db, project, lights(12, 'second'));
    await look(NIGHTS[2]!);
    const done = (await runs(growing)).reverse();
    expect(done.map(({ state, reasonCode }) => reasonCode ?? state)).toEqual([
      'STARTED',
      'DATA_UNCHANGED',
      'STARTED',
    ]);
    expect(done[0]?.datasetVersionUuid).toBe(made.uuid);
    const rows = await world.db.query(
      'SELECT version, seed, image_count FROM dataset_version WHERE dataset_id = $1 ORDER BY version',
      [dataset],
    );
    expect(rows).toEqual([
      { version: 1, seed: 5, image_count: 30 },
      { version: 2, seed: 5, image_count: 42 },
    ]);
  });
});

describe('a schedule', () => {
  it('that is paused starts nothing, and goes on with the next time', async () => {
    const nightly = await since(await schedule(), '2026-03-01T18:00:00Z');
    await setPaused(world.db, nightly.uuid, true);
    await look('2026-03-02T00:00:00Z');
    expect(await runs(nightly)).toEqual([]);
    const resumed = await setPaused(world.db, nightly.uuid, false);
    expect(resumed.nextDue!.getTime()).toBeGreaterThan(Date.now());
    await deleteSchedule(world.db, nightly.uuid);
    await expect(deleteSchedule(world.db, nightly.uuid)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('that could not start now is refused now', async () => {
    const code = (work: Promise<unknown>) =>
      work.then(
        () => 'none',
        ({ code, errors }) => code ?? errors[0].code,
      );
    expect(await code(schedule({ cron: 'x' }))).toBe('SCHEDULE_INVALID');
    expect(
      await code(schedule({}, { training: { modelUuid: world.modelUuid, parameters: { epochs: 0 } } })),
    ).toBe('BAD_PARAMETER');
    expect(await code(schedule({}, { training: { modelUuid: world.modelUuid, name: 'one' } }))).toBe(
      'BAD_USER_INPUT',
    );
    expect(await code(schedule({ datasetUuid: randomUUID() }))).toBe('NOT_FOUND');
    await schedule({ name: 'twice' });
    expect(await code(schedule({ name: 'twice' }))).toBe('NAME_TAKEN');
    expect(await world.db.query('SELECT count(*)::int AS n FROM schedule')).toEqual([{ n: 1 }]);
  });
});

describe('dues', () => {
  const berlin = (cron: string) => ({ cron, timeZone: 'Europe/Berlin' });
  const times = (cron: string, after: string, count: number) =>
    nextTimes(berlin(cron), count, new Date(after)).map((time) => time.toISOString().slice(0, 16));

  it('that the change to summer time leaves out come an hour later, those that come twice come once', () => {
    expect(times('30 2 * * *', '2026-03-28T12:00Z', 2)).toEqual(['2026-03-29T01:30', '2026-03-30T00:30']);
    expect(times('30 2 * * *', '2026-10-24T12:00Z', 2)).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
  });

  it('that have passed are counted, but not for ever', () => {
    const minutely = berlin('* * * * *');
    const due = new Date('2026-01-01T00:00Z');
    expect(newestDue(minutely, due, new Date('2026-01-01T00:00:59Z'))).toEqual({ due, missed: 0 });
    const later = new Date('2026-01-01T00:03:00Z');
    expect(newestDue(minutely, due, later)).toEqual({ due: later, missed: 3 });
    expect(newestDue(minutely, due, new Date('2026-06-01T00:00:30Z'))).toEqual({
      ...{ due: new Date('2026-06-01T00:00Z'), missed: 200 },
    });
  });

  it.each([
    ['* * * * * *', 'UTC'],
    ['61 * * * *', 'UTC'],
    ['nightly', 'UTC'],
    ['', 'UTC'],
    ['0 0 31 2 *', 'UTC'],
    ['0 3 * * *', 'Mars/Olympus'],
  ])('of %j in %s are refused', (cron, timeZone) => {
    expect(() => checkTimes({ cron, timeZone })).toThrow(
      expect.objectContaining({ code: 'SCHEDULE_INVALID' }),
    );
  });
});

describe('a run, at last,', () => {
  it('that cannot be started says why, and the next one is tried', async () => {
    const nightly = await since(await schedule(), '2026-03-01T18:00:00Z');
    await world.db.query("UPDATE dataset_item SET split = 'TRAIN' WHERE version_id = $1 AND split = 'TEST'", [
      world.versionUuid,
    ]);
    try {
      await look('2026-03-01T18:00:00Z');
    } finally {
      await world.db.query('DELETE FROM dataset_version WHERE id = $1', [world.versionUuid]);
    }
    await look('2026-03-02T18:00:00Z');
    expect((await runs(nightly)).map(({ state, reasonCode }) => [state, reasonCode])).toEqual([
      ['FAILED', 'DATASET_WITHOUT_VERSION'],
      ['FAILED', 'SPLIT_EMPTY'],
    ]);
    expect(await world.db.query('SELECT 1 FROM job UNION ALL SELECT 1 FROM experiment')).toEqual([]);
  });
});
