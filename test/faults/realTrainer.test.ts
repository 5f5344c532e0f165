/** The trainer that ships, killed and drained in the middle of real training. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { environmentOf } from '../../src/experiments/environment.js';
import { conditionsOf } from '../../src/experiments/evaluationService.js';
import { Experiment } from '../../src/experiments/experiment.js';
import { selectOne } from '../../src/graphql/select.js';
import { Split } from '../../src/catalog/vocabulary.js';
import { startWorker } from '../../src/jobs/index.js';
import { startSweep } from '../../src/jobs/sweep/startSweep.js';
import { Sweep, SweepStrategy } from '../../src/jobs/sweep/sweep.js';
import { trialsOf } from '../../src/jobs/sweep/sweepService.js';
import { epochsLogged as epochsOf, losses as lossesOf, trainers } from './realTrainers.js';
import { createWorld, insertVersion, LIGHTS, until, type World } from './world.js';

const TRAINER = fileURLToPath(new URL('../../src/training/trainerProcess.js', import.meta.url));
// On an idle machine an epoch takes half a second, and is written down a while later: so many leave time to kill it in the middle.
const PARAMETERS = { epochs: 10, batchSize: 4, inputSize: 16, patience: null };

let world: World;
let versionUuid: string;
beforeAll(async () => {
  world = await createWorld();
  versionUuid = await insertVersion(world.db, world.project, Array.from({ length: 16 }, () => LIGHTS).flat());
  // Pictures that can be told apart, under the names that the version's rows have.
  const items: { sha256: string; color: string }[] = await world.db.query(
    `SELECT sha256, annotations->2->>'color' AS color FROM dataset_item WHERE version_id = $1 ORDER BY sha256`,
    [versionUuid],
  );
  for (const [index, { sha256, color }] of items.entries()) {
    const background =
      color === 'RED' ? { r: 200 + (index % 40), g: 20, b: 20 } : { r: 20, g: 200 + (index % 40), b: 20 };
    const png = await sharp({ create: { width: 8, height: 8, channels: 3, background } })
      .withExif({ IFD0: { ImageDescription: sha256 } })
      .png()
      .toBuffer();
    await world.blobs.receive(Readable.from(png), { maxBytes: 1e6 });
    const actual = createHash('sha256').update(png).digest('hex');
    await world.db.query(
      'INSERT INTO picture SELECT $2, media_type, bytes, width, height, darkness, brightness FROM picture WHERE sha256 = $1',
      [sha256, actual],
    );
    await world.db.query('UPDATE dataset_item SET sha256 = $3 WHERE version_id = $1 AND sha256 = $2', [
      versionUuid,
      sha256,
      actual,
    ]);
  }
});
afterAll(() => world.stop());

const work = () =>
  world.adopt(startWorker(world.services, { engine: 'wasm', name: 'real', trainer: TRAINER }));
const train = (parameters: object = PARAMETERS, parentUuid: string | null = null) =>
  world.train({ datasetVersionUuid: versionUuid, parameters, parentUuid });
const losses = (experimentUuid: string) => lossesOf(world.db, experimentUuid);
const epochsLogged = (experimentUuid: string) => epochsOf(world.db, experimentUuid);

it('killed or drained in mid-training, it comes to the same losses, and its model tells the colours apart', async () => {
  let worker = work();
  const whole = await train();
  expect(await world.until(whole.uuid, undefined, 120_000)).toMatchObject({
    state: 'SUCCEEDED',
    attempt: 1,
    engine: 'wasm',
  });
  const expected = await losses(whole.experimentUuid);
  expect(expected).toHaveLength(PARAMETERS.epochs * 8);

  const killed = await train();
  await until(async () => (await epochsLogged(killed.experimentUuid)) >= 2, 60_000);
  const [pid] = await trainers();
  process.kill(pid as number, 'SIGKILL');
  expect(await world.until(killed.uuid, undefined, 120_000)).toMatchObject({
    state: 'SUCCEEDED',
    attempt: 2,
    crashes: 1,
  });
  expect(await losses(killed.experimentUuid)).toEqual(expected);

  const drained = await train();
  await until(async () => (await epochsLogged(drained.experimentUuid)) >= 2, 60_000);
  await worker.stop();
  expect(await world.job(drained.uuid)).toMatchObject({ state: 'QUEUED', reasonCode: 'DRAINED' });
  expect(await trainers()).toEqual([]);
  worker = work();
  expect(await world.until(drained.uuid, undefined, 120_000)).toMatchObject({
    state: 'SUCCEEDED',
    attempt: 2,
    crashes: 0,
  });
  expect(await losses(drained.experimentUuid)).toEqual(expected);

  const evaluation = await world.evaluate(drained.experimentUuid, 'BEST', {
    datasetVersionUuid: versionUuid,
  });
  expect(await world.until(evaluation.uuid, undefined, 60_000)).toMatchObject({ state: 'SUCCEEDED' });
  const { load, db } = world.context();
  const [all] = await conditionsOf(load, db, evaluation.evaluationUuid ?? '');
  expect(all).toMatchObject({ condition: null, n: 48, method: 'WILSON' });
  await worker.stop();
}, 300_000);

/** A small network, which takes some 50 ms an epoch: sixty leave time to kill it. */
const EVERYTHING = {
  ...PARAMETERS,
  epochs: 60,
  ...{ algorithm: 'small-cnn', channels: 8, optimizer: 'AdamW', clipNorm: 1, emaDecay: 0.9, freezeBlocks: 1 },
  ...{ schedule: 'step', stepEpochs: 2, warmupEpochs: 1.5, focalGamma: 1, labelSmoothing: 0.1 },
  ...{ classWeights: [{ name: 'RED', weight: 2 }], conditionWeighting: 'balanced', mixConditions: ['night'] },
  augmentation: { flip: 0.5, crop: 0.2, scale: 0.2, color: 0.5, night: 0.3, rain: 0.3, fog: 0.3 },
  monitor: { metric: 'accuracy', condition: 'night' },
};

it('with everything on and from the weights of another, killed, it comes to the same losses and says where it came from', async () => {
  const worker = work();
  const done = async (job: Awaited<ReturnType<typeof train>>) => {
    expect(await world.until(job.uuid, undefined, 120_000)).toMatchObject({ state: 'SUCCEEDED' });
    return job.experimentUuid;
  };
  const parent = await done(await train({ ...PARAMETERS, algorithm: 'small-cnn', channels: 8, epochs: 2 }));
  const expected = await losses(await done(await train(EVERYTHING, parent)));
  // Two of the TRAIN split's and the objective; two of VALIDATION's and two of each of its two conditions.
  expect(expected).toHaveLength(60 * 9);
  const killed = await train(EVERYTHING, parent);
  await until(async () => (await epochsLogged(killed.experimentUuid)) >= 2, 60_000);
  const [pid] = await trainers();
  process.kill(pid as number, 'SIGKILL');
  await done(killed);
  expect(await losses(killed.experimentUuid)).toEqual(expected);

  const { load, db } = world.context();
  const experiment = await selectOne(db, Experiment, killed.experimentUuid);
  expect(experiment).toMatchObject({ parentUuid: parent });
  const environment = await environmentOf(load, db, experiment!);
  expect(environment).toMatchObject({ engine: 'wasm', seed: 1, nodeVersion: process.version.slice(1) });
  expect(environment!.packages.map(({ name }) => name)).toEqual([
    '@tensorflow/tfjs-backend-wasm',
    '@tensorflow/tfjs-core',
    '@tensorflow/tfjs-layers',
    'sharp',
  ]);
  expect(environment!.gitCommit === null || /^[0-9a-f]{40}(-dirty)?$/.test(environment!.gitCommit)).toBe(
    true,
  );
  const kinds = await artifactKinds(killed.experimentUuid);
  expect(kinds).toEqual(expect.arrayContaining(['MODEL', 'LAST_MODEL', 'INITIAL_MODEL']));
  await worker.stop();
}, 300_000);

it('an exploding loss fails it with its reason; the models of its good epochs and the last checkpoint are kept', async () => {
  const worker = work();
  const explodes = { optimizer: 'SGD', learningRate: 10, momentum: 0.999, epochs: 40, warmupEpochs: 39 };
  const job = await train({ ...PARAMETERS, algorithm: 'small-cnn', channels: 8, ...explodes });
  expect(await world.until(job.uuid, undefined, 120_000)).toMatchObject({
    state: 'FAILED',
    reasonCode: 'LOSS_NOT_FINITE',
  });
  expect(await epochsLogged(job.experimentUuid)).toBeGreaterThan(0);
  expect(await artifactKinds(job.experimentUuid)).toEqual(
    expect.arrayContaining(['MODEL', 'LAST_MODEL', 'CHECKPOINT', 'METRICS']),
  );
  await worker.stop();
}, 300_000);

async function artifactKinds(experimentUuid: string): Promise<string[]> {
  const rows: { kind: string }[] = await world.db.query(
    'SELECT DISTINCT kind FROM artifact WHERE experiment_id = $1',
    [experimentUuid],
  );
  return rows.map(({ kind }) => kind);
}

it('stopped at every rung of a sweep, it comes to the losses of a training that never stopped', async () => {
  const worker = work();
  const parameters = { ...PARAMETERS, epochs: 4, algorithm: 'small-cnn', channels: 8, emaDecay: 0.9 };
  const sweep = await startSweep(world.services, {
    ...{ name: 'rungs', datasetVersionUuid: versionUuid, modelUuid: world.modelUuid, parameters },
    space: [{ name: 'learningRate', kind: 'choice', values: [0.005, 1e-6] }],
    ...{ strategy: SweepStrategy.SUCCESSIVE_HALVING, seed: 1, maxConcurrent: 2, minEpochs: 1, reduction: 2 },
    ...{ metric: { name: 'loss', split: Split.VALIDATION }, idempotencyKey: 'rungs' },
  });
  await until(async () => (await selectOne(world.db, Sweep, sweep.uuid))?.finishedAt, 120_000);
  const [better, worse] = await trialsOf(world.context().load, world.db, sweep);
  expect(better).toMatchObject({ state: 'SUCCEEDED', rung: 2, last: { step: 4 } });
  expect(worse).toMatchObject({
    state: 'CANCELLED',
    rung: 0,
    last: { step: 1 },
    reason: { code: 'SWEEP_PRUNED' },
  });
  const { attempt, crashes } = await world.job(better!.jobUuid);
  expect(attempt - crashes).toBe(3);
  const monitor = { metric: 'loss', split: 'VALIDATION', mode: 'min' };
  const whole = await train({ ...parameters, monitor, learningRate: 0.005 });
  await world.until(whole.uuid, undefined, 120_000);
  expect(await losses(better!.experimentUuid)).toEqual(await losses(whole.experimentUuid));
  await worker.stop();
}, 300_000);
