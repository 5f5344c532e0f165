import { createHash, randomUUID } from 'node:crypto';
import { toGlobalId } from '../../../src/graphql/node.js';
import { JobState, Weights } from '../../../src/jobs/vocabulary.js';
import { insertModel, insertProject } from '../../faults/world.js';
import {
  createRegistryWorld,
  newEvaluation,
  newExperiment,
  right,
  type RegistryWorld,
} from '../../support/registry.js';
import { startTestService, type TestService } from '../../support/service.js';
import { statementsOf } from '../graphql/support/world.js';

let service: TestService;
let world: RegistryWorld;
beforeAll(async () => {
  service = await startTestService();
  world = await createRegistryWorld(service.db, 10);
});
afterAll(() => service.stop());

const CREATE = `mutation ($input: CreateModelVersionInput!) { createModelVersion(input: $input) {
  modelVersion { id number task classes description framework codeVersion createdBy artifact { name sha256 bytes url }
    model { id } experiment { id datasetVersion { id } } }
  userErrors { code field message } } }`;
const create = async (input: object) =>
  (await service.ask(CREATE, { input: { modelId: toGlobalId('Model', world.model), ...input } })).data
    .createModelVersion;
const ofExperiment = async (state?: JobState) => ({
  experimentId: toGlobalId('Experiment', await newExperiment(world, state)),
});
const elsewhere = () => ({
  task: 'LIGHT_DETECTION',
  classes: ['RED', 'GREEN'],
  idempotencyKey: randomUUID(),
});

test('a version of an experiment has its task, its classes and its way back to the data', async () => {
  const input = await ofExperiment();
  const { modelVersion, userErrors } = await create({ ...input, description: 'the first' });
  expect(userErrors).toEqual([]);
  expect(modelVersion).toMatchObject({
    ...{ task: 'LIGHT_STATE', classes: ['GREEN', 'RED'], description: 'the first', createdBy: 'anonymous' },
    ...{ framework: null, artifact: null, model: { id: toGlobalId('Model', world.model) } },
    experiment: {
      id: input.experimentId,
      datasetVersion: { id: toGlobalId('DatasetVersion', world.version) },
    },
  });
});

test('asked for again it is the same version; with another description it is refused', async () => {
  const input = { ...(await ofExperiment()), description: 'once' };
  const first = await create(input);
  const again = await Promise.all([create(input), create(input), create({ ...input, description: null })]);
  expect(new Set(again.map(({ modelVersion }) => modelVersion.id))).toEqual(new Set([first.modelVersion.id]));
  const other = await create({ ...input, description: 'twice' });
  expect(other).toMatchObject({
    modelVersion: null,
    userErrors: [{ code: 'CONFLICT', field: ['description'] }],
  });
});

test('twenty who register the same experiment at a time get one version; others are numbered without a gap', async () => {
  const model = await insertModel(service.db, await insertProject(service.db));
  expect(model).not.toBe(world.model);
  const [{ n: before }] = await service.db.query(
    'SELECT max(number) AS n FROM model_version WHERE model_id = $1',
    [world.model],
  );
  const same = await ofExperiment();
  const others = await Promise.all(Array.from({ length: 5 }, () => ofExperiment()));
  const made = await Promise.all([...Array.from({ length: 20 }, () => create(same)), ...others.map(create)]);
  const numbers = made.map(({ modelVersion }) => modelVersion.number as number);
  expect(new Set(numbers.slice(0, 20)).size).toBe(1);
  expect([...new Set(numbers)].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6].map((one) => one + before));
});

test('made elsewhere: the file comes by its digest and can be fetched; a retry is the same version', async () => {
  const bytes = Buffer.from('the weights');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const input = {
    ...elsewhere(),
    framework: 'PyTorch 2.9',
    codeVersion: 'abc123',
    artifact: { sha256, name: 'best.pt' },
  };
  expect(await create(input)).toMatchObject({
    userErrors: [{ code: 'BLOB_MISSING', field: ['artifact', 'sha256'] }],
  });
  const { createUpload } = await service.ok(
    `mutation ($input: CreateUploadInput!) { createUpload(input: $input) { upload { id url } userErrors { message } } }`,
    {
      input: {
        ...{
          projectId: toGlobalId('Project', world.project),
          fileName: 'weights.pt',
          bytes: bytes.length,
          sha256,
        },
        mediaType: 'application/octet-stream',
      },
    },
  );
  await fetch(service.url + createUpload.upload.url, { method: 'PUT', body: new Uint8Array(bytes) });
  const uploadId = createUpload.upload.id;
  const byUpload = { ...elsewhere(), artifact: { uploadId } };
  expect((await create(byUpload)).userErrors).toMatchObject([{ code: 'UPLOAD_INCOMPLETE' }]);
  await service.ok(
    `mutation ($id: ID!) { completeUpload(input: {uploadId: $id}) { userErrors { message } } }`,
    { id: uploadId },
  );

  const { modelVersion } = await create(input);
  expect(modelVersion).toMatchObject({
    ...{ framework: 'PyTorch 2.9', codeVersion: 'abc123', experiment: null },
    artifact: { name: 'best.pt', sha256, bytes: bytes.length },
  });
  const file = await fetch(`${service.url}${modelVersion.artifact.url}`);
  expect(await file.text()).toBe('the weights');
  expect((await create(input)).modelVersion.id).toBe(modelVersion.id);
  expect(await create({ ...input, codeVersion: 'def456' })).toMatchObject({
    userErrors: [{ code: 'CONFLICT' }],
  });
  expect((await create(byUpload)).modelVersion.artifact.name).toBe('weights.pt');
});

test.each([
  [
    'an experiment that has not succeeded',
    () => ofExperiment(JobState.RUNNING),
    'EXPERIMENT_NOT_TRAINED',
    'experimentId',
  ],
  [
    'half of both',
    async () => ({ ...(await ofExperiment()), framework: 'PyTorch' }),
    'BAD_USER_INPUT',
    'framework',
  ],
  ['no task', async () => ({ ...elsewhere(), task: null }), 'BAD_USER_INPUT', 'task'],
  ['no classes', async () => ({ ...elsewhere(), classes: [] }), 'BAD_USER_INPUT', 'classes'],
  ['a class twice', async () => ({ ...elsewhere(), classes: ['RED', 'RED'] }), 'BAD_USER_INPUT', 'classes'],
  ['no key', async () => ({ ...elsewhere(), idempotencyKey: null }), 'BAD_USER_INPUT', 'idempotencyKey'],
  ['an empty framework', async () => ({ ...elsewhere(), framework: ' ' }), 'BAD_USER_INPUT', 'framework'],
  [
    'a file that is neither',
    async () => ({ ...elsewhere(), artifact: { name: 'x' } }),
    'BAD_USER_INPUT',
    'artifact',
  ],
])('%s is refused', async (_, input, code, field) => {
  expect(await create(await input())).toMatchObject({
    modelVersion: null,
    userErrors: [{ code, field: [field] }],
  });
});

test('an experiment of another project is refused', async () => {
  const other = await createRegistryWorld(service.db, 1);
  const experimentId = toGlobalId('Experiment', await newExperiment(other));
  expect(await create({ experimentId })).toMatchObject({ userErrors: [{ code: 'OTHER_PROJECT' }] });
});

test('the database itself refuses to change a version', async () => {
  await create(await ofExperiment());
  await expect(service.db.query("UPDATE model_version SET description = 'better'")).rejects.toThrow(
    'never changed',
  );
});

test('evaluations of BEST weights are of the version, those of INITIAL ones are not, from both sides', async () => {
  const experiment = await newExperiment(world);
  const best = await newEvaluation(world, { experiment }, right);
  const initial = await newEvaluation(world, { experiment, weights: Weights.INITIAL }, right);
  const { modelVersion } = await create({ experimentId: toGlobalId('Experiment', experiment) });
  const data = await service.ok(
    `query ($version: ID!, $best: ID!, $initial: ID!, $experiment: ID!) {
       modelVersion(id: $version) { evaluations { id n } }
       best: evaluation(id: $best) { modelVersions { id } } initial: evaluation(id: $initial) { modelVersions { id } }
       experiment(id: $experiment) { modelVersions { id } } }`,
    {
      version: modelVersion.id,
      best: toGlobalId('Evaluation', best),
      initial: toGlobalId('Evaluation', initial),
      experiment: toGlobalId('Experiment', experiment),
    },
  );
  expect(data).toEqual({
    modelVersion: { evaluations: [{ id: toGlobalId('Evaluation', best), n: 30 }] },
    best: { modelVersions: [{ id: modelVersion.id }] },
    initial: { modelVersions: [] },
    experiment: { modelVersions: [{ id: modelVersion.id }] },
  });
});

test('lists are filtered by what a version comes from, and cost the same for one as for all', async () => {
  const [{ name }] = await service.db.query('SELECT name FROM project WHERE id = $1', [world.project]);
  const query = (first: number) => `{ modelVersions(projectId: "${name}", first: ${first}) { nodes {
    id model { name } experiment { name datasetVersion { version } } evaluations { split } aliases { name } } } }`;
  const counts: string[][] = [];
  for (const first of [1, 50]) counts.push(await statementsOf(service.db, () => service.ok(query(first))));
  expect(counts[0]).toEqual(counts[1]);
  const { modelVersions } = await service.ok(
    `query ($project: ID!, $version: ID!) { modelVersions(projectId: $project, where: {
       datasetVersionId: {eq: $version}, task: {eq: LIGHT_STATE}}, orderBy: [{field: NUMBER, direction: DESC}]) {
       totalCount nodes { number framework } } }`,
    { project: name, version: toGlobalId('DatasetVersion', world.version) },
  );
  expect(modelVersions.totalCount).toBeGreaterThan(5);
  expect(modelVersions.nodes[0].number).toBeGreaterThan(modelVersions.nodes[1].number);
});

test('imported predictions are said to be of a version, once', async () => {
  const ATTACH = `mutation ($evaluationId: ID!, $modelVersionId: ID!) { attachEvaluation(input: {
    evaluationId: $evaluationId, modelVersionId: $modelVersionId}) { evaluation { modelVersions { id } } userErrors { code } } }`;
  const attach = async (evaluation: string, modelVersionId: string) =>
    (await service.ask(ATTACH, { evaluationId: toGlobalId('Evaluation', evaluation), modelVersionId })).data
      .attachEvaluation;
  const imported = await newEvaluation(world, {}, right);
  const made = async (rest: object = {}) =>
    (await create({ ...elsewhere(), task: 'LIGHT_STATE', ...rest })).modelVersion.id as string;
  const [one, other] = [await made(), await made()];
  for (const _ of [1, 2])
    expect(await attach(imported, one)).toEqual({
      evaluation: { modelVersions: [{ id: one }] },
      userErrors: [],
    });
  expect(await attach(imported, other)).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
  const free = await newEvaluation(world, {}, right);
  const trained = (await create(await ofExperiment())).modelVersion.id as string;
  for (const wrong of [await made({ task: 'LIGHT_DETECTION' }), trained])
    expect(await attach(free, wrong)).toMatchObject({ userErrors: [{ code: 'BAD_USER_INPUT' }] });
  const ours = await newEvaluation(world, { experiment: await newExperiment(world) }, right);
  expect(await attach(ours, one)).toMatchObject({ userErrors: [{ code: 'BAD_USER_INPUT' }] });
});

test('the versions that hold an alias, and those of an experiment with a parameter, are a filter', async () => {
  const experiment = await newExperiment(world);
  await service.db.query(
    "INSERT INTO experiment_parameter (experiment_id, name, number) VALUES ($1, 'epochs', 77)",
    [experiment],
  );
  const { modelVersion } = await create({ experimentId: toGlobalId('Experiment', experiment) });
  await service.ok(
    'mutation ($id: ID!) { setModelAlias(input: {modelVersionId: $id, alias: "filtered"}) { userErrors { code } } }',
    { id: modelVersion.id },
  );
  const found = await service.ok(
    `query ($id: ID!) {
       holders: modelVersions(projectId: $id, where: {aliases: {some: {name: {eq: "filtered"}}}}) { nodes { id } }
       trained: modelVersions(projectId: $id, where: {experiment: {parameters: {some: {
         name: {eq: "epochs"}, number: {gte: 77}}}}}) { nodes { id } } }`,
    { id: toGlobalId('Project', world.project) },
  );
  expect(found).toEqual({
    holders: { nodes: [{ id: modelVersion.id }] },
    trained: { nodes: [{ id: modelVersion.id }] },
  });
});
