/** The operations of docs/pipelines.md work as they stand there, one after the other. */
import { readFile } from 'node:fs/promises';
import { toGlobalId } from '../../../src/graphql/node.js';
import { insertModel, insertProject, insertVersion, LIGHTS } from '../../faults/world.js';
import { startTestService, type TestService } from '../../support/service.js';
import { statementsOf } from '../graphql/support/world.js';

let service: TestService;
let operations: Record<string, string>;
let ids: Record<'project' | 'model' | 'version' | 'dataset', string>;
beforeAll(async () => {
  service = await startTestService();
  const project = await insertProject(service.db);
  const version = await insertVersion(service.db, project, LIGHTS);
  const [{ dataset_id: dataset }] = await service.db.query('SELECT dataset_id FROM dataset_version');
  ids = {
    ...{ project: toGlobalId('Project', project), version: toGlobalId('DatasetVersion', version) },
    ...{
      model: toGlobalId('Model', await insertModel(service.db, project)),
      dataset: toGlobalId('Dataset', dataset),
    },
  };
  const page = await readFile('docs/pipelines.md', 'utf8');
  operations = Object.fromEntries(
    [...page.matchAll(/^```graphql\n((?:mutation|query) (\w+).*?)^```/gms)].map(([, text, name]) => [
      name,
      text,
    ]),
  );
});
afterAll(() => service.stop());

const run = (name: string, more: object = {}) => service.ok(operations[name]!, { ...ids, ...more });

test('a pipeline is three jobs, of which two wait', async () => {
  const made = (await run('Pipeline')).startPipeline;
  expect(made).toMatchObject({
    training: { state: 'QUEUED' },
    evaluation: { state: 'QUEUED', waiting: true, needs: [{ kind: 'TRAINING' }] },
    gate: { state: 'QUEUED', waiting: true, needs: [{ kind: 'TRAINING' }, { kind: 'EVALUATION' }] },
  });
  expect((await run('Pipeline')).startPipeline).toEqual(made);
  expect((await run('GateOf', { job: made.gate.id })).job).toEqual({
    state: 'QUEUED',
    reason: null,
    report: null,
  });
  const cancel = `mutation ($id: ID!) { cancelJob(input: { jobId: $id }) { job { state neededBy { state reason { code } } } userErrors { code } } }`;
  expect((await service.ok(cancel, { id: made.training.id })).cancelJob.job).toEqual({
    state: 'CANCELLED',
    neededBy: [1, 2].map(() => ({ state: 'CANCELLED', reason: { code: 'DEPENDENCY_FAILED' } })),
  });
});

test('a schedule shows its times and its runs, is paused, resumed and deleted', async () => {
  const { schedule } = (await run('Nightly')).createSchedule;
  expect(schedule.paused).toBe(false);
  expect(schedule.nextRuns).toHaveLength(2);
  expect(schedule.nextRuns[0]).toBe(schedule.nextRun);
  for (const time of schedule.nextRuns) expect(time).toMatch(/T17:30:00/);
  expect((await run('Runs')).schedules.nodes).toMatchObject([{ name: 'nightly', runs: [] }]);
  const change = async (name: string, what: string) =>
    (
      await service.ok(
        `mutation ($id: ID!) { ${name}(input: { id: $id }) { ${what} userErrors { code message } } }`,
        { id: schedule.id },
      )
    )[name];
  expect((await change('pauseSchedule', 'schedule { paused nextRun nextRuns }')).schedule).toEqual({
    ...{ paused: true, nextRun: null, nextRuns: [] },
  });
  expect((await change('resumeSchedule', 'schedule { paused nextRun }')).schedule).toEqual({
    ...{ paused: false, nextRun: schedule.nextRun },
  });
  expect((await change('deleteSchedule', 'deletedId')).deletedId).toBe(schedule.id);
});

test('a sweep shows its trials, whatever their number, in as many statements, and is cancelled', async () => {
  const { sweep } = (await run('Sweep')).startSweep;
  expect(sweep).toMatchObject({ state: 'RUNNING', rungs: [1, 2, 4, 8] });
  expect(sweep.trials).toHaveLength(8);
  expect(sweep.trials[0].parameters).toEqual([
    { name: 'learningRate', number: expect.any(Number), text: null, boolean: null },
    { name: 'batchSize', number: expect.any(Number), text: null, boolean: null },
    { name: 'augmentation.flip', number: expect.any(Number), text: null, boolean: null },
    { name: 'optimizer', number: null, text: expect.stringMatching(/Adam|SGD/), boolean: null },
  ]);
  expect(sweep.trials.filter(({ waiting }: { waiting: boolean }) => !waiting)).toHaveLength(2);
  let shown: any;
  const statements = await statementsOf(service.db, async () => {
    shown = (await run('SweepOf', { sweep: sweep.id })).sweep;
  });
  expect(statements.filter((name) => name.startsWith('sweep.')).sort()).toEqual([
    ...['sweep.best', 'sweep.by.id', 'sweep.last', 'sweep.show'],
  ]);
  expect(shown).toMatchObject({ best: null, rung: 0 });
  const cancel = `mutation ($id: ID!) { cancelSweep(input: { sweepId: $id }) { sweep { state trials { state } } userErrors { code } } }`;
  const { cancelSweep } = await service.ok(cancel, { id: sweep.id });
  expect(cancelSweep.sweep.state).toBe('CANCELLED');
  expect(new Set(cancelSweep.sweep.trials.map(({ state }: { state: string }) => state))).toEqual(
    new Set(['CANCELLED']),
  );
});

test('what cannot be swept is refused with the place in the space', async () => {
  const [, space] = /space: (\[.*?\n {6}\])/s.exec(operations.Sweep!)!;
  const refused = async (other: string) => {
    const text = operations.Sweep!.replace(space!, other).replace('rates-1', 'rates-2');
    return (await service.ask(text, ids)).data.startSweep.userErrors;
  };
  expect(
    await refused(
      '[{ name: "learningRate", numbers: [0.1] }, { name: "batchSize", int: { min: 0, max: 8 } }]',
    ),
  ).toEqual([{ code: 'SWEEP_SPACE', message: 'batchSize: 0 is too low: 1 to 1024.', field: ['space', '1'] }]);
  expect(await refused('[{ name: "learningRate", numbers: [0.1], texts: ["a"] }]')).toEqual([
    expect.objectContaining({ code: 'SWEEP_SPACE', field: ['space', '0'] }),
  ]);
});
