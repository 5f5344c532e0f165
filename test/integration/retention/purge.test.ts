/** What a purge removes: all of what is due, nothing else, the same when it is cut off, and what its dry run had said. */
import fc from 'fast-check';
import { restoreExperiment } from '../../../src/experiments/deletion/deletion.js';
import { SLICED_TABLES, countRows, sumOf } from '../../../src/retention/experimentRows.js';
import { checkPurge, purge, type PurgeCheckpoint, type PurgeRequest } from '../../../src/retention/purge.js';
import { setRetention } from '../../../src/retention/retention.js';
import { createWorld, insertProject, type World } from '../../faults/world.js';
import { digest, insertDeleted } from '../../support/experiments.js';
import { store } from './support.js';
import { plainTask, type PlainTask, type PlainTaskOptions } from '../../support/task.js';

let world: World;
let project: string;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());
beforeEach(async () => {
  project = await insertProject(world.db);
});

async function run(
  request: Partial<PurgeRequest> = {},
  options: PlainTaskOptions<PurgeCheckpoint> = {},
): Promise<Awaited<ReturnType<typeof purge>>> {
  await using task = await plainTask(world.db, { blobs: world.blobs, ...options });
  return purge(task, { projectUuid: project, experimentUuids: null, dryRun: false, ...request });
}
const rowsOf = async (...experiments: string[]) => sumOf(await countRows(world.db, experiments));
const experiments = async (): Promise<string[]> =>
  (await world.db.query('SELECT id FROM experiment WHERE project_id = $1 ORDER BY id', [project])).map(
    ({ id }: { id: string }) => id,
  );
/** As the parent of `child`. */
const begat = (parent: string, child: string) =>
  world.db.query('UPDATE experiment SET parent_id = $2 WHERE id = $1', [child, parent]);

it('knows every table that has rows of an experiment, an evaluation or a job', async () => {
  const rows: { table: string }[] = await world.db.query(
    `SELECT DISTINCT conrelid::regclass::text AS table FROM pg_constraint
     WHERE contype = 'f' AND confrelid IN ('experiment'::regclass, 'evaluation'::regclass, 'job'::regclass)`,
  );
  // What goes with a job by itself, or only points at one; a model version keeps its experiment.
  const others = ['job_dependency', 'job_retry', 'model_version', 'schedule_run'];
  const experiment = await insertDeleted(world.db, project, 256);
  const known = [...Object.keys(await countRows(world.db, [experiment])), ...SLICED_TABLES];
  const unknown = rows.map(({ table }) => table).filter((table) => ![...known, ...others].includes(table));
  expect(unknown.filter((table) => !['job_file', 'sweep_trial'].includes(table))).toEqual([]);
});

it('removes all rows of what is due, leaves the others, and reports what went', async () => {
  const due = await insertDeleted(world.db, project, 25_000, { days: 31 });
  const young = await insertDeleted(world.db, project, 300, { days: 29 });
  const kept = await insertDeleted(world.db, project, 300, { days: 90 });
  await world.db.query('UPDATE experiment SET deleted_at = NULL WHERE id = $1', [kept]);
  const [all, others] = [await countRows(world.db, [due]), await rowsOf(young, kept)];
  const report = await run();
  expect(Object.fromEntries(report.rows.map(({ table, rows }) => [table, rows]))).toEqual(all);
  expect(report.rows[0]).toEqual({ table: 'experiment_event', rows: 25_000 });
  expect(report).toMatchObject({ dryRun: false, experiments: 1, held: 0, failedDeleted: 0, checkpoints: 0 });
  expect([await rowsOf(due), await rowsOf(young, kept)]).toEqual([0, others]);
  expect(await experiments()).toEqual([young, kept]);
});

it('says in a dry run what a run then does, and touches nothing', async () => {
  await setRetention(world.db, project, { deletedDays: 5, failedDays: 10, checkpointDays: 3 });
  const parent = await insertDeleted(world.db, project, 300, { days: 6, artifact: 'of the parent' });
  const child = await insertDeleted(world.db, project, 300, { days: 6, artifact: 'of the child' });
  await begat(parent, child);
  const failed = await insertDeleted(world.db, project, 10, { artifact: 'failed' });
  await world.db.query(
    "UPDATE experiment SET deleted_at = NULL, state = 'FAILED', finished_at = now() - interval '11 days' WHERE id = $1",
    [failed],
  );
  await world.db.query("UPDATE job SET finished_at = now() - interval '4 days' WHERE experiment_id = $1", [
    failed,
  ]);
  const kept = await insertDeleted(world.db, project, 10, { artifact: 'shared' });
  const shares = await insertDeleted(world.db, project, 10, { days: 6, artifact: 'shared' });
  // Of four files of those that go one is another's too, as is its checkpoint; the failed one's checkpoint goes alone.
  await world.db.query('UPDATE job SET checkpoint = NULL WHERE experiment_id = $1', [kept]);
  const files = [
    'of the parent',
    'of the child',
    'of the child checkpoint',
    'shared',
    'shared checkpoint',
    'failed checkpoint',
  ];
  for (const file of files) await store(world.blobs, Buffer.from(file));
  const before = await rowsOf(parent, child, failed);
  const dry = await run({ dryRun: true });
  expect(await rowsOf(parent, child, failed)).toBe(before);
  const bytes = files.filter((file) => file !== 'shared').join('').length;
  expect(dry).toMatchObject({
    dryRun: true,
    experiments: 3,
    failedDeleted: 1,
    checkpoints: 1,
    blobs: 5,
    bytes,
  });
  expect(await world.blobs.has(digest('of the parent'))).toBe(true);
  expect(await run()).toEqual({ ...dry, dryRun: false });
  expect(await experiments()).toEqual([failed, kept]);
  const there = await Promise.all(files.map((file) => world.blobs.has(digest(file))));
  expect(files.filter((_, n) => there[n])).toEqual(['shared']);
  expect(shares).toBeDefined();
  expect(await run()).toMatchObject({ experiments: 0, failedDeleted: 0, checkpoints: 0, rows: [] });
});

it('keeps what something that is kept began with, and takes children before their parents', async () => {
  const [a, b, c, d] = [
    await insertDeleted(world.db, project, 10, { days: 40 }),
    await insertDeleted(world.db, project, 10, { days: 40 }),
    await insertDeleted(world.db, project, 10, { days: 1 }),
    await insertDeleted(world.db, project, 10, { days: 40 }),
  ] as [string, string, string, string];
  // a → b → c, which is too young; d → nobody.
  await begat(a, b);
  await begat(b, c);
  expect(await run()).toMatchObject({ experiments: 1, held: 2 });
  expect(await experiments()).toEqual([a, b, c]);
  expect(d).toBeDefined();
  expect(await run({ experimentUuids: [a, b, c] })).toMatchObject({ experiments: 3, held: 0 });
  expect(await experiments()).toEqual([]);
});

it('takes those that are named, whatever the days, and refuses what is not deleted', async () => {
  const [named, other] = [
    await insertDeleted(world.db, project, 10),
    await insertDeleted(world.db, project, 10),
  ];
  await checkPurge(world.db, project, [named]);
  expect(await run({ experimentUuids: [named] })).toMatchObject({ experiments: 1 });
  expect(await experiments()).toEqual([other]);
  await world.db.query('UPDATE experiment SET deleted_at = NULL WHERE id = $1', [other]);
  await expect(checkPurge(world.db, project, [other])).rejects.toMatchObject({
    code: 'EXPERIMENT_NOT_DELETED',
  });
  const foreign = await insertDeleted(world.db, await insertProject(world.db), 1);
  await expect(checkPurge(world.db, project, [foreign])).rejects.toMatchObject({
    code: 'EXPERIMENT_NOT_DELETED',
  });
});

it('goes on where it was cut off, after whatever transaction, and ends with the same report', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 18 }),
      fc.integer({ min: 1, max: 18 }),
      async (first, second) => {
        project = await insertProject(world.db);
        const due = await insertDeleted(world.db, project, 300, { days: 31 });
        const all = await countRows(world.db, [due]);
        let checkpoint: PurgeCheckpoint | null = null;
        let report: Awaited<ReturnType<typeof run>> | null = null;
        for (const stop of [first, second, Infinity]) {
          const cut = new AbortController();
          await using task: PlainTask<PurgeCheckpoint> = await plainTask(world.db, {
            ...{ blobs: world.blobs, checkpoint, signal: cut.signal },
            onCommit: (commits) => commits === stop && cut.abort(),
          });
          report = await purge(task, { projectUuid: project, experimentUuids: null, dryRun: false }).catch(
            () => null,
          );
          checkpoint = task.kept;
          if (report) break;
        }
        expect(report).toMatchObject({ experiments: 1 });
        expect(Object.fromEntries(report!.rows.map(({ table, rows }) => [table, rows]))).toEqual(all);
        expect(await experiments()).toEqual([]);
      },
    ),
    { numRuns: 8 },
  );
});

it('leaves alone what was restored while it was on its way', async () => {
  const [first, second] = [
    await insertDeleted(world.db, project, 10, { days: 31 }),
    await insertDeleted(world.db, project, 10, { days: 31 }),
  ];
  const restored: Promise<unknown>[] = [];
  const report = await run(
    {},
    { onCommit: (commits) => commits === 2 && restored.push(restoreExperiment(world.db, second)) },
  );
  await Promise.all(restored);
  expect(report).toMatchObject({ experiments: 1 });
  expect(await experiments()).toEqual([second]);
  expect(first).toBeDefined();
});

it('cannot be restored once the first of its rows are gone, and is purged to the end by the next run', async () => {
  const due = await insertDeleted(world.db, project, 300);
  const cut = new AbortController();
  const stopped = run(
    { experimentUuids: [due] },
    { signal: cut.signal, onCommit: (n) => n === 3 && cut.abort() },
  );
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  const [row] = await world.db.query('SELECT purge_started_at FROM experiment WHERE id = $1', [due]);
  expect(row.purge_started_at).toBeInstanceOf(Date);
  // It was named, and its 30 days are not over: what has begun is ended all the same.
  expect(await run()).toMatchObject({ experiments: 1 });
});
