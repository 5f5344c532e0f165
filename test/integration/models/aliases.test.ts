import { toGlobalId } from '../../../src/graphql/node.js';
import { createRegistryWorld, newVersions, type RegistryWorld } from '../../support/registry.js';
import { startTestService, type TestService } from '../../support/service.js';
import { statementsOf } from '../graphql/support/world.js';

const KEY = 'a-key-of-the-tests-1';
let service: TestService;
let world: RegistryWorld;
let name: string;
beforeAll(async () => {
  service = await startTestService();
  world = await createRegistryWorld(service.db, 1);
  [{ name }] = await service.db.query('SELECT name FROM project WHERE id = $1', [world.project]);
});
afterAll(() => service.stop());

const SET = `mutation ($input: SetModelAliasInput!) { setModelAlias(input: $input) {
  modelAlias { name version { number } } change { seq forced from { number } to { number } reason actor gateReport { verdict } }
  userErrors { code field message } } }`;
const REMOVE = `mutation ($input: RemoveModelAliasInput!) { removeModelAlias(input: $input) {
  modelAlias { name } change { seq from { number } to { number } } userErrors { code field } } }`;
const set = async (modelVersionId: string, alias: string, rest: object = {}) =>
  (await service.ask(SET, { input: { modelVersionId, alias, ...rest } })).data.setModelAlias;
const remove = async (alias: string, rest: object = {}) =>
  (await service.ask(REMOVE, { input: { modelId: toGlobalId('Model', world.model), alias, ...rest } })).data
    .removeModelAlias;

interface Step {
  seq: number;
  from: { id: string } | null;
  to: { id: string } | null;
}
const historyOf = async (alias: string): Promise<Step[]> =>
  (
    await service.ok(
      `query ($project: ID!, $alias: String!) { modelAliasHistory(projectId: $project, where: {alias: {eq: $alias}},
         orderBy: [{field: SEQ}]) { nodes { seq from { id } to { id } } } }`,
      { project: name, alias },
    )
  ).modelAliasHistory.nodes;

test('an alias moves from version to version, and the history says from where, by whom and why', async () => {
  const [one, two] = (await newVersions(world, 2)) as [string, string];
  expect(await set(one, 'candidate')).toMatchObject({
    modelAlias: { name: 'candidate' },
    change: { from: null, reason: '', actor: 'anonymous', forced: false, gateReport: null },
  });
  expect(await set(two, 'candidate', { reason: 'more data' })).toMatchObject({
    change: { reason: 'more data' },
  });
  expect((await set(two, 'candidate')).change).toBeNull();
  const steps = await historyOf('candidate');
  expect(steps.map(({ from, to }) => [from?.id, to?.id])).toEqual([
    [undefined, one],
    [one, two],
  ]);
});

test('a version is found by its alias or its number, whatever slashes its names hold', async () => {
  const [one] = (await newVersions(world, 1)) as [string];
  await set(one, 'staging');
  const ask = (id: string) => service.ask('query ($id: ID!) { modelVersion(id: $id) { id number } }', { id });
  const { data } = await ask(`${name}/colour@staging`);
  expect(data.modelVersion.id).toBe(one);
  expect((await ask(`${name}/colour@${data.modelVersion.number}`)).data.modelVersion.id).toBe(one);
  for (const none of [`${name}/colour@nowhere`, `${name}/colour@0`, `${name}@staging`, 'colour'])
    expect((await ask(none)).errors?.[0]?.extensions.code).toBe('NOT_FOUND');
});

test('a removal is a step of the history; done again it is the same step', async () => {
  const [one] = (await newVersions(world, 1)) as [string];
  await set(one, 'shadow');
  const first = await remove('shadow', { reason: 'done' });
  expect(first).toMatchObject({ modelAlias: null, change: { to: null }, userErrors: [] });
  expect(await remove('shadow')).toEqual(first);
  expect(await historyOf('shadow')).toHaveLength(2);
  expect((await remove('never-there')).userErrors).toEqual([{ code: 'NOT_FOUND', field: ['alias'] }]);
});

test('of ten who set an alias at a time all are in the history, in order, and the last holds it', async () => {
  const versions = await newVersions(world, 10);
  const answers = await Promise.all(versions.map((version) => set(version, 'raced')));
  expect(answers.flatMap(({ userErrors }) => userErrors)).toEqual([]);
  const steps = await historyOf('raced');
  expect(new Set(steps.map(({ to }) => to?.id))).toEqual(new Set(versions));
  for (const [at, step] of steps.entries()) expect(step.from?.id).toBe(steps[at - 1]?.to?.id);
  const seqs = steps.map(({ seq }) => seq);
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  const { modelVersion } = await service.ok(`{ modelVersion(id: "${name}/colour@raced") { id } }`);
  expect(modelVersion.id).toBe(steps.at(-1)?.to?.id);
});

test('of ten who expect the same holder one wins; the others are told, and nothing of theirs is kept', async () => {
  const [first, ...others] = (await newVersions(world, 11)) as [string, ...string[]];
  await set(first, 'expected');
  const answers = await Promise.all(
    others.map((version) => set(version, 'expected', { expectedVersionId: first })),
  );
  expect(answers.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(1);
  for (const { userErrors } of answers.filter(({ change }) => change === null))
    expect(userErrors).toMatchObject([{ code: 'CONFLICT', field: ['expectedVersionId'] }]);
  expect(await historyOf('expected')).toHaveLength(2);
  expect((await set(first, 'expected', { expectedVersionId: null })).userErrors).toMatchObject([
    { code: 'CONFLICT' },
  ]);
  expect((await remove('expected', { expectedVersionId: first })).userErrors).toMatchObject([
    { code: 'CONFLICT' },
  ]);
});

test.each(['', 'Champion', '1st', 'a b', 'a'.repeat(64), 'é'])('the alias %j is refused', async (alias) => {
  const [one] = (await newVersions(world, 1)) as [string];
  expect((await set(one, alias)).userErrors).toMatchObject([{ code: 'BAD_USER_INPUT', field: ['alias'] }]);
});

test('the history can neither be changed nor cut', async () => {
  for (const statement of [
    "UPDATE model_alias_change SET actor = 'nobody'",
    'DELETE FROM model_alias_change',
  ])
    await expect(service.db.query(statement)).rejects.toThrow('never changed');
});

test('a deleted project takes its versions, aliases and history along', async () => {
  const other = await createRegistryWorld(service.db, 1);
  const [one] = (await newVersions(other, 1)) as [string];
  await set(one, 'candidate');
  await service.db.query('DELETE FROM project WHERE id = $1', [other.project]);
  const [{ n }] = await service.db.query(
    'SELECT count(*)::int AS n FROM model_alias_change WHERE model_id = $1',
    [other.model],
  );
  expect(n).toBe(0);
});

test('the history costs the same for one step as for all', async () => {
  const query = (first: number) => `{ modelAliasHistory(projectId: "${name}", first: ${first}) { nodes {
    alias model { name aliases { name } } from { number } to { number aliases { name } } gateReport { verdict } } } }`;
  const counts: string[][] = [];
  for (const first of [2, 20])
    counts.push((await statementsOf(service.db, () => service.ok(query(first)))).sort());
  expect(counts[0]).toEqual(counts[1]);
});

test('where keys are asked for, the history knows each by a label that is not the key', async () => {
  const keyed = await startTestService({ env: { SHINGO_API_KEYS: `${KEY},another-key-of-tests` } });
  try {
    const there = await createRegistryWorld(keyed.db, 1);
    const [one, two] = (await newVersions(there, 2)) as [string, string];
    const as = async (modelVersionId: string, key: string) =>
      (
        await keyed.ask(
          SET,
          { input: { modelVersionId, alias: 'candidate' } },
          { authorization: `Bearer ${key}` },
        )
      ).data.setModelAlias.change.actor as string;
    const [first, second] = [await as(one, KEY), await as(two, 'another-key-of-tests')];
    expect(first).toMatch(/^key-[0-9a-f]{8}$/);
    expect(second).not.toBe(first);
    expect(await as(one, KEY)).toBe(first);
  } finally {
    await keyed.stop();
  }
});
