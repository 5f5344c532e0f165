import type { GraphQLSchema } from 'graphql';
import { newId } from '../../../src/platform/ids.js';
import { createSchema } from '../../../src/schema.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { createWorld, type World } from '../../faults/world.js';
import { ask as askSchema } from './support/ask.js';

let world: World;
let schema: GraphQLSchema;
let trained: string;
beforeAll(async () => {
  [world, schema] = await Promise.all([createWorld(), createSchema()]);
  await world.worker({ loss: { epoch: 2, value: NaN } });
  const { uuid, experimentUuid } = await world.train({ name: 'a/b' });
  await world.until(uuid);
  await world.until((await world.evaluate(experimentUuid, 'BEST')).uuid);
  trained = experimentUuid;
});
afterAll(() => world.stop());

const ask = (source: string, variables: object = {}) => askSchema(world, schema, source, variables);

const EXPERIMENTS = `query ($projectId: ID!, $first: Int) { experiments(projectId: $projectId, first: $first, orderBy: [{field: CREATED_AT}]) { nodes {
  name state engine lastSeq project { name } model { name } datasetVersion { version } parameters { name number text boolean }
  metrics(names: ["loss"], splits: [TRAIN]) { step value condition n } evaluations { split weights n classes conditions { condition accuracy } }
  artifacts { path url bytes } job { state progress { done total } reason { code } } } } }`;

it('tells all about an experiment', async () => {
  const { data } = await ask(EXPERIMENTS, { projectId: toGlobalId('Project', world.project), first: 1 });
  const [node] = data.experiments.nodes;
  expect(node).toMatchObject({
    name: 'a/b',
    state: 'SUCCEEDED',
    engine: 'cpu',
    model: { name: 'colour' },
    job: { state: 'SUCCEEDED', reason: null },
  });
  expect(node.metrics.map(({ step, value }: { step: number; value: unknown }) => [step, value])).toEqual([
    [1, expect.any(Number)],
    [2, 'NaN'],
    [3, 'NaN'],
  ]);
  expect(node.evaluations).toEqual([
    {
      split: 'TEST',
      weights: 'BEST',
      n: 3,
      classes: ['GREEN', 'RED'],
      conditions: expect.arrayContaining([{ condition: null, accuracy: 1 / 3 }]),
    },
  ]);
  expect(node.artifacts[0].url).toBe(
    `/experiments/${toGlobalId('Experiment', trained)}/artifacts/initial/model.json`,
  );
});

it('asks the database as often for 40 experiments as for 2', async () => {
  for (let i = 0; i < 40; i += 1) {
    const uuid = newId();
    await world.db.query(
      `INSERT INTO experiment (id, project_id, model_id, dataset_version_id, name, algorithm) VALUES ($1, $2, $3, $4, $5, 'mobilenetv2')`,
      [uuid, world.project, world.modelUuid, world.versionUuid, `made ${i}`],
    );
  }
  const projectId = toGlobalId('Project', world.project);
  const [few, many] = [
    await ask(EXPERIMENTS, { projectId, first: 2 }),
    await ask(EXPERIMENTS, { projectId, first: 40 }),
  ];
  expect(many.data.experiments.nodes).toHaveLength(40);
  expect(many.statements.sort()).toEqual(few.statements.sort());
  expect(new Set(many.statements).size).toBe(many.statements.length);
});

it('finds an experiment by the names of project and experiment, slashes and all', async () => {
  const [{ name }] = await world.db.query('SELECT name FROM project WHERE id = $1', [world.project]);
  const { data } = await ask('query ($id: ID!) { experiment(id: $id) { id } }', { id: `${name}/a/b` });
  expect(data.experiment.id).toBe(toGlobalId('Experiment', trained));
  await expect(
    ask('query ($id: ID!) { experiment(id: $id) { id } }', { id: `${name}/none` }),
  ).rejects.toMatchObject({ originalError: { code: 'NOT_FOUND' } });
});

it('filters metrics by name, split and condition; all stands for every light', async () => {
  const query = `query ($id: ID!, $conditions: [String!], $afterSeq: Int, $first: Int) { experiment(id: $id) {
    metrics(names: ["accuracy"], splits: [VALIDATION], conditions: $conditions, afterSeq: $afterSeq, first: $first) { seq step condition lower method } } }`;
  const metrics = async (variables: object) =>
    (await ask(query, { id: toGlobalId('Experiment', trained), ...variables })).data.experiment.metrics as {
      seq: number;
      step: number;
      condition: string | null;
    }[];
  expect((await metrics({})).map(({ condition }) => condition)).toEqual([
    null,
    'night',
    'rain',
    null,
    'night',
    'rain',
    null,
    'night',
    'rain',
  ]);
  expect((await metrics({ conditions: ['all', 'rain'] })).map(({ condition }) => condition)).toEqual([
    null,
    'rain',
    null,
    'rain',
    null,
    'rain',
  ]);
  const [first] = await metrics({ first: 1 });
  expect((await metrics({ afterSeq: first?.seq, first: 2 })).map(({ condition }) => condition)).toEqual([
    'night',
    'rain',
  ]);
  await expect(metrics({ first: 10_001 })).rejects.toMatchObject({
    originalError: { code: 'BAD_USER_INPUT' },
  });
});

it('lists jobs, evaluations and artifacts with filters', async () => {
  const projectId = toGlobalId('Project', world.project);
  const { data } = await ask(
    `query ($projectId: ID!, $experiment: ID!) {
       jobs(projectId: $projectId, where: {kind: {eq: EVALUATION}, state: {in: [SUCCEEDED]}}) { totalCount nodes { kind experiment { name } evaluation { split } } }
       evaluations(projectId: $projectId, where: {experimentId: {eq: $experiment}}) { totalCount nodes { job { kind } datasetVersion { version } } }
       artifacts(projectId: $projectId, where: {kind: {eq: "MODEL"}}, orderBy: [{field: PATH}]) { nodes { path experiment { name } } }
       experiments(projectId: $projectId, where: {parameters: {some: {name: {eq: "epochs"}, number: {gte: 3}}}}) { nodes { name } } }`,
    { projectId, experiment: toGlobalId('Experiment', trained) },
  );
  expect(data).toEqual({
    jobs: {
      totalCount: 1,
      nodes: [{ kind: 'EVALUATION', experiment: { name: 'a/b' }, evaluation: { split: 'TEST' } }],
    },
    evaluations: { totalCount: 1, nodes: [{ job: { kind: 'EVALUATION' }, datasetVersion: { version: 1 } }] },
    artifacts: {
      nodes: ['model/model.json', 'model/weights.bin'].map((path) => ({ path, experiment: { name: 'a/b' } })),
    },
    experiments: { nodes: [{ name: 'a/b' }] },
  });
});
