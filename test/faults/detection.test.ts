/** The trainer that ships finds lights in frames: trained and evaluated as jobs, figures and all. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { LearningTask } from '../../src/catalog/vocabulary.js';
import { cellsOf } from '../../src/experiments/cellService.js';
import { readEvents } from '../../src/experiments/events/log.js';
import { Experiment } from '../../src/experiments/experiment.js';
import { selectParameters } from '../../src/experiments/experimentService.js';
import { selectOne } from '../../src/graphql/select.js';
import { startWorker } from '../../src/jobs/index.js';
import type { Weights } from '../../src/jobs/vocabulary.js';
import { modelFiles } from '../../src/jobs/worker/materialise.js';
import { newId } from '../../src/platform/ids.js';
import { wilson } from '../../src/training/statistics/wilson.js';
import { COLOURS, streetWindows, type FrameSet } from '../unit/training/detectionSupport.js';
import { epochsLogged, losses, trainers } from './realTrainers.js';
import { createWorld, insertModel, insertProject, until, type World } from './world.js';

const TRAINER = fileURLToPath(new URL('../../src/training/trainerProcess.js', import.meta.url));
const LONG = 300_000;
const PARAMETERS = {
  ...{ task: 'LIGHT_DETECTION', inputWidth: 96, inputHeight: 64, widthMultiplier: 0.1, headChannels: 8 },
  ...{ epochs: 2, patience: null },
};

let world: World;
let data: FrameSet;
let versionUuid: string;
beforeAll(async () => {
  world = await createWorld();
  data = await streetWindows(8);
  versionUuid = await insertFrames(world, data);
}, LONG);
afterAll(async () => {
  await world.stop();
  await data.remove();
});

/** Six frames TRAIN, one VALIDATION and three TEST: the last without any light, and one at which nobody looked. */
async function insertFrames({ db, blobs, project }: World, { frames }: FrameSet): Promise<string> {
  const [dataset, version] = [newId(), newId()];
  await db.query('INSERT INTO dataset (id, project_id, name) VALUES ($1, $2, $3)', [
    dataset,
    project,
    dataset,
  ]);
  await db.query(
    `INSERT INTO dataset_version (id, dataset_id, version, data_id, seed, train, validation, test, image_count, light_count,
       condition_names, condition_ids, condition_versions)
     VALUES ($1, $2, 1, 'data', 1, 0.7, 0.15, 0.15, 8, 8, '{night}', $3, '{1}')`,
    [version, dataset, [newId()]],
  );
  for (const [index, { id, file, conditions, boxes }] of frames.entries()) {
    await blobs.receive(createReadStream(file), { maxBytes: 1e6 });
    await db.query(
      `INSERT INTO picture (sha256, media_type, bytes, width, height, darkness, brightness)
       VALUES ($1, 'image/png', $2, 96, 64, 0.5, 0.5)`,
      [id, (await stat(file)).size],
    );
    const lights = boxes.map(({ label, x, y, width, height }) => ({
      ...{ category: 'TRAFFIC_LIGHT', x, y, width, height },
      color: label === null ? 'UNKNOWN' : COLOURS[label],
    }));
    const car = { category: 'CAR', x: 0, y: 50, width: 20, height: 10, color: null };
    const annotations = index === 7 ? [car] : [car, ...lights];
    await db.query(
      `INSERT INTO dataset_item (version_id, sha256, image_id, split, conditions, annotations, lights)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [
        ...[version, id, newId(), index < 5 ? 'TRAIN' : index === 5 ? 'VALIDATION' : 'TEST', conditions],
        ...[JSON.stringify(annotations), annotations.length - 1],
      ],
    );
  }
  await db.query(
    `INSERT INTO dataset_item (version_id, sha256, image_id, split, conditions, annotations, lights)
     VALUES ($1, $2, $3, 'TEST', '{}', NULL, 0)`,
    [version, 'f'.repeat(64), newId()],
  );
  return version;
}

describe('a detector', () => {
  let experimentUuid: string;
  beforeAll(async () => {
    world.adopt(startWorker(world.services, { engine: 'wasm', name: 'real', trainer: TRAINER }));
    const job = await world.train({ datasetVersionUuid: versionUuid, parameters: PARAMETERS });
    experimentUuid = job.experimentUuid;
    expect(await world.until(job.uuid, undefined, LONG)).toMatchObject({ state: 'SUCCEEDED', attempt: 1 });
  }, LONG);

  it('is an experiment of its task, with the parameters that it used', async () => {
    const experiment = await selectOne(world.db, Experiment, experimentUuid);
    expect(experiment).toMatchObject({
      task: LearningTask.LIGHT_DETECTION,
      state: 'SUCCEEDED',
      epochsRun: 2,
    });
    const [parameters] = await selectParameters(world.db, [experimentUuid]);
    const value = (name: string) => parameters!.find((one) => one.name === name);
    expect(value('maxDetections')).toMatchObject({ number: 100 });
    expect(value('batchSize')).toMatchObject({ number: 8 });
    expect(value('task')).toMatchObject({ text: 'LIGHT_DETECTION' });
    expect(value('inputSize')).toBeUndefined();
  });

  it('tells what it found of its VALIDATION frames, epoch by epoch', async () => {
    const events = await readEvents(world.db, experimentUuid, 0, 1000);
    const metrics = events.flatMap((event) => ('value' in event ? [event] : []));
    const ofEpoch = metrics.filter(({ step, split }) => step === 2 && split === 'VALIDATION');
    const names = ['loss', 'heat_loss', 'size_loss', 'offset_loss', 'recall', 'ap50'];
    expect(ofEpoch.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    const { n, value, lower, upper, method } = ofEpoch.find(({ name }) => name === 'recall')!;
    expect({ lower, upper, method }).toEqual({ ...wilson(Math.round(value * n!), n!), method: 'WILSON' });
  });

  it.each(['BEST', 'LAST', 'INITIAL'] as const)(
    'is evaluated with its %s weights, cell by cell',
    async (weights) => {
      const job = await world.evaluate(experimentUuid, weights, { datasetVersionUuid: versionUuid });
      const ended = await world.until(job.uuid, undefined, LONG);
      expect(ended).toMatchObject({ state: 'SUCCEEDED' });
      const [cells] = await cellsOf(world.db, [job.evaluationUuid!], { classes: [null], sizeBins: [null] });
      const cell = (metric: string) => cells!.find((one) => one.metric === metric && one.condition === null);
      const test = data.frames[6]!.boxes.filter(({ ignore }) => !ignore);
      expect(cell('recall')).toMatchObject({ n: test.length, state: 'INSUFFICIENT_DATA' });
      expect(cell('ap50')).toMatchObject({ n: test.length });
      // Neither has learnt anything in two steps: they find nothing, and say nothing wrong with conviction.
      expect(cell('recall')!.value).toBe(0);
      const images: { n: number }[] = await world.db.query(
        'SELECT count(*)::int AS n FROM evaluation_image WHERE evaluation_id = $1',
        [job.evaluationUuid],
      );
      expect(images[0]?.n).toBe(2);
    },
    LONG,
  );

  it('has the weights of its best epoch, of its last and of none, each under its name', async () => {
    const folders = { BEST: 'model', LAST: 'last', INITIAL: 'initial' };
    for (const [weights, folder] of Object.entries(folders)) {
      const files = await modelFiles(world.db, experimentUuid, weights as Weights);
      const rows: { sha256: string }[] = await world.db.query(
        'SELECT sha256 FROM artifact WHERE experiment_id = $1 AND path = $2',
        [experimentUuid, `${folder}/weights.bin`],
      );
      expect([weights, files['weights.bin']]).toEqual([weights, rows[0]?.sha256]);
    }
  });
});

it(
  'a detector that is killed in mid-training goes on from its checkpoint, and comes to the same losses',
  async () => {
    const start = () =>
      world.train({ datasetVersionUuid: versionUuid, parameters: { ...PARAMETERS, epochs: 12 } });
    const whole = await start();
    expect(await world.until(whole.uuid, undefined, LONG)).toMatchObject({ state: 'SUCCEEDED', attempt: 1 });
    const killed = await start();
    await until(async () => (await epochsLogged(world.db, killed.experimentUuid)) >= 2, LONG);
    const [pid] = await trainers();
    process.kill(pid as number, 'SIGKILL');
    expect(await world.until(killed.uuid, undefined, LONG)).toMatchObject({
      ...{ state: 'SUCCEEDED', attempt: 2, crashes: 1 },
    });
    const expected = await losses(world.db, whole.experimentUuid);
    expect(new Set(expected).size).toBeGreaterThan(12 * 4);
    expect(await losses(world.db, killed.experimentUuid)).toEqual(expected);
  },
  LONG,
);

describe('what cannot be started', () => {
  it('detection on a version without a light in TRAIN', async () => {
    const project = await insertProject(world.db);
    const modelUuid = await insertModel(world.db, project);
    const other = await insertFrames({ ...world, project }, { ...data, frames: [] });
    await expect(
      world.train({ datasetVersionUuid: other, modelUuid, parameters: PARAMETERS }),
    ).rejects.toMatchObject({ code: 'DATASET_NOT_TRAINABLE' });
  });

  it.each([
    [{ task: 'LIGHT_DETECTION', inputWidth: 100 }, 'inputWidth'],
    [{ task: 'LIGHT_DETECTION', labelSmoothing: 0.1 }, 'labelSmoothing'],
    [{ task: 'LIGHT_DETECTION', algorithm: 'small-cnn' }, 'algorithm'],
    [{ maxDetections: 5 }, 'maxDetections'],
    [{ task: 'DRIVING' }, 'task'],
  ])('parameters %j', async (parameters, field) => {
    await expect(world.train({ datasetVersionUuid: versionUuid, parameters })).rejects.toMatchObject({
      errors: [{ code: 'BAD_PARAMETER', field: ['parameters', field] }],
    });
  });
});
