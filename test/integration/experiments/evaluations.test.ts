/** Protocols, cells, hygiene, and what a crash or another attempt leaves of an evaluation. */
import type { GraphQLSchema } from 'graphql';
import { outcomesOf } from '../../../src/experiments/evaluate/outcomes.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { newId } from '../../../src/platform/ids.js';
import { createSchema } from '../../../src/schema.js';
import { ask as askSchema } from './support/ask.js';
import {
  createWorld,
  insertVersion,
  LIGHTS as TRAINABLE,
  type LightRow,
  type World,
} from '../../faults/world.js';

let world: World;
let schema: GraphQLSchema;
let experiment: string;
let evaluation: string;
/** 24 reds and 12 greens to test on; by night half of each. */
const TEST: LightRow[] = Array.from({ length: 36 }, (_, i) => ({
  color: i < 24 ? 'RED' : 'GREEN',
  split: 'TEST',
  conditions: i % 2 === 0 ? [0] : [],
}));
let version: string;

beforeAll(async () => {
  [world, schema] = await Promise.all([createWorld(), createSchema()]);
  await world.worker({});
  const trained = await world.train();
  await world.until(trained.uuid);
  experiment = trained.experimentUuid;
  version = await insertVersion(world.db, world.project, TEST);
  const job = await world.evaluate(experiment, 'BEST', { datasetVersionUuid: version });
  expect(await world.until(job.uuid)).toMatchObject({ state: 'SUCCEEDED', reasonMessage: null });
  evaluation = job.evaluationUuid!;
});
afterAll(() => world.stop());

const ask = (source: string, variables: object = {}) => askSchema(world, schema, source, variables);

const cells = async (filter: string) => {
  const { data } = await ask(
    `query ($id: ID!) { evaluation(id: $id) { cells(${filter}) {
       metric class condition conditionVersion sizeBin value n lower upper method state } } }`,
    { id: toGlobalId('Evaluation', evaluation) },
  );
  return data.evaluation.cells;
};

describe('protocols', () => {
  const projectId = () => toGlobalId('Project', world.project);
  const create = async (input: object) =>
    (
      await ask(
        `mutation ($input: CreateEvaluationProtocolInput!) { createEvaluationProtocol(input: $input) {
           protocol { id name version task iouThresholds sizeBounds minimumN } userErrors { code message field } } }`,
        { input: { projectId: projectId(), ...input } },
      )
    ).data.createEvaluationProtocol;
  const update = async (id: string, change: object) =>
    (
      await ask(
        `mutation ($input: UpdateEvaluationProtocolInput!) { updateEvaluationProtocol(input: $input) {
           protocol { id version minimumN scoreThreshold } userErrors { code field } } }`,
        { input: { id, ...change } },
      )
    ).data.updateEvaluationProtocol;

  it('are there from the start', async () => {
    const { data } = await ask(
      `query ($projectId: ID!) { evaluationProtocols(projectId: $projectId, orderBy: [{ field: NAME }]) {
         nodes { name version task ignoreRule boxConvention intervalMethod confidence resamples maxDetections } } }`,
      { projectId: projectId() },
    );
    const common = {
      ...{ version: 1, ignoreRule: 'UNKNOWN_COLOR', boxConvention: 'CONTINUOUS' },
      ...{ intervalMethod: 'WILSON_OR_BOOTSTRAP', confidence: 0.95, resamples: 1000 },
    };
    expect(data.evaluationProtocols.nodes).toEqual([
      { name: 'light-detection', task: 'LIGHT_DETECTION', maxDetections: [1, 10, 100], ...common },
      { name: 'light-state', task: 'LIGHT_STATE', maxDetections: [], ...common },
    ]);
  });

  it('are changed by a next version, and the same values again are the same version', async () => {
    const made = await create({ name: 'strict', task: 'LIGHT_DETECTION', minimumN: 50 });
    expect(made.protocol).toMatchObject({
      name: 'strict',
      version: 1,
      minimumN: 50,
      sizeBounds: [8, 16, 32],
    });
    const { id } = made.protocol;
    expect((await update(id, { minimumN: 50 })).protocol).toMatchObject({ id, version: 1 });
    const all = await Promise.all([1, 2, 3, 4].map((n) => update(id, { scoreThreshold: n / 10 + 0.05 })));
    expect(all.map(({ protocol }) => protocol.version).sort()).toEqual([2, 3, 4, 5]);
    expect(new Set(all.map(({ protocol }) => protocol.minimumN))).toEqual(new Set([50]));
  });

  it('are refused for each value that cannot be', async () => {
    const wrong = { name: 'Wrong', iouThresholds: [0.9, 0.6], sizeBounds: [-1], minimumN: 0, confidence: 1 };
    const { userErrors } = await create({ ...wrong, task: 'LIGHT_DETECTION' });
    const fields = userErrors.map(({ field }: { field: string[] }) => field[0]);
    expect(new Set(fields)).toEqual(new Set(Object.keys(wrong)));
    expect(userErrors.every(({ code }: { code: string }) => code === 'BAD_USER_INPUT')).toBe(true);
    const state = await create({ name: 'state', task: 'LIGHT_STATE', iouThresholds: [0.5] });
    expect(state.userErrors).toMatchObject([{ field: ['iouThresholds'] }]);
    expect((await create({ name: 'light-state', task: 'LIGHT_STATE' })).userErrors).toMatchObject([
      { code: 'NAME_TAKEN', field: ['name'] },
    ]);
  });

  it('of another task or project are no protocol of an evaluation', async () => {
    const { protocol } = await create({ name: 'boxes', task: 'LIGHT_DETECTION' });
    const protocolUuid = Buffer.from(protocol.id, 'base64url').toString().split(':')[1]!;
    await expect(
      world.evaluate(experiment, 'BEST', { datasetVersionUuid: version, protocolUuid }),
    ).rejects.toMatchObject({ code: 'PROTOCOL_TASK', field: ['protocolId'] });
    await expect(
      world.evaluate(experiment, 'BEST', { datasetVersionUuid: version, protocolUuid: newId() }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('cells of LIGHT_STATE, of a model that always says GREEN', () => {
  const all = 'classes: [null], conditions: [null], sizeBins: [null]';

  it('have n, interval and method', async () => {
    const found = await cells(`metrics: ["accuracy", "red_as_green", "f1", "ece"], ${all}`);
    const common = { class: null, condition: null, conditionVersion: null, sizeBin: null, state: 'OK' };
    expect(found).toEqual([
      {
        metric: 'accuracy',
        ...common,
        n: 36,
        value: 1 / 3,
        lower: expect.closeTo(0.2021, 3),
        upper: expect.closeTo(0.4966, 3),
        method: 'WILSON',
      },
      {
        metric: 'ece',
        ...common,
        n: 36,
        value: expect.closeTo(2 / 3, 9),
        lower: expect.any(Number),
        upper: expect.any(Number),
        method: 'BOOTSTRAP',
      },
      // F1 of GREEN is 2 · 12 / (12 + 36), of RED 0.
      {
        metric: 'f1',
        ...common,
        n: 36,
        value: expect.closeTo(0.25, 9),
        lower: expect.any(Number),
        upper: expect.any(Number),
        method: 'BOOTSTRAP',
      },
      {
        metric: 'red_as_green',
        ...common,
        n: 24,
        value: 1,
        lower: expect.closeTo(0.862, 3),
        upper: 1,
        method: 'WILSON',
      },
    ]);
    for (const { value, lower, upper } of found) {
      expect(lower).toBeLessThanOrEqual(value);
      expect(upper).toBeGreaterThanOrEqual(value);
    }
  });

  it('say INSUFFICIENT_DATA below the minimum n of the protocol, which is 20', async () => {
    const found = await cells('metrics: ["recall"], sizeBins: [null]');
    const states = found.map(({ class: name, condition, n, state }: any) => [condition, name, n, state]);
    expect(states).toEqual([
      [null, null, 36, 'OK'],
      [null, 'GREEN', 12, 'INSUFFICIENT_DATA'],
      [null, 'RED', 24, 'OK'],
      ['night', null, 18, 'INSUFFICIENT_DATA'],
      ['night', 'GREEN', 6, 'INSUFFICIENT_DATA'],
      ['night', 'RED', 12, 'INSUFFICIENT_DATA'],
      ['rain', null, 0, 'INSUFFICIENT_DATA'],
      ['rain', 'GREEN', 0, 'INSUFFICIENT_DATA'],
      ['rain', 'RED', 0, 'INSUFFICIENT_DATA'],
    ]);
  });

  it('lie in the size bin of their width, 8 px', async () => {
    const found = await cells('metrics: ["accuracy"], conditions: [null], sizeBins: [0, 1, 2, 3]');
    expect(found.map(({ sizeBin, n }: any) => [sizeBin, n])).toEqual([
      [0, 0],
      [1, 36],
      [2, 0],
      [3, 0],
    ]);
  });

  it('are read with a limit, in one statement for any number of evaluations', async () => {
    expect(await cells('first: 3')).toHaveLength(3);
    await expect(cells('first: 5001')).rejects.toMatchObject({ originalError: { code: 'BAD_USER_INPUT' } });
    const list = `query ($projectId: ID!, $first: Int!) { evaluations(projectId: $projectId, first: $first) { nodes {
      model { name } protocol { name } experiment { name } datasetVersion { id } job { state }
      conditions { condition n accuracy reliability { n } errors { missed } } cells(metrics: ["f1"]) { value } } } }`;
    const more = await world.evaluate(experiment, 'INITIAL', { datasetVersionUuid: version });
    await world.until(more.uuid);
    const projectId = toGlobalId('Project', world.project);
    const [one, two] = [await ask(list, { projectId, first: 1 }), await ask(list, { projectId, first: 2 })];
    expect(two.data.evaluations.nodes.map((node: any) => node.cells.length)).toEqual([45, 45]);
    expect(two.statements.sort()).toEqual(one.statements.sort());
    expect(new Set(two.statements).size).toBe(two.statements.length);
  });

  it('have the outcomes of each light beside them', async () => {
    const outcomes = [];
    for await (const one of outcomesOf(world.db, evaluation)) outcomes.push(one);
    expect(outcomes).toHaveLength(36);
    expect(outcomes.filter(({ right }) => right)).toHaveLength(12);
    expect(new Set(outcomes.map(({ light, predicted }) => `${light} ${predicted}`))).toEqual(
      new Set(['2 0']),
    );
    const keys = outcomes.map(({ sha256 }) => sha256);
    expect(keys).toEqual([...keys].sort());
  });
});

describe('images that the model was trained on', () => {
  it('are refused with their number and examples', async () => {
    await expect(world.evaluate(experiment, 'BEST', { split: 'TRAIN' as never })).rejects.toMatchObject({
      ...{ code: 'TEST_IMAGES_TRAINED_ON', field: ['split'] },
      message: expect.stringMatching(/^3 images of the TRAIN split, such as "[0-9a-f]{64}", "/),
    });
  });

  it('are those of the experiments that it began with, too', async () => {
    const parts = await insertVersion(world.db, world.project, TRAINABLE);
    const child = await world.train({ datasetVersionUuid: parts, parentUuid: experiment });
    await world.until(child.uuid);
    await expect(
      world.evaluate(child.experimentUuid, 'BEST', { split: 'TRAIN' as never }),
    ).rejects.toMatchObject({ code: 'TEST_IMAGES_TRAINED_ON' });
    const job = await world.evaluate(child.experimentUuid, 'BEST');
    expect((await world.until(job.uuid)).state).toBe('SUCCEEDED');
  });

  it('are found by their bytes in another version', async () => {
    const other = await insertVersion(world.db, world.project, TEST);
    await world.db.query(
      `UPDATE dataset_item SET sha256 = (SELECT sha256 FROM dataset_item WHERE version_id = $2 AND split = 'TRAIN' LIMIT 1)
       WHERE version_id = $1 AND sha256 = (SELECT min(sha256) FROM dataset_item WHERE version_id = $1)`,
      [other, world.versionUuid],
    );
    await expect(world.evaluate(experiment, 'BEST', { datasetVersionUuid: other })).rejects.toMatchObject({
      ...{ code: 'TEST_IMAGES_TRAINED_ON', message: expect.stringMatching(/^1 image of the TEST split/) },
    });
  });
});

describe('what is stored', () => {
  const counts = async (uuid: string) => {
    const [row] = await world.db.query(
      `SELECT (SELECT count(*)::int FROM evaluation_prediction WHERE evaluation_id = $1) AS lights,
         (SELECT count(*)::int FROM evaluation_cell WHERE evaluation_id = $1) AS cells,
         (SELECT count(*)::int FROM evaluation_condition WHERE evaluation_id = $1) AS conditions`,
      [uuid],
    );
    return row;
  };

  it('is nothing where the end of the job cannot be written, and all of it when it is tried again', async () => {
    // The last write of the transaction that ends the job fails once, when all figures are written.
    await world.db.query(
      `CREATE FUNCTION break_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF NEW.state = 'SUCCEEDED' AND NEW.kind = 'EVALUATION' AND NEW.crashes = 0 THEN
           RAISE EXCEPTION 'a fault at the very end';
         END IF; RETURN NEW; END $$`,
    );
    await world.db.query(
      'CREATE TRIGGER break_once BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION break_once()',
    );
    try {
      const job = await world.evaluate(experiment, 'BEST', { datasetVersionUuid: version });
      await world.until(job.uuid, ({ crashes }) => crashes === 1);
      const first = await counts(job.evaluationUuid!);
      if ((await world.job(job.uuid)).state !== 'SUCCEEDED')
        expect(first).toEqual({ lights: 0, cells: 0, conditions: 0 });
      expect(await world.until(job.uuid)).toMatchObject({ state: 'SUCCEEDED', crashes: 1, attempt: 2 });
      const stored = await counts(job.evaluationUuid!);
      expect(stored).toEqual(await counts(evaluation));
      // Three slices of five sizes of accuracy, red as green and four figures of two classes and both.
      expect(stored).toEqual({ lights: 36, cells: 3 * 5 * (2 + 4 * 3), conditions: 3 });
    } finally {
      await world.db.query('DROP TRIGGER break_once ON job');
      await world.db.query('DROP FUNCTION break_once');
    }
  });
});
