/** Whoever works in a notebook knows names, not ids: they stand wherever an id is asked for. */
import sharp from 'sharp';
import { send } from '../../support/lightModel.js';
import { startTestService, type TestService } from '../../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
  await service.ok(
    'mutation { createProject(input: { name: "city/night" }) { userErrors { code message } } }',
  );
  await service.ok(`mutation {
    createDataset(input: { projectId: "city/night", name: "l@mps/all" }) { userErrors { code message } }
    createModel(input: { projectId: "city/night", name: "m@x" }) { userErrors { code message } }
  }`);
  for (const n of [1, 2]) {
    await addImage(n);
    await service.ok(
      'mutation { createDatasetVersion(input: { datasetId: "city/night/l@mps/all", train: 1, validation: 0, test: 0 }) { userErrors { code message } } }',
    );
  }
});
afterAll(() => service.stop());

async function addImage(n: number): Promise<void> {
  const background = { r: 90 * n, g: 40, b: 120 };
  const picture = await sharp({ create: { width: 64, height: 64, channels: 3, background } })
    .png()
    .toBuffer();
  const boxes = ['RED', 'GREEN'].map((color, at) => ({
    category: 'TRAFFIC_LIGHT',
    x: 2 + 30 * at,
    y: 2,
    width: 20,
    height: 20,
    color,
  }));
  await service.ok(
    'mutation ($rows: [RegisterImageRow!]!) { registerImages(input: { projectId: "city/night", rows: $rows }) { userErrors { code message } } }',
    { rows: [{ sha256: await send(service, picture), fileName: `${n}.png`, boxes }] },
  );
}

const version = async (name: string) => {
  const { data, errors } = await service.ask(
    'query ($id: ID!) { datasetVersion(id: $id) { version imageCount dataset { name } } }',
    { id: name },
  );
  return errors ? errors[0]!.extensions.code : data.datasetVersion;
};

it('finds data set versions by number and the newest one, though the names hold / and @', async () => {
  const dataset = { name: 'l@mps/all' };
  expect(await version('city/night/l@mps/all@1')).toEqual({ version: 1, imageCount: 1, dataset });
  expect(await version('city/night/l@mps/all@2')).toEqual({ version: 2, imageCount: 2, dataset });
  expect(await version('city/night/l@mps/all@newest')).toEqual({ version: 2, imageCount: 2, dataset });
});

it.each(['@3', '@0', '@', '@-1', '@1e0', '@99999999999999999999', '', '@first'])(
  'answers NOT_FOUND, with what would be right, to a version %j that is not there',
  async (which) => expect(await version(`city/night/l@mps/all${which}`)).toBe('NOT_FOUND'),
);

it('finds data sets and models', async () => {
  const found = await service.ok(
    '{ dataset(id: "city/night/l@mps/all") { name } model(id: "city/night/m@x") { name } }',
  );
  expect(found).toEqual({ dataset: { name: 'l@mps/all' }, model: { name: 'm@x' } });
});

const LOG = `mutation ($version: ID!, $model: ID!) { createExperiment(input: { datasetVersionId: $version, modelId: $model,
  name: "first", task: LIGHT_STATE, algorithm: "mine" }) {
  experiment { model { name } datasetVersion { version } } userErrors { code message field } } }`;

it('logs an experiment of a model on a version, each by its names', async () => {
  const { createExperiment } = await service.ok(LOG, {
    version: 'city/night/l@mps/all@1',
    model: 'city/night/m@x',
  });
  expect(createExperiment.experiment).toEqual({ model: { name: 'm@x' }, datasetVersion: { version: 1 } });
});

const TRAIN = `mutation ($version: ID!, $model: ID!) { startTraining(input: { idempotencyKey: "k", datasetVersionId: $version,
  modelId: $model }) { job { id } userErrors { code message field } } }`;

it.each([
  ['version', 'city/night/none@newest', 'datasetVersionId', 'data set version'],
  ['model', 'city/night/none', 'modelId', 'model'],
])('says which %s is not there, and in which field', async (variable, name, field, noun) => {
  const right = { version: 'city/night/l@mps/all@1', model: 'city/night/m@x' };
  const { data } = await service.ask(TRAIN, { ...right, [variable]: name });
  expect(data.startTraining.userErrors).toEqual([
    {
      code: 'NOT_FOUND',
      message: expect.stringContaining(`There is no ${noun} "${name}"; give its id or`),
      field: [field],
    },
  ]);
});

it('refuses the id of something else', async () => {
  const { model } = await service.ok('{ model(id: "city/night/m@x") { id } }');
  expect(await version(model.id)).toBe('INVALID_ID');
});
