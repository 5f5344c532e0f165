import { randomUUID } from 'node:crypto';
import { Experiment } from '../../../src/experiments/experiment.js';
import { parametersOf } from '../../../src/experiments/experimentService.js';
import { flatten } from '../../../src/experiments/storedParameters.js';
import { selectOne } from '../../../src/graphql/select.js';
import { newId } from '../../../src/platform/ids.js';
import { trainingParametersSchema } from '../../../src/training/protocol.js';
import {
  createWorld,
  insertModel,
  insertProject,
  insertVersion,
  LIGHTS,
  type World,
} from '../../faults/world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.stop());

const count = async (table: string) =>
  (await world.db.query(`SELECT count(*)::int AS n FROM ${table}`))[0].n as number;
const tables = ['experiment', 'experiment_parameter', 'experiment_event', 'job', 'evaluation'];
const everything = async () => Promise.all(tables.map(count));

describe('starting a training', () => {
  it('fills in the defaults and remembers them', async () => {
    const { uuid, experimentUuid } = await world.train({
      name: 'first',
      parameters: { epochs: 7, patience: null, momentum: null },
    });
    expect(await world.job(uuid)).toMatchObject({ state: 'QUEUED', attempt: 0, kind: 'TRAINING' });
    expect(await selectOne(world.db, Experiment, experimentUuid)).toMatchObject({
      name: 'first',
      state: 'QUEUED',
      lastSeq: 1,
    });
    const { load, db } = world.context();
    const parameters = await parametersOf(load, db, experimentUuid);
    expect(
      Object.fromEntries(
        parameters.map(({ name, number, text, boolean }) => [name, number ?? text ?? boolean]),
      ),
    ).toEqual(flatten(trainingParametersSchema.parse({ epochs: 7, patience: null })));
    expect(await world.job(uuid)).toMatchObject({
      priority: 0,
      requiredLabels: [],
      maxAttempts: 3,
      timeoutSeconds: null,
    });
  });

  it('makes up names', async () => {
    const names: string[] = [];
    for (let i = 0; i < 2; i += 1) {
      const { experimentUuid } = await world.train();
      names.push((await selectOne(world.db, Experiment, experimentUuid))?.name ?? '');
    }
    expect(names).toEqual(['colour-1', 'colour-2']);
  });

  it('is one job however many clients race with one key', async () => {
    const idempotencyKey = randomUUID();
    const before = await count('job');
    const jobs = await Promise.all(Array.from({ length: 20 }, () => world.train({ idempotencyKey })));
    expect(new Set(jobs.map(({ uuid }) => uuid)).size).toBe(1);
    expect(await count('job')).toBe(before + 1);
  });

  it('has one winner when clients with different requests race with one key', async () => {
    const idempotencyKey = randomUUID();
    const tries = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => world.train({ idempotencyKey, parameters: { epochs: i + 1 } })),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of tries)
      if (one.status === 'rejected')
        expect(one.reason).toMatchObject({ code: 'CONFLICT', field: ['idempotencyKey'] });
  });

  it('is the same request when defaults are spelled out', async () => {
    const idempotencyKey = randomUUID();
    const first = await world.train({ idempotencyKey, parameters: { epochs: 3 } });
    const second = await world.train({
      idempotencyKey,
      parameters: { epochs: 3, seed: 1, optimizer: 'Adam' },
    });
    expect(second.uuid).toBe(first.uuid);
  });

  it('gives different names to clients that race without one', async () => {
    const jobs = await Promise.all(Array.from({ length: 10 }, () => world.train()));
    expect(new Set(jobs.map(({ experimentUuid }) => experimentUuid)).size).toBe(10);
  });

  it('that is refused changes nothing', async () => {
    const other = await insertProject(world.db);
    await world.train({ name: 'taken' });
    const oneColour = await insertVersion(
      world.db,
      world.project,
      LIGHTS.map((light) => ({ ...light, color: 'RED' })),
    );
    const noValidation = await insertVersion(
      world.db,
      world.project,
      LIGHTS.filter(({ split }) => split !== 'VALIDATION'),
    );
    const unknown = newId();
    const before = await everything();
    const refused: [Parameters<World['train']>[0], object][] = [
      [{ datasetVersionUuid: unknown }, { code: 'NOT_FOUND', field: ['datasetVersionId'] }],
      [{ modelUuid: unknown }, { code: 'NOT_FOUND', field: ['modelId'] }],
      [{ modelUuid: await insertModel(world.db, other) }, { code: 'OTHER_PROJECT', field: ['modelId'] }],
      [{ name: 'taken' }, { code: 'NAME_TAKEN', field: ['name'] }],
      [{ name: ' ' }, { code: 'BAD_USER_INPUT', field: ['name'] }],
      [{ idempotencyKey: '' }, { code: 'BAD_USER_INPUT', field: ['idempotencyKey'] }],
      [{ datasetVersionUuid: oneColour }, { code: 'DATASET_NOT_TRAINABLE', field: ['datasetVersionId'] }],
      [{ datasetVersionUuid: noValidation }, { code: 'DATASET_NOT_TRAINABLE', field: ['datasetVersionId'] }],
      [
        { parameters: { learningRate: -1, epochs: 0, optimizer: 'Magic' } },
        {
          errors: expect.arrayContaining(
            ['learningRate', 'epochs', 'optimizer'].map((name) =>
              expect.objectContaining({ code: 'BAD_PARAMETER', field: ['parameters', name] }),
            ),
          ),
        },
      ],
    ];
    for (const [input, error] of refused) await expect(world.train(input)).rejects.toMatchObject(error);
    expect(await everything()).toEqual(before);
  });
});

describe('starting an evaluation', () => {
  const untrained = async () => (await world.train()).experimentUuid;
  const trained = async () => {
    const uuid = await untrained();
    await world.db.query("UPDATE experiment SET state = 'SUCCEEDED' WHERE id = $1", [uuid]);
    return uuid;
  };

  it('needs weights, lights, and colours that were learnt', async () => {
    await expect(world.evaluate(await untrained(), 'BEST')).rejects.toMatchObject({
      code: 'EXPERIMENT_NOT_TRAINED',
    });
    await expect(world.evaluate(newId(), 'BEST')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      field: ['experimentId'],
    });
    const experiment = await trained();
    const noTest = await insertVersion(
      world.db,
      world.project,
      LIGHTS.filter(({ split }) => split !== 'TEST'),
    );
    await expect(world.evaluate(experiment, 'BEST', { datasetVersionUuid: noTest })).rejects.toMatchObject({
      code: 'SPLIT_EMPTY',
    });
    const yellow = await insertVersion(world.db, world.project, [
      ...LIGHTS,
      { color: 'YELLOW', split: 'TEST' },
    ]);
    await expect(world.evaluate(experiment, 'BEST', { datasetVersionUuid: yellow })).rejects.toMatchObject({
      code: 'CLASSES_DIFFER',
      message: expect.stringContaining('1 YELLOW'),
    });
    const strange = await insertVersion(world.db, await insertProject(world.db), LIGHTS);
    await expect(world.evaluate(experiment, 'BEST', { datasetVersionUuid: strange })).rejects.toMatchObject({
      code: 'OTHER_PROJECT',
    });
  });

  it('is one job however many clients race, and not the training that had the key', async () => {
    const experiment = await trained();
    const idempotencyKey = randomUUID();
    const jobs = await Promise.all(
      Array.from({ length: 20 }, () => world.evaluate(experiment, 'BEST', { idempotencyKey })),
    );
    expect(new Set(jobs.map(({ evaluationUuid }) => evaluationUuid)).size).toBe(1);
    await expect(world.evaluate(experiment, 'INITIAL', { idempotencyKey })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await expect(world.train({ idempotencyKey })).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});
