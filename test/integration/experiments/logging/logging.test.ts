/** Logging from anywhere: each mutation, what it answers, and what it refuses. */
import { createHash } from 'node:crypto';
import { LearningTask, Split } from '../../../../src/catalog/vocabulary.js';
import { insertEvaluation } from '../../../../src/experiments/evaluationService.js';
import { insertExperiment } from '../../../../src/experiments/experimentService.js';
import { protocolFor } from '../../../../src/experiments/protocol/protocolService.js';
import { chooseEvaluation } from '../../../../src/collect/quality.js';
import { toGlobalId, uuidOf } from '../../../../src/graphql/node.js';
import { chooseEvaluations } from '../../../../src/models/compare/choose.js';
import { newId } from '../../../../src/platform/ids.js';
import { insertModel, insertVersion } from '../../../faults/world.js';
import { points, startLogging, type LoggingWorld } from './support.js';

let world: LoggingWorld;
beforeAll(async () => {
  world = await startLogging();
});
afterAll(() => world.stop());

const metricsOf = async (id: string, args = '') =>
  (
    await world.ok(
      `query ($id: ID!) { experiment(id: $id) { lastSeq lastHeardAt state metrics(first: 1000${args}) {
         seq time step name split condition class value n lower upper method } } }`,
      { id },
    )
  ).experiment;

it('makes an experiment by a name of its model, running, without a data set of this catalog', async () => {
  const made = await world.create({ name: 'first', codeVersion: 'abc', engine: 'cuda' });
  const { experiment } = await world.ok(
    `query { experiment(id: "logs/first") { id source state codeVersion engine startedAt lastHeardAt lastSeq
       model { name } datasetVersion { id } job { id } parameters { name } } }`,
  );
  expect(experiment).toMatchObject({
    ...{ id: made.id, source: 'LOGGED', state: 'RUNNING', codeVersion: 'abc', engine: 'cuda', lastSeq: 1 },
    ...{ model: { name: 'lights' }, datasetVersion: null, job: null, parameters: [] },
  });
  expect(new Date(experiment.lastHeardAt).getTime()).toBeGreaterThanOrEqual(
    new Date(experiment.startedAt).getTime(),
  );
});

it('makes one by key or by name once, and another content is refused', async () => {
  const byKey = { idempotencyKey: 'k', name: null, algorithm: 'keyed' };
  const raced = await Promise.all(Array.from({ length: 20 }, () => world.create(byKey)));
  expect(new Set(raced.map(({ id }) => id)).size).toBe(1);
  expect(raced[0]!.name).toBe('keyed-1');
  expect((await world.create({ ...byKey, codeVersion: 'other' })).userErrors).toMatchObject([
    { code: 'CONFLICT', field: ['idempotencyKey'] },
  ]);
  const named = await world.create({ name: 'named', parameters: [{ name: 'a', number: 1 }] });
  expect((await world.create({ name: 'named', parameters: [{ name: 'a', number: 1 }] })).id).toBe(named.id);
  for (const other of [{ parameters: [] }, { idempotencyKey: 'k2' }])
    expect((await world.create({ name: 'named', ...other })).userErrors).toMatchObject([
      { code: 'NAME_TAKEN' },
    ]);
  expect((await world.create({ name: null })).userErrors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  expect((await world.create({ modelId: 'logs/none' })).userErrors).toMatchObject([
    { code: 'NOT_FOUND', field: ['modelId'] },
  ]);
});

it('keeps NaN and infinities, and every field of a point', async () => {
  const { id } = await world.create();
  const time = '2026-01-02T03:04:05.678Z';
  const full = {
    ...{ name: 'ap50', split: 'TEST', condition: 'night', class: 'RED', step: 3, value: 0.5, time },
    ...{ n: 30, lower: 0.25, upper: 0.75, method: 'WILSON' },
  };
  const values = ['NaN', 'Infinity', '-Infinity', 0.1, -1e-300, 1.7976931348623157e308];
  const bare = values.map((value, step) => ({ name: 'lr', step, value }));
  expect(await world.log('logMetrics', { experimentId: id, batchId: '1', points: [full, ...bare] })).toEqual({
    ...{ firstSeq: 2, lastSeq: 8, userErrors: [] },
  });
  const { metrics, lastSeq } = await metricsOf(id);
  expect(lastSeq).toBe(8);
  expect(metrics[0]).toEqual({ ...full, seq: 2 });
  expect(metrics.slice(1).map(({ value }: { value: unknown }) => value)).toEqual(values);
  expect(metrics[1]).toMatchObject({ split: null, condition: null, class: null, n: null, method: null });
});

it('takes series as columns, the same as points', async () => {
  const [one, other] = [await world.create(), await world.create()];
  const given = points(100).map((point) => ({ ...point, n: 5, lower: 0, upper: 1, method: 'WILSON' }));
  await world.log('logMetrics', { experimentId: one.id, batchId: '1', points: given });
  const list = <K extends keyof (typeof given)[0]>(key: K) => given.map((point) => point[key]);
  const series = [
    {
      ...{ name: 'loss', split: 'TRAIN', steps: list('step'), values: list('value'), n: list('n') },
      ...{ lower: list('lower'), upper: list('upper'), method: 'WILSON' },
    },
  ];
  await world.log('logMetrics', { experimentId: other.id, batchId: '1', series });
  const seen = async (id: string) =>
    (await metricsOf(id)).metrics.map(({ time: _, ...point }: { time: string }) => point);
  expect(await seen(other.id)).toEqual(await seen(one.id));
  expect((await world.log('logMetrics', { experimentId: one.id, batchId: '1', series })).userErrors).toEqual(
    [],
  );
  const short = [{ ...series[0], steps: [1] }];
  expect(
    (await world.log('logMetrics', { experimentId: one.id, batchId: '2', series: short })).userErrors,
  ).toMatchObject([{ code: 'BAD_USER_INPUT', field: ['series', '0', 'steps'] }]);
});

it('answers a batch that comes again as it did, and refuses its id for something else', async () => {
  const { id } = await world.create();
  const batch = { experimentId: id, batchId: 'b', points: points(10) };
  const answers = await Promise.all(Array.from({ length: 8 }, () => world.log('logMetrics', batch)));
  for (const answer of answers) expect(answer).toEqual({ firstSeq: 2, lastSeq: 11, userErrors: [] });
  expect((await metricsOf(id)).metrics).toHaveLength(10);
  expect((await world.log('logMetrics', { ...batch, points: points(9) })).userErrors).toMatchObject([
    { code: 'CONFLICT', field: ['batchId'] },
  ]);
  const parameters = { experimentId: id, batchId: 'b', parameters: [{ name: 'a', number: 1 }] };
  expect((await world.log('logParameters', parameters)).userErrors).toMatchObject([{ code: 'CONFLICT' }]);
});

it('takes 10,000 points in one batch, and no more', async () => {
  const { id } = await world.create();
  const batch = { experimentId: id, batchId: 'b', points: points(10_000) };
  expect(await world.log('logMetrics', batch)).toMatchObject({ lastSeq: 10_001, userErrors: [] });
  for (const wrong of [points(10_001), []])
    expect(
      (await world.log('logMetrics', { ...batch, batchId: 'c', points: wrong })).userErrors,
    ).toMatchObject([{ code: 'BAD_USER_INPUT', field: expect.anything() }]);
});

it('logs parameters of every type once', async () => {
  const { id } = await world.create({ parameters: [{ name: 'lr', number: 0.1 }] });
  const parameters = [
    { name: 'optimizer', text: 'Adam' },
    { name: 'augment', boolean: false },
    { name: 'layers', numbers: [64, 128] },
    { name: 'classes', texts: ['RED', 'GREEN'] },
    { name: 'dropout' },
    { name: 'lr', number: 0.1 },
  ];
  expect(
    (await world.log('logParameters', { experimentId: id, batchId: 'p', parameters })).userErrors,
  ).toEqual([]);
  const { experiment } = await world.ok(
    'query ($id: ID!) { experiment(id: $id) { parameters { name number text boolean numbers texts } } }',
    { id },
  );
  const none = { number: null, text: null, boolean: null, numbers: null, texts: null };
  expect(experiment.parameters).toEqual(
    [...parameters].map((one) => ({ ...none, ...one })).sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
  const changed = [
    { name: 'lr', number: 0.2 },
    { name: 'new', number: 1 },
  ];
  expect(
    (await world.log('logParameters', { experimentId: id, batchId: 'q', parameters: changed })).userErrors,
  ).toMatchObject([{ code: 'PARAMETER_LOGGED', message: expect.stringContaining('lr') }]);
  const again = await world.ok('query ($id: ID!) { experiment(id: $id) { parameters { name } } }', { id });
  expect(again.experiment.parameters).toHaveLength(6);
  const two = [{ name: 'x', number: 1, text: '1' }];
  expect(
    (await world.log('logParameters', { experimentId: id, batchId: 'r', parameters: two })).userErrors,
  ).toMatchObject([{ code: 'BAD_USER_INPUT', field: ['parameters', '0'] }]);
});

it('logs an artifact whose bytes are here, and hands it out', async () => {
  const { id } = await world.create();
  const bytes = Buffer.from('weights of somewhere');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const artifact = {
    ...{ experimentId: id, batchId: 'a', path: 'checkpoints/last.pt', kind: 'CHECKPOINT', sha256 },
  };
  expect((await world.log('logArtifact', artifact)).userErrors).toMatchObject([{ code: 'BLOB_MISSING' }]);
  for (const path of ['/etc/passwd', 'a/../b', '', 'a//b', 'a\\b'])
    expect((await world.log('logArtifact', { ...artifact, path })).userErrors).toMatchObject([
      { code: 'BAD_USER_INPUT', field: ['path'] },
    ]);
  await world.services.blobs.receive((await import('node:stream')).Readable.from(bytes), { maxBytes: 100 });
  for (let time = 0; time < 2; time++)
    expect((await world.log('logArtifact', artifact)).userErrors).toEqual([]);
  const { experiment } = await world.ok(
    'query ($id: ID!) { experiment(id: $id) { artifacts { path kind bytes url } } }',
    { id },
  );
  expect(experiment.artifacts).toMatchObject([{ path: 'checkpoints/last.pt', bytes: bytes.length }]);
  const answer = await fetch(world.url + experiment.artifacts[0].url);
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes);
});

it('ends as its trainer says, answers retries after the end, and takes nothing new', async () => {
  const { id } = await world.create();
  const batch = { experimentId: id, batchId: 'b', points: points(3) };
  await world.log('logMetrics', batch);
  const finish = { experimentId: id, batchId: 'f', state: 'FAILED', reason: 'out of memory' };
  for (let time = 0; time < 3; time++)
    expect((await world.log('finishExperiment', finish)).userErrors).toEqual([]);
  expect(await world.log('logMetrics', batch)).toEqual({ firstSeq: 2, lastSeq: 4, userErrors: [] });
  const refused = [{ code: 'EXPERIMENT_ENDED', field: ['experimentId'] }];
  expect((await world.log('logMetrics', { ...batch, batchId: 'c' })).userErrors).toMatchObject(refused);
  expect((await world.log('finishExperiment', { ...finish, batchId: 'g' })).userErrors).toMatchObject(
    refused,
  );
  expect((await world.log('finishExperiment', { ...finish, reason: 'no' })).userErrors).toMatchObject([
    { code: 'CONFLICT' },
  ]);
  const { experiment } = await world.ok(
    'query ($id: ID!) { experiment(id: $id) { state lastSeq finishedAt reason { code message } } }',
    { id },
  );
  expect(experiment).toMatchObject({
    ...{ state: 'FAILED', lastSeq: 5, finishedAt: expect.any(String) },
    reason: { code: 'REPORTED', message: 'out of memory' },
  });
});

it('takes an evaluation of predictions made elsewhere, also after the end, and no other', async () => {
  const { db, projectId, modelId } = world;
  const [project, model] = [uuidOf('Project', projectId), uuidOf('Model', modelId)];
  const version = await insertVersion(db, project, [{ color: 'RED', split: 'TEST' }]);
  const task = LearningTask.LIGHT_DETECTION;
  const protocol = await protocolFor(db, project, task, null);
  const imported = async (modelUuid: string) =>
    toGlobalId(
      'Evaluation',
      await insertEvaluation(db.manager, {
        ...{
          projectUuid: project,
          modelUuid,
          protocolUuid: protocol.uuid,
          task,
          datasetVersionUuid: version,
        },
        ...{ split: Split.TEST, classes: ['RED'], source: 'IMPORTED', name: 'yolo, epoch 40' },
      }),
    );
  const evaluationId = await imported(model);
  const { id } = await world.create({ datasetVersionId: toGlobalId('DatasetVersion', version) });
  await world.log('finishExperiment', { experimentId: id, batchId: 'f', state: 'SUCCEEDED' });
  const log = (batchId: string, evaluation: string, experimentId = id) =>
    world.log('logEvaluation', { experimentId, batchId, evaluationId: evaluation });
  for (const batchId of ['e', 'e', 'again'])
    expect((await log(batchId, evaluationId)).userErrors).toEqual([]);
  const { experiment } = await world.ok(
    'query ($id: ID!) { experiment(id: $id) { datasetVersion { id } evaluations { id name source weights } } }',
    { id },
  );
  expect(experiment.datasetVersion.id).toBe(toGlobalId('DatasetVersion', version));
  expect(experiment.evaluations).toEqual([
    { id: evaluationId, name: 'yolo, epoch 40', source: 'IMPORTED', weights: null },
  ]);
  // From then on it is what the experiment is judged by, and compared by.
  await db.query("UPDATE evaluation SET state = 'SUCCEEDED' WHERE experiment_id = $1", [
    uuidOf('Experiment', id),
  ]);
  const evaluationUuid = uuidOf('Evaluation', evaluationId);
  const judged = await chooseEvaluation(db, project, { experimentUuid: uuidOf('Experiment', id) });
  expect(judged?.uuid).toBe(evaluationUuid);
  const any = { datasetVersionUuid: null, split: null, protocolUuid: null };
  expect(await chooseEvaluations(db, id, evaluationId, any)).toEqual([evaluationUuid, evaluationUuid]);
  const other = await world.create();
  expect((await log('e', evaluationId, other.id)).userErrors).toMatchObject([{ code: 'EVALUATION_TAKEN' }]);
  const otherModel = await imported(await insertModel(db, project));
  expect((await log('m', otherModel)).userErrors).toMatchObject([{ code: 'OTHER_MODEL' }]);
  const nothing = toGlobalId('Evaluation', newId());
  expect((await log('n', nothing)).userErrors).toMatchObject([
    { code: 'NOT_FOUND', field: ['evaluationId'] },
  ]);
});

it('is no training of this service: none of its weights can be used, and nothing is logged to one that is', async () => {
  const { id } = await world.create({ name: 'foreign' });
  await world.log('finishExperiment', { experimentId: id, batchId: 'f', state: 'SUCCEEDED' });
  const { data } = await world.ask(
    `mutation ($id: ID!, $m: ID!) { createModelVersion(input: { modelId: $m, experimentId: $id }) { userErrors { code message } } }`,
    { id, m: world.modelId },
  );
  expect(data.createModelVersion.userErrors).toMatchObject([
    { code: 'EXPERIMENT_NOT_TRAINED', message: expect.stringContaining('elsewhere') },
  ]);
  const { db } = world;
  const version = await insertVersion(db, uuidOf('Project', world.projectId), [
    { color: 'RED', split: 'TEST' },
  ]);
  const trained = await insertExperiment(db.manager, {
    ...{ projectUuid: uuidOf('Project', world.projectId), modelUuid: uuidOf('Model', world.modelId) },
    ...{ datasetVersionUuid: version, parentUuid: null, name: 'ours', task: LearningTask.LIGHT_STATE },
    ...{ algorithm: 'mobilenetv2', parameters: {} },
  });
  const experimentId = toGlobalId('Experiment', trained);
  const refused = await world.log('logMetrics', { experimentId, batchId: 'b', points: points(1) });
  expect(refused.userErrors).toMatchObject([{ code: 'EXPERIMENT_NOT_LOGGED', field: ['experimentId'] }]);
  const gone = toGlobalId('Experiment', newId());
  expect(
    (await world.log('logMetrics', { experimentId: gone, batchId: 'b', points: points(1) })).userErrors,
  ).toMatchObject([{ code: 'NOT_FOUND', field: ['experimentId'] }]);
});

it.each([
  ['a name with blanks', { name: ' loss' }],
  ['no name', { name: '' }],
  ['a name too long', { name: 'x'.repeat(201) }],
  ['a NUL', { condition: 'a\0b' }],
  ['an interval without its n', { lower: 0, upper: 1, method: 'WILSON' }],
  ['an interval without its method', { lower: 0, upper: 1, n: 3 }],
  ['half an interval', { lower: 0, n: 3, method: 'WILSON' }],
  ['an interval upside down', { lower: 1, upper: 0, n: 3, method: 'WILSON' }],
  ['less than no samples', { n: -1 }],
])('refuses the whole batch for %s in one point', async (_, wrong) => {
  const { id } = await world.create();
  const given = [...points(3), { ...points(1)[0], ...wrong }];
  const { userErrors } = await world.log('logMetrics', { experimentId: id, batchId: 'b', points: given });
  expect(userErrors).toMatchObject([{ code: 'BAD_USER_INPUT', field: ['points', '3', expect.any(String)] }]);
  expect(await metricsOf(id)).toMatchObject({ metrics: [], lastSeq: 1 });
  // The id was not used: mended, it may be sent under it.
  expect((await world.log('logMetrics', { experimentId: id, batchId: 'b', points: points(3) })).lastSeq).toBe(
    4,
  );
});
