/** The main job, from images to numbers per condition, over HTTP and WebSocket only. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderDemo } from '../../seeds/demo.js';
import { demoPlaces, demoWeather } from '../../seeds/places.js';
import { ShingoClient } from '../../src/client/api.js';
import { importFolder } from '../../src/client/import/index.js';
import { subscribe } from '../support/foreignClient.js';
import { startTestService, type TestService } from '../support/service.js';

interface Event {
  __typename: string;
  seq: number;
  name?: string;
  split?: string;
  condition?: string;
  step?: number;
  value?: number;
  n?: number;
  lower?: number | null;
  upper?: number | null;
  state?: string;
}

const EVENTS = `subscription Watch($id: ID!, $afterSeq: Int!) {
  experimentEvents(id: $id, afterSeq: $afterSeq) {
    __typename
    ... on MetricEvent { seq name split step value n lower upper }
    ... on ConditionMetricEvent { seq name split condition step value n lower upper }
    ... on StatusEvent { seq state }
    ... on LogEvent { seq message }
    ... on DoneEvent { seq state }
  }
}`;

let service: TestService;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shingo-scenes-'));
  await renderDemo(folder, { images: 90 });
  service = await startTestService({ worker: true });
}, 120_000);

afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

async function importScenes(): Promise<void> {
  await service.ok(
    'mutation { createProject(input: {name: "demo"}) { project { id } userErrors { code } } }',
  );
  const places: string[] = [];
  for (const place of demoPlaces) {
    const data = await service.ok(
      'mutation($input: CreatePlaceInput!) { createPlace(input: $input) { place { id } userErrors { code message } } }',
      { input: { projectId: 'demo', ...place } },
    );
    places.push(data.createPlace.place.id as string);
  }
  for (const { place, weather, startTime, endTime } of demoWeather()) {
    await service.ok(
      'mutation($input: CreateWeatherInput!) { createWeather(input: $input) { weather { id } userErrors { code message } } }',
      { input: { placeId: places[place], weatherName: weather, startTime, endTime } },
    );
  }
  await using client = new ShingoClient({ url: service.url });
  const { project } = await service.ok('{ project(id: "demo") { id } }');
  const result = await importFolder(client, { folder, projectId: project.id as string });
  expect(result).toMatchObject({ created: 90, existing: 0 });
  expect(await importFolder(client, { folder, projectId: project.id as string })).toMatchObject({
    created: 0,
    existing: 90,
  });
}

async function startTraining(
  parameters: object,
  idempotencyKey: string,
): Promise<{ experiment: string; job: string; version: string }> {
  const { createDataset } = await service.ok(
    `mutation($name: String!) { createDataset(input: {projectId: "demo", name: $name}) { dataset { id } userErrors { code } } }`,
    { name: idempotencyKey },
  );
  const { createDatasetVersion } = await service.ok(
    `mutation($id: ID!) { createDatasetVersion(input: {datasetId: $id, strategy: BY_DRIVE, train: 0.6, validation: 0.2, test: 0.2,
       where: {not: {annotations: {some: {color: {eq: OFF}}}}}}) {
       datasetVersion { id dataId imageCount counts { condition split images lights } } userErrors { code message } } }`,
    { id: createDataset.dataset.id },
  );
  const version = createDatasetVersion.datasetVersion.id as string;
  const { createModel } = await service.ok(
    `mutation($name: String!) { createModel(input: {projectId: "demo", name: $name}) { model { id } userErrors { code } } }`,
    { name: idempotencyKey },
  );
  const { startTraining } = await service.ok(
    `mutation($input: StartTrainingInput!) { startTraining(input: $input) { job { id } experiment { id } userErrors { code message } } }`,
    {
      input: {
        datasetVersionId: version,
        modelId: createModel.model.id,
        name: idempotencyKey,
        idempotencyKey,
        parameters,
      },
    },
  );
  return { experiment: startTraining.experiment.id, job: startTraining.job.id, version };
}

test('images → conditions → data set → training watched live across a cut connection → evaluation', async () => {
  await importScenes();
  const { coverage, weather } = await service.ok(`{
    coverage(projectId: "demo", by: [WEATHER, TIME_OF_DAY]) { total cells { keys images } }
    weather: images(projectId: "demo", where: {weather: {isNull: true}}) { totalCount }
  }`);
  expect(coverage.total).toBe(90);
  // Rows that name no weather get it from the period of their place: nothing is left missing.
  expect(weather.totalCount).toBe(0);

  const { experiment, version } = await startTraining(
    { epochs: 3, patience: null, learningRate: 0.005 },
    'first-training',
  );
  const first = subscribe<{ experimentEvents: Event }>(service.url, EVENTS, { id: experiment, afterSeq: 0 });
  await first.until((events) =>
    events.some(({ experimentEvents: e }) => e.__typename === 'MetricEvent' && e.step === 1),
  );
  first.cut();
  const before = first.received.map(({ experimentEvents }) => experimentEvents);
  const second = subscribe<{ experimentEvents: Event }>(service.url, EVENTS, {
    id: 'demo/first-training',
    afterSeq: before.at(-1)?.seq,
  });
  await second.completed;
  const events = [...before, ...second.received.map(({ experimentEvents }) => experimentEvents)];
  // Nothing missed, nothing twice.
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.at(-1)).toMatchObject({ __typename: 'DoneEvent', state: 'SUCCEEDED' });
  await Promise.all([first.close(), second.close()]);

  const loss = events.filter((e) => e.name === 'loss' && e.split === 'TRAIN').map((e) => e.value as number);
  expect(loss).toHaveLength(3);
  expect(Math.min(...loss)).toBeLessThan(loss[0] as number);
  const night = events.filter((e) => e.__typename === 'ConditionMetricEvent' && e.condition === 'night');
  expect(night.length).toBeGreaterThanOrEqual(3);
  for (const metric of night.filter((e) => e.name === 'accuracy')) {
    expect(metric.n).toBeGreaterThan(0);
    expect(metric.lower).toBeLessThanOrEqual(metric.value as number);
    expect(metric.upper).toBeGreaterThanOrEqual(metric.value as number);
  }

  await evaluateAndCheck(version);
}, 180_000);

test('the examples of the README work as they stand there, on the data of the demo', async () => {
  const readme = await readFile('README.md', 'utf8');
  const examples = [...readme.matchAll(/```graphql\n(.*?)```/gs)].map((match) => match[1] as string);
  expect(examples.map((text) => text.split(' ')[0])).toEqual(['query', 'mutation', 'subscription']);
  const [query, mutation, subscription] = examples as [string, string, string];
  const { coverageQuality, collectNext } = await service.ok(query);
  expect(coverageQuality.cells.length).toBeGreaterThan(5);
  const { n, value, lower, upper } = coverageQuality.overall;
  expect(n).toBeGreaterThan(0);
  expect(lower).toBeLessThan(value);
  expect(upper).toBeGreaterThan(value);
  const ofCells = coverageQuality.cells.reduce((sum: number, { quality }: any) => sum + quality.n, 0);
  expect(ofCells).toBe(n);
  expect(collectNext.proposals.map(({ rank }: any) => rank)).toEqual([1, 2, 3, 4, 5]);
  // The data of the demo has places, whose sun is known.
  for (const { sites } of collectNext.proposals) expect(sites[0].hours.length).toBeGreaterThan(0);
  const { createCondition } = await service.ok(mutation);
  expect(createCondition.condition).toMatchObject({ name: 'small-red-at-night', version: 1 });
  const live = subscribe<{ experimentEvents: Event }>(service.url, subscription, {});
  await live.completed;
  await live.close();
  expect(live.received.at(-1)?.experimentEvents).toMatchObject({
    __typename: 'DoneEvent',
    state: 'SUCCEEDED',
  });
  expect(live.received.length).toBeGreaterThan(10);
});

test('an experiment can be renamed, not to nothing', async () => {
  const rename = (id: string, name: string) =>
    service.ask(
      `mutation($id: ID!, $name: String!) {
        updateExperiment(input: {id: $id, name: $name}) { experiment { name } userErrors { code } } }`,
      { id, name },
    );
  const renamed = await rename('demo/first-training', 'renamed');
  expect(renamed.data.updateExperiment.experiment).toEqual({ name: 'renamed' });
  const refused = await rename('demo/renamed', '');
  expect(refused.data.updateExperiment.userErrors).toEqual([{ code: 'BAD_USER_INPUT' }]);
});

async function evaluateAndCheck(version: string): Promise<void> {
  for (const weights of ['BEST', 'INITIAL']) {
    const { startEvaluation } = await service.ok(
      `mutation($input: StartEvaluationInput!) { startEvaluation(input: $input) { job { id } evaluation { id } userErrors { code message } } }`,
      {
        input: {
          experimentId: 'demo/first-training',
          datasetVersionId: version,
          split: 'TEST',
          weights,
          idempotencyKey: `evaluate-${weights}`,
        },
      },
    );
    const jobs = subscribe<{ jobs: { id: string; state: string } }>(
      service.url,
      'subscription { jobs(projectId: "demo") { id state } }',
      {},
    );
    const done = await service.ok('query($id: ID!) { job(id: $id) { state } }', {
      id: startEvaluation.job.id,
    });
    if (done.job.state !== 'SUCCEEDED') {
      await jobs.until((all) =>
        all.some(({ jobs: job }) => job.id === startEvaluation.job.id && job.state === 'SUCCEEDED'),
      );
    }
    await jobs.close();
  }
  const { experiment, datasetVersion } = await service.ok(
    `query($version: ID!) {
      datasetVersion(id: $version) { counts { condition split lights } }
      experiment(id: "demo/first-training") {
        evaluations { weights classes conditions { condition n correct accuracy lower upper method confusion { actual predicted count } } }
        artifacts { path sha256 bytes url }
        metrics(names: ["accuracy"], conditions: ["night"]) { seq condition value n method }
      }
    }`,
    { version },
  );
  const [best, initial] = ['BEST', 'INITIAL'].map((w) =>
    experiment.evaluations.find((e: { weights: string }) => e.weights === w),
  );
  for (const evaluation of [best, initial]) {
    for (const row of evaluation.conditions) {
      const frozen = datasetVersion.counts.find(
        (c: any) => c.condition === row.condition && c.split === 'TEST',
      );
      // Lights whose colour nobody could tell are not evaluated; the scenes have none.
      expect(row.n).toBe(frozen.lights);
      expect(row.method).toBe('WILSON');
      const cells = row.confusion as { actual: string; predicted: string; count: number }[];
      expect(cells.reduce((sum, cell) => sum + cell.count, 0)).toBe(row.n);
      expect(cells.filter((c) => c.actual === c.predicted).reduce((sum, cell) => sum + cell.count, 0)).toBe(
        row.correct,
      );
    }
  }
  expect(best.conditions[0].correct).toBeGreaterThan(initial.conditions[0].correct);
  expect(experiment.metrics.length).toBe(3);
  await checkArtifacts(experiment.artifacts);
}

async function checkArtifacts(
  artifacts: { path: string; sha256: string; bytes: number; url: string }[],
): Promise<void> {
  const paths = artifacts.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      'model/model.json',
      'model/weights.bin',
      'classes.json',
      'preprocessing.json',
      'metrics.csv',
    ]),
  );
  const { sha256 } = await import('../support/service.js');
  for (const artifact of artifacts) {
    const bytes = Buffer.from(await (await fetch(new URL(artifact.url, service.url))).arrayBuffer());
    expect({ path: artifact.path, sha256: sha256(bytes) }).toEqual({
      path: artifact.path,
      sha256: artifact.sha256,
    });
  }
}
