/** Deleting an experiment hides it wherever one looks, and restoring it brings all of it back. */
import { toGlobalId, uuidOf } from '../../../src/graphql/node.js';
import { newId } from '../../../src/platform/ids.js';
import { points, startLogging, type LoggingWorld } from '../experiments/logging/support.js';

let world: LoggingWorld;
beforeAll(async () => {
  world = await startLogging();
});
afterAll(() => world.stop());

const PAYLOAD = 'experiment { id deletedAt purgeAfter } userErrors { code message field }';
const remove = async (id: string) =>
  (await world.ask(`mutation ($id: ID!) { deleteExperiment(input: { id: $id }) { ${PAYLOAD} } }`, { id }))
    .data.deleteExperiment;
const restore = async (id: string) =>
  (await world.ask(`mutation ($id: ID!) { restoreExperiment(input: { id: $id }) { ${PAYLOAD} } }`, { id }))
    .data.restoreExperiment;
const listed = async (args = '') => {
  const { experiments } = await world.ok(
    `{ experiments(projectId: "logs"${args}) { totalCount edges { node { id } } } }`,
  );
  const ids = experiments.edges.map(({ node }: { node: { id: string } }) => node.id) as string[];
  expect(experiments.totalCount).toBe(ids.length);
  return ids;
};
const codeOf = async (query: string, variables: object) => {
  const { data, errors } = await world.ask(query, variables);
  if (errors) return errors[0]!.extensions.code;
  const [payload] = Object.values(data as Record<string, { userErrors?: { code: string }[] }>);
  return payload?.userErrors?.[0]?.code ?? null;
};

async function logged(): Promise<string> {
  const { id } = await world.create();
  await world.log('logMetrics', { experimentId: id, batchId: 'a', points: points(10) });
  return id;
}

it('hides an experiment from every list, in every order, and shows it where deleted ones are asked for', async () => {
  const [gone, stays] = [await logged(), await logged()];
  expect(await remove(gone)).toMatchObject({ experiment: { id: gone }, userErrors: [] });
  for (const order of [
    '',
    ', orderBy: [{ field: NAME, direction: DESC }]',
    ', orderBy: [{ metric: { name: "loss", split: TRAIN, which: LAST }, direction: ASC }]',
    ', orderBy: [{ parameter: { name: "lr" }, direction: ASC }]',
    ', where: { or: [{ metrics: { some: { name: { eq: "loss" } } } }, { tags: { some: { tag: { eq: "x" } } } }] }',
  ]) {
    expect(await listed(order)).not.toContain(gone);
    expect(await listed(order)).toContain(stays);
    expect(await listed(`${order}, deleted: INCLUDE`)).toEqual(expect.arrayContaining([gone, stays]));
    expect(await listed(`${order}, deleted: ONLY`)).toContain(gone);
    expect(await listed(`${order}, deleted: ONLY`)).not.toContain(stays);
  }
  const { model, evaluations, artifacts } = await world.ok(
    '{ model(id: "logs/lights") { experiments { id } } evaluations(projectId: "logs") { totalCount } artifacts(projectId: "logs") { totalCount } }',
  );
  expect(model.experiments.map(({ id }: { id: string }) => id)).toContain(stays);
  expect(model.experiments.map(({ id }: { id: string }) => id)).not.toContain(gone);
  expect([evaluations.totalCount, artifacts.totalCount]).toEqual([0, 0]);
});

it('shows itself when asked for by id, with the day of its purge', async () => {
  const id = await logged();
  await remove(id);
  const { experiment } = await world.ok(
    'query ($id: ID!) { experiment(id: $id) { deletedAt purgeAfter lastSeq } }',
    {
      id,
    },
  );
  expect(experiment.lastSeq).toBe(11);
  expect(Date.parse(experiment.purgeAfter) - Date.parse(experiment.deletedAt)).toBe(30 * 86_400_000);
});

it('refuses to be written to, compared, judged or renamed, and says how it comes back', async () => {
  const id = await logged();
  await remove(id);
  const write = { experimentId: id, batchId: 'b' };
  for (const { userErrors } of [
    await world.log('logMetrics', { ...write, points: points(1) }),
    // Also what was done before: whoever sends it again is to hear of it.
    await world.log('logMetrics', { ...write, batchId: 'a', points: points(10) }),
    await world.log('logParameters', { ...write, parameters: [{ name: 'lr', number: 1 }] }),
    await world.log('finishExperiment', { ...write, state: 'SUCCEEDED' }),
  ])
    expect(userErrors).toEqual([
      {
        code: 'EXPERIMENT_DELETED',
        message: expect.stringContaining('restoreExperiment'),
        field: ['experimentId'],
      },
    ]);
  for (const query of [
    'mutation ($id: ID!) { updateExperiment(input: { id: $id, name: "other" }) { userErrors { code } } }',
    'mutation ($id: ID!) { addExperimentNote(input: { id: $id, text: "x" }) { userErrors { code } } }',
    'query ($id: ID!) { compareExperiments(ids: [$id]) { experiments { id } } }',
    'query ($id: ID!) { coverageQuality(projectId: "logs", by: [WEATHER], experimentId: $id) { cells { images } } }',
    'query ($id: ID!) { compareModels(a: $id, b: $id) { a { id } } }',
  ])
    expect([query, await codeOf(query, { id })]).toEqual([query, 'EXPERIMENT_DELETED']);
  const again = await world.ask(
    `mutation ($name: String!) { createExperiment(input: { modelId: "logs/lights", task: LIGHT_DETECTION, algorithm: "yolo", name: $name }) { userErrors { code } } }`,
    { name: (await world.ok('query ($id: ID!) { experiment(id: $id) { name } }', { id })).experiment.name },
  );
  expect(again.data.createExperiment.userErrors).toEqual([{ code: 'EXPERIMENT_DELETED' }]);
});

it('does nothing more when deleted or restored again', async () => {
  const id = await logged();
  const first = await remove(id);
  expect(await remove(id)).toEqual(first);
  expect((await restore(id)).experiment).toEqual({ id, deletedAt: null, purgeAfter: null });
  expect(await restore(id)).toMatchObject({ experiment: { deletedAt: null }, userErrors: [] });
});

it('is what it was once it is restored, and goes on', async () => {
  const id = await logged();
  await remove(id);
  await restore(id);
  const { lastSeq, userErrors } = await world.log('logMetrics', {
    experimentId: id,
    batchId: 'c',
    points: points(5),
  });
  expect([lastSeq, userErrors]).toEqual([16, []]);
  expect(await listed()).toContain(id);
});

it('stays while a model version stands on it or another began with its weights', async () => {
  const { db } = world;
  const [based, forked, fork] = [await logged(), await logged(), await logged()];
  const uuid = (id: string) => uuidOf('Experiment', id);
  await db.query(
    `INSERT INTO model_version (id, model_id, number, task, classes, experiment_id, description, created_by, request_hash)
     SELECT $2, model_id, 1, task, '{RED}', id, '', 'me', 'h' FROM experiment WHERE id = $1`,
    [uuid(based), newId()],
  );
  await db.query('UPDATE experiment SET parent_id = $2 WHERE id = $1', [uuid(fork), uuid(forked)]);
  expect((await remove(based)).userErrors).toEqual([
    { code: 'EXPERIMENT_IN_USE', message: 'The model lights, version 1 stands on it.', field: ['id'] },
  ]);
  expect((await remove(forked)).userErrors).toMatchObject([{ code: 'EXPERIMENT_IN_USE' }]);
  expect((await remove(fork)).userErrors).toEqual([]);
  expect((await remove(forked)).userErrors).toEqual([]);
});

it.each(['experiment_id', 'input'])('stays while a job is not over that knows it by %s', async (column) => {
  const id = await logged();
  const uuid = uuidOf('Experiment', id);
  const job = newId();
  await world.db.query(
    `INSERT INTO job (id, project_id, seq, kind, experiment_id, input)
     SELECT $1, project_id, (SELECT coalesce(max(seq), 0) + 1 FROM job), $3, $4, $5 FROM experiment WHERE id = $2`,
    column === 'input'
      ? [job, uuid, 'BATCH_PREDICTION', null, { experimentUuid: uuid }]
      : [job, uuid, 'TRAINING', uuid, null],
  );
  expect((await remove(id)).userErrors).toMatchObject([{ code: 'EXPERIMENT_BUSY', field: ['id'] }]);
  await world.db.query("UPDATE job SET state = 'CANCELLED', finished_at = now() WHERE id = $1", [job]);
  expect((await remove(id)).userErrors).toEqual([]);
});

it('cannot be restored once its purge has begun', async () => {
  const id = await logged();
  await remove(id);
  await world.db.query('UPDATE experiment SET purge_started_at = now() WHERE id = $1', [
    uuidOf('Experiment', id),
  ]);
  expect((await restore(id)).userErrors).toMatchObject([{ code: 'EXPERIMENT_PURGED', field: ['id'] }]);
});

it('answers NOT_FOUND for what there is not', async () => {
  const id = toGlobalId('Experiment', newId());
  expect((await remove(id)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  expect((await restore('logs/nobody')).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
});

describe('the retention of a project', () => {
  const set = async (fields: string) =>
    (
      await world.ask(
        `mutation { setRetention(input: { projectId: "logs"${fields} }) { project { retention { deletedDays failedDays checkpointDays } } userErrors { code field } } }`,
      )
    ).data.setRetention;

  it('is 30 days and nothing by itself, until it is set; what is left out is the default', async () => {
    const { project } = await world.ok(
      '{ project(id: "logs") { retention { deletedDays failedDays checkpointDays } } }',
    );
    const byDefault = { deletedDays: 30, failedDays: null, checkpointDays: null };
    expect(project.retention).toEqual(byDefault);
    const all = { deletedDays: 7, failedDays: 90, checkpointDays: 14 };
    expect((await set(', deletedDays: 7, failedDays: 90, checkpointDays: 14')).project.retention).toEqual(
      all,
    );
    expect((await set('')).project.retention).toEqual(byDefault);
  });

  it.each([
    [', deletedDays: -1', 'deletedDays'],
    [', failedDays: 0', 'failedDays'],
    [', checkpointDays: 3651', 'checkpointDays'],
  ])('refuses %s', async (fields, field) =>
    expect((await set(fields)).userErrors).toEqual([{ code: 'BAD_USER_INPUT', field: [field] }]),
  );
});
