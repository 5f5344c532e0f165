/** What can be trained, asked of the API and told to it. */
import { randomUUID } from 'node:crypto';
import { graphql, type GraphQLSchema } from 'graphql';
import { newId } from '../../../src/platform/ids.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { createSchema } from '../../../src/schema.js';
import {
  createWorld,
  insertModel,
  insertProject,
  insertVersion,
  LIGHTS,
  type World,
} from '../../faults/world.js';

let world: World;
let schema: GraphQLSchema;
beforeAll(async () => {
  [world, schema] = await Promise.all([createWorld(), createSchema()]);
});
afterAll(() => world.stop());

async function ask(source: string, variableValues: object = {}): Promise<any> {
  const answer = await graphql({
    schema,
    source,
    variableValues: variableValues as never,
    contextValue: world.context(),
  });
  if (answer.errors) throw answer.errors[0] as Error;
  return JSON.parse(JSON.stringify(answer.data));
}

const START = `mutation ($input: StartTrainingInput!) { startTraining(input: $input) {
  userErrors { code message field } job { state }
  experiment { id algorithm parent { name } environment { engine } parameters { name number text boolean } } } }`;

async function start(parameters: object, more: object = {}) {
  const { startTraining } = await ask(START, {
    input: {
      datasetVersionId: toGlobalId('DatasetVersion', world.versionUuid),
      modelId: toGlobalId('Model', world.modelUuid),
      idempotencyKey: randomUUID(),
      parameters,
      ...more,
    },
  });
  return startTraining;
}
const refusals = async (parameters: object, more: object = {}) => {
  const { userErrors, job } = await start(parameters, more);
  expect(job).toBeNull();
  return userErrors.map(({ code, field }: { code: string; field: string[] }) => [code, field.join('.')]);
};

it('lists the networks with their parameters, ranges and defaults', async () => {
  const { networks } = await ask(`{ networks { name title reference tasks parameters {
    name type minimum maximum exclusiveMinimum nullable values defaultNumber defaultText defaultBoolean ofNetwork } } }`);
  expect(networks.map(({ name }: { name: string }) => name)).toEqual([
    'mobilenetv2',
    'mobilenetv3-small',
    'small-cnn',
  ]);
  const parameter = (network: number, name: string) =>
    networks[network].parameters.find((one: { name: string }) => one.name === name);
  expect(parameter(0, 'widthMultiplier')).toMatchObject({
    type: 'FLOAT',
    maximum: 1.4,
    defaultNumber: 0.35,
    ofNetwork: true,
  });
  expect(parameter(1, 'learningRate')).toMatchObject({
    minimum: 0,
    exclusiveMinimum: true,
    maximum: 10,
    ofNetwork: false,
  });
  expect(parameter(2, 'widthMultiplier')).toBeUndefined();
  expect(parameter(2, 'stages')).toMatchObject({ type: 'INT', minimum: 2, maximum: 4, defaultNumber: 3 });
  expect(parameter(0, 'optimizer')).toMatchObject({ values: ['Adam', 'AdamW', 'SGD'], defaultText: 'Adam' });
  expect(parameter(0, 'patience')).toMatchObject({ nullable: true, defaultNumber: 3 });
  expect(parameter(0, 'augmentation.flip')).toMatchObject({ minimum: 0, maximum: 1, defaultNumber: 0 });
  expect(parameter(0, 'classWeights')).toMatchObject({ type: 'MAP' });
  const { networks: detection } = await ask(`{ networks { parameters(task: LIGHT_DETECTION) { name } } }`);
  const names = detection[0].parameters.map(({ name }: { name: string }) => name);
  expect(names).toContain('inputWidth');
  expect(names).not.toContain('inputSize');
});

it('stores what was used, groups with a dot, defaults filled in', async () => {
  const { experiment, userErrors } = await start({
    algorithm: 'small-cnn',
    stages: 2,
    patience: null,
    classWeights: [{ name: 'RED', weight: 2.5 }],
    mixConditions: ['night'],
    augmentation: { flip: 0.5, rain: null },
    monitor: { metric: 'accuracy', condition: 'night' },
  });
  expect(userErrors).toEqual([]);
  expect(experiment).toMatchObject({ algorithm: 'small-cnn', parent: null, environment: null });
  const stored = Object.fromEntries(
    experiment.parameters.map((one: any) => [one.name, one.number ?? one.text ?? one.boolean]),
  );
  expect(stored).toMatchObject({
    ...{ stages: 2, channels: 16, patience: null, classWeighting: 'given', 'classWeights.RED': 2.5 },
    ...{ 'mixConditions.night': true, 'augmentation.flip': 0.5, 'augmentation.rain': 0 },
    ...{
      'monitor.metric': 'accuracy',
      'monitor.condition': 'night',
      'monitor.mode': 'auto',
      schedule: 'cosine',
    },
  });
  expect(stored).not.toHaveProperty('widthMultiplier');
});

it.each([
  ['another network', { algorithm: 'small-cnn', widthMultiplier: 0.5 }, ['parameters.widthMultiplier']],
  ['no network', { algorithm: 'vgg' }, ['parameters.algorithm']],
  [
    'a range',
    { emaDecay: 1, augmentation: { night: 1.5 }, clipNorm: 0 },
    ['parameters.clipNorm', 'parameters.emaDecay', 'parameters.augmentation.night'],
  ],
  ['a class', { classWeights: [{ name: 'BLUE', weight: 2 }] }, ['parameters.classWeights']],
  [
    'a condition',
    { mixConditions: ['fog'], monitor: { metric: 'accuracy', condition: 'hail' } },
    ['parameters.mixConditions', 'parameters.monitor.condition'],
  ],
  ['a name that is there twice', { mixConditions: ['night', 'night'] }, ['parameters.mixConditions']],
  ['a metric', { monitor: { metric: 'map' } }, ['parameters.monitor.metric']],
  [
    'an objective by condition',
    { monitor: { metric: 'objective', condition: 'night' } },
    ['parameters.monitor.condition'],
  ],
  [
    'weights that are not to count',
    { classWeighting: 'balanced', classWeights: [{ name: 'RED', weight: 2 }] },
    ['parameters.classWeighting'],
  ],
  [
    'more blocks than a network has',
    { algorithm: 'small-cnn', freezeBlocks: 9 },
    ['parameters.freezeBlocks'],
  ],
  [
    'more blocks than it then has',
    { algorithm: 'small-cnn', stages: 2, freezeBlocks: 3 },
    ['parameters.freezeBlocks'],
  ],
  ['a warm-up without an end', { epochs: 3, warmupEpochs: 3 }, ['parameters.warmupEpochs']],
])('refuses %s before there is a job, with the field', async (_, parameters, fields) => {
  const before = await world.db.query('SELECT count(*) FROM job');
  expect((await refusals(parameters)).sort()).toEqual(fields.sort().map((field) => ['BAD_PARAMETER', field]));
  expect(await world.db.query('SELECT count(*) FROM job')).toEqual(before);
});

describe('starting from an earlier experiment', () => {
  const field = 'fromExperimentId';
  const trained = async (parameters: object = {}) => {
    const { experiment } = await start(parameters, { name: `parent ${newId()}` });
    await world.db.query("UPDATE experiment SET state = 'SUCCEEDED' WHERE name LIKE 'parent %'");
    return experiment.id as string;
  };

  it('remembers it as the parent', async () => {
    const parent = await trained();
    const { experiment, userErrors } = await start({}, { fromExperimentId: parent });
    expect(userErrors).toEqual([]);
    expect(experiment.parent).toMatchObject({ name: expect.stringMatching(/^parent /) as string });
    const { experiments } = await ask(
      `query ($id: ID!, $parent: ID!) { experiments(projectId: $id, where: {parentId: {eq: $parent}}) { nodes { id } } }`,
      { id: toGlobalId('Project', world.project), parent },
    );
    expect(experiments.nodes).toEqual([{ id: experiment.id }]);
  });

  it('is another request than starting afresh', async () => {
    const parent = await trained();
    const idempotencyKey = randomUUID();
    await start({}, { idempotencyKey });
    expect(await refusals({}, { idempotencyKey, fromExperimentId: parent })).toEqual([
      ['CONFLICT', 'idempotencyKey'],
    ]);
  });

  it('needs one that is there, trained, of the project and of the network', async () => {
    const { experiment: untrained } = await start({});
    expect(await refusals({}, { fromExperimentId: untrained.id })).toEqual([
      ['EXPERIMENT_NOT_TRAINED', field],
    ]);
    const missing = toGlobalId('Experiment', newId());
    expect(await refusals({}, { fromExperimentId: missing })).toEqual([['NOT_FOUND', field]]);
    const other = await trained({ algorithm: 'small-cnn' });
    expect(await refusals({}, { fromExperimentId: other })).toEqual([['BAD_PARAMETER', field]]);
    const project = await insertProject(world.db);
    const version = toGlobalId('DatasetVersion', await insertVersion(world.db, project, LIGHTS));
    expect(await refusals({}, { fromExperimentId: await trained(), datasetVersionId: version })).toEqual([
      ['OTHER_PROJECT', 'modelId'],
    ]);
  });

  it('keeps the parent while there are children, and goes with its project', async () => {
    const project = await insertProject(world.db);
    const model = await insertModel(world.db, project);
    const version = await insertVersion(world.db, project, LIGHTS);
    const [parent, child] = [newId(), newId()];
    for (const [id, from] of [
      [parent, null],
      [child, parent],
    ])
      await world.db.query(
        `INSERT INTO experiment (id, project_id, model_id, dataset_version_id, name, algorithm, parent_id)
         VALUES ($1, $2, $3, $4, $5, 'mobilenetv2', $6)`,
        [id, project, model, version, id, from],
      );
    const drop = world.db.query('DELETE FROM experiment WHERE id = $1', [parent]);
    await expect(drop).rejects.toThrow(/foreign key/);
    await world.db.query('DELETE FROM project WHERE id = $1', [project]);
    const left = await world.db.query('SELECT id FROM experiment WHERE id = ANY ($1)', [[parent, child]]);
    expect(left).toEqual([]);
  });
});
