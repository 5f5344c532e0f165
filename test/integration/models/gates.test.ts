import { toGlobalId } from '../../../src/graphql/node.js';
import {
  createRegistryWorld,
  NIGHT,
  newEvaluation,
  newVersionOf,
  newExperiment,
  RAIN,
  right,
  wrong,
  type Answer,
  type RegistryWorld,
} from '../../support/registry.js';
import { startTestService, type TestService } from '../../support/service.js';
import { statementsOf } from '../graphql/support/world.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

interface Verdicts {
  verdict: string;
  results: { rule: { name: string }; verdict: string; sentence: string; slices: any[]; [key: string]: any }[];
}

const REPORT = `query ($id: ID!) { gateReport(modelVersionId: $id) { verdict champion { id } results {
  rule { name threshold } verdict value n lower upper threshold sentence evaluation { id } baseline { id }
  slices { condition verdict value n lower upper method } } } }`;
const reportOf = async (id: string): Promise<Verdicts> => (await service.ok(REPORT, { id })).gateReport;
const verdictsOf = async (id: string) =>
  Object.fromEntries((await reportOf(id)).results.map(({ rule, verdict }) => [rule.name, verdict]));

const CREATE = `mutation ($input: CreateGateRuleInput!) { createGateRule(input: $input) {
  gateRule { id name metric task everyCondition } userErrors { code field message } } }`;
const ruleInput = (world: RegistryWorld, rest: object) => ({
  ...{ projectId: toGlobalId('Project', world.project), datasetId: toGlobalId('Dataset', world.dataset) },
  ...{ protocol: 'light-state', metric: 'accuracy', bound: 'LOWER', threshold: 0.9, ...rest },
});
const rule = async (world: RegistryWorld, rest: object) =>
  (await service.ok(CREATE, { input: ruleInput(world, rest) })).createGateRule.gateRule;

const promote = async (modelVersionId: string, rest: object = {}) =>
  (
    await service.ask(
      `mutation ($input: SetModelAliasInput!) { setModelAlias(input: $input) { modelAlias { since }
         change { forced reason gateReport { verdict results { rule { name threshold } verdict sentence } } }
         userErrors { code message } } }`,
      { input: { modelVersionId, alias: 'champion', ...rest } },
    )
  ).data.setModelAlias;

/** A version with one finished evaluation. */
async function evaluated(world: RegistryWorld, answer: Answer): Promise<string> {
  const experiment = await newExperiment(world);
  await newEvaluation(world, { experiment }, answer);
  return newVersionOf(world, experiment);
}

const wrongAt =
  (place: number): Answer =>
  (light, index) =>
    (light.conditions?.includes(place) ? wrong : right)(light, index);

test('labels swapped in one condition fail the gate of that condition and no other', async () => {
  const world = await createRegistryWorld(service.db, 60);
  await rule(world, { name: 'by night', condition: 'night' });
  await rule(world, { name: 'in the rain', condition: 'rain' });
  await rule(world, { name: 'green', class: 'GREEN', metric: 'recall', condition: 'rain', threshold: 0.85 });
  await rule(world, { name: 'not worse', bound: 'NOT_WORSE', threshold: 0.1, everyCondition: true });
  const champion = await evaluated(world, right);
  expect(await verdictsOf(champion)).toEqual({
    ...{ 'by night': 'PASS', 'in the rain': 'PASS' },
    ...{ green: 'PASS', 'not worse': 'PASS' },
  });
  expect((await promote(champion)).userErrors).toEqual([]);
  const candidate = await evaluated(world, wrongAt(NIGHT));
  const report = await reportOf(candidate);
  expect(Object.fromEntries(report.results.map(({ rule: { name }, verdict }) => [name, verdict]))).toEqual({
    ...{ 'by night': 'FAIL', 'in the rain': 'PASS' },
    ...{ green: 'PASS', 'not worse': 'FAIL' },
  });
  const notWorse = report.results.find(({ rule: { name } }) => name === 'not worse');
  expect(notWorse?.slices.map(({ condition, verdict }) => [condition, verdict])).toEqual([
    [null, 'FAIL'],
    ['night', 'FAIL'],
    ['rain', 'PASS'],
  ]);
  expect(notWorse?.slices[1]).toMatchObject({ value: -1, n: 60 });
  // 60 of 60: Wilson's lower bound by hand, 60 / (60 + 1.96²).
  const rain = report.results.find(({ rule: { name } }) => name === 'in the rain');
  expect(rain?.lower).toBeCloseTo(60 / (60 + 1.959963984540054 ** 2), 10);
  expect(rain).toMatchObject({ value: 1, n: 60, threshold: 0.9, evaluation: { id: expect.any(String) } });
});

test('the champion is refused with a sentence for each rule that is open, and forced only with a reason', async () => {
  const world = await createRegistryWorld(service.db, 60);
  await rule(world, { name: 'by night', condition: 'night' });
  await rule(world, { name: 'in the rain', condition: 'rain' });
  const version = await evaluated(world, wrongAt(RAIN));
  const refused = await promote(version);
  expect(refused).toMatchObject({
    modelAlias: null,
    change: null,
    userErrors: [{ code: 'GATE_NOT_PASSED' }],
  });
  expect(refused.userErrors[0].message).toMatch(/^in the rain: FAIL\. accuracy in rain is 0 % \(n = 60\)/);
  expect((await promote(version, { force: true })).userErrors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  expect((await promote(version, { force: true, reason: ' ' })).userErrors).toHaveLength(1);

  const forced = await promote(version, { force: true, reason: 'the sensor was wet' });
  const { id } = await rule(world, {
    name: 'added later',
    metric: 'red_as_green',
    bound: 'UPPER',
    threshold: 0.01,
  });
  await service.ok(`mutation { deleteGateRule(input: {id: "${id}"}) { userErrors { code } } }`);
  const { modelAliasHistory } = await service.ok(
    `query ($id: ID!) { modelAliasHistory(projectId: $id) { nodes { forced reason
       gateReport { verdict results { rule { name threshold } verdict sentence } } } } }`,
    { id: toGlobalId('Project', world.project) },
  );
  expect(modelAliasHistory.nodes).toEqual([forced.change]);
  expect(forced.change).toMatchObject({
    ...{ forced: true, reason: 'the sensor was wet' },
    gateReport: {
      verdict: 'FAIL',
      results: [
        { rule: { name: 'by night' }, verdict: 'PASS' },
        { rule: { name: 'in the rain', threshold: 0.9 }, verdict: 'FAIL' },
      ],
    },
  });
  // Nothing stands before the others.
  const other = await evaluated(world, wrong);
  const { setModelAlias } = await service.ok(
    'mutation ($id: ID!) { setModelAlias(input: {modelVersionId: $id, alias: "candidate"}) { change { forced gateReport { verdict } } userErrors { code } } }',
    { id: other },
  );
  expect(setModelAlias.change).toEqual({ forced: false, gateReport: null });
});

test('force where every gate is passed is no force', async () => {
  const world = await createRegistryWorld(service.db, 60);
  await rule(world, { name: 'good' });
  const { change } = await promote(await evaluated(world, right), { force: true, reason: 'in a hurry' });
  expect(change).toMatchObject({ forced: false, reason: 'in a hurry', gateReport: { verdict: 'PASS' } });
});

test('too few lights, no evaluation and no such figure are no passes', async () => {
  const world = await createRegistryWorld(service.db, 10);
  await rule(world, { name: 'few', condition: 'night' });
  await rule(world, { name: 'enough', threshold: 0.5 });
  await rule(world, { name: 'other split', split: 'VALIDATION' });
  await rule(world, { name: 'no such class', metric: 'recall', class: 'YELLOW' });
  await rule(world, {
    name: 'no such class, compared',
    metric: 'recall',
    class: 'YELLOW',
    bound: 'NOT_WORSE',
    threshold: 0.1,
  });
  const version = await evaluated(world, right);
  expect(await verdictsOf(version)).toEqual({
    ...{ few: 'INSUFFICIENT_DATA', enough: 'PASS', 'other split': 'NOT_EVALUATED' },
    ...{ 'no such class': 'NOT_EVALUATED', 'no such class, compared': 'PASS' },
  });
  expect(
    (await promote(version)).userErrors.map(({ message }: { message: string }) => message.split(':')[0]),
  ).toEqual(expect.arrayContaining(['few', 'no such class', 'other split']));
  await promote(version, { force: true, reason: 'the first' });
  const next = await newVersionOf(world, await newExperiment(world));
  expect(new Set(Object.values(await verdictsOf(next)))).toEqual(new Set(['NOT_EVALUATED']));
  expect((await verdictsOf(await evaluated(world, right)))['no such class, compared']).toBe('NOT_EVALUATED');
});

test('a champion without an evaluation on the same data leaves NOT_WORSE open', async () => {
  const world = await createRegistryWorld(service.db, 60);
  await rule(world, { name: 'not worse', bound: 'NOT_WORSE', threshold: 0.05 });
  await promote(await newVersionOf(world, await newExperiment(world)));
  expect(await verdictsOf(await evaluated(world, right))).toEqual({ 'not worse': 'NOT_EVALUATED' });
});

test('the newest finished evaluation counts; one that is under way does not', async () => {
  const world = await createRegistryWorld(service.db, 60);
  await rule(world, { name: 'good' });
  const experiment = await newExperiment(world);
  await newEvaluation(world, { experiment }, wrong);
  const version = await newVersionOf(world, experiment);
  expect(await verdictsOf(version)).toEqual({ good: 'FAIL' });
  const newest = await newEvaluation(world, { experiment }, right);
  expect(await verdictsOf(version)).toEqual({ good: 'PASS' });
  await service.db.query("UPDATE evaluation SET state = 'RUNNING', finished_at = NULL WHERE id = $1", [
    newest,
  ]);
  expect(await verdictsOf(version)).toEqual({ good: 'FAIL' });
});

test('a rule of one model or of another task says nothing of the others', async () => {
  const world = await createRegistryWorld(service.db, 60);
  const { createModel } = await service.ok(
    'mutation ($id: ID!) { createModel(input: {projectId: $id, name: "other"}) { model { id } userErrors { code } } }',
    { id: toGlobalId('Project', world.project) },
  );
  await rule(world, { name: 'of the other', modelId: createModel.model.id });
  await rule(world, { name: 'of ours', modelId: toGlobalId('Model', world.model) });
  await rule(world, { name: 'of detections', protocol: 'light-detection', metric: 'ap' });
  expect(await verdictsOf(await evaluated(world, right))).toEqual({ 'of ours': 'PASS' });
});

test('rules are declared, changed and taken back', async () => {
  const world = await createRegistryWorld(service.db, 60);
  const made = await rule(world, { name: 'strict', threshold: 0.99, condition: 'night' });
  const version = await evaluated(world, right);
  expect(await verdictsOf(version)).toEqual({ strict: 'FAIL' });
  const UPDATE = `mutation ($input: UpdateGateRuleInput!) { updateGateRule(input: $input) {
    gateRule { threshold condition name } userErrors { code field } } }`;
  const update = async (rest: object) =>
    (await service.ask(UPDATE, { input: { id: made.id, ...rest } })).data.updateGateRule;
  expect(await update({ threshold: 0.9, name: null })).toEqual({
    gateRule: { threshold: 0.9, condition: 'night', name: 'strict' },
    userErrors: [],
  });
  expect((await update({ condition: null })).gateRule.condition).toBeNull();
  expect((await update({ bound: 'UPPER' })).userErrors).toEqual([
    { code: 'BAD_USER_INPUT', field: ['bound'] },
  ]);
  expect(await verdictsOf(version)).toEqual({ strict: 'PASS' });
  for (const _ of [1, 2])
    await service.ok(`mutation { deleteGateRule(input: {id: "${made.id}"}) { userErrors { code } } }`);
  expect((await reportOf(version)).verdict).toBe('PASS');
});

test.each([
  ['no name', { name: ' ' }, 'BAD_USER_INPUT', 'name'],
  ['another metric', { metric: 'ap' }, 'BAD_USER_INPUT', 'metric'],
  ['a floor under an error', { metric: 'ece' }, 'BAD_USER_INPUT', 'bound'],
  ['a ceiling over a quality', { bound: 'UPPER' }, 'BAD_USER_INPUT', 'bound'],
  ['a threshold in per cent', { threshold: 95 }, 'BAD_USER_INPUT', 'threshold'],
  [
    'a class of red as green',
    { metric: 'red_as_green', bound: 'UPPER', class: 'RED' },
    'BAD_USER_INPUT',
    'class',
  ],
  ['an unknown condition', { condition: 'fog' }, 'CONDITION_UNKNOWN', 'condition'],
  ['one condition and all', { condition: 'night', everyCondition: true }, 'BAD_USER_INPUT', 'condition'],
  ['an unknown protocol', { protocol: 'mine' }, 'NOT_FOUND', 'protocol'],
  ['an unknown size', { sizeBin: 4 }, 'BAD_USER_INPUT', 'sizeBin'],
])('a rule with %s is refused', async (_, change, code, field) => {
  const world = await refusing();
  const { data } = await service.ask(CREATE, { input: ruleInput(world, { name: 'refused', ...change }) });
  expect(data.createGateRule).toMatchObject({ gateRule: null, userErrors: [{ code, field: [field] }] });
});

let shared: Promise<RegistryWorld> | undefined;
const refusing = () => (shared ??= createRegistryWorld(service.db, 1));

test('a name stands once, things of another project are refused, and so is the 101st rule', async () => {
  const world = await refusing();
  const other = await createRegistryWorld(service.db, 1);
  await rule(world, { name: 'once' });
  const codeOf = async (rest: object) =>
    (await service.ask(CREATE, { input: ruleInput(world, rest) })).data.createGateRule.userErrors[0]?.code;
  expect(await codeOf({ name: 'once' })).toBe('NAME_TAKEN');
  expect(await codeOf({ name: 'x', datasetId: toGlobalId('Dataset', other.dataset) })).toBe('OTHER_PROJECT');
  expect(await codeOf({ name: 'x', modelId: toGlobalId('Model', other.model) })).toBe('OTHER_PROJECT');
  await service.db.query(
    `INSERT INTO gate_rule (id, project_id, name, dataset_id, split, protocol, task, metric, bound, threshold)
     SELECT gen_random_uuid(), project_id, n::text, dataset_id, split, protocol, task, metric, bound, threshold
     FROM gate_rule, generate_series(1, 99) n WHERE project_id = $1`,
    [world.project],
  );
  expect(await codeOf({ name: 'one too many' })).toBe('BAD_USER_INPUT');
});

test('a report costs the same for one rule as for many', async () => {
  const world = await createRegistryWorld(service.db, 60);
  await promote(await evaluated(world, right));
  const version = await evaluated(world, right);
  await rule(world, { name: 'bound' });
  await rule(world, { name: 'compared', bound: 'NOT_WORSE' });
  const cost = () => statementsOf(service.db, () => reportOf(version));
  const few = await cost();
  for (let n = 0; n < 8; n++) {
    await rule(world, { name: `bound ${n}`, condition: 'night' });
    await rule(world, { name: `compared ${n}`, bound: 'NOT_WORSE', condition: 'rain' });
  }
  expect(await cost()).toEqual(few);
  expect(few.length).toBeLessThan(10);
});
