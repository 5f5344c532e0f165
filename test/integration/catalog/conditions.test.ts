/** Conditions: named, versioned filters of images, and which images are in them. */
import fc from 'fast-check';
import type { Project } from '../../../src/catalog/project/project.js';
import { startTestService, type TestService } from '../../support/service.js';
import { filterOf, holds } from '../graphql/support/filters.js';
import { randomImages } from '../graphql/support/imageRows.js';
import { newImage, newProject } from '../graphql/support/world.js';

let service: TestService;
let project: Project;
beforeAll(async () => {
  service = await startTestService();
});
beforeEach(async () => {
  project = await newProject(service.db);
});
afterAll(() => service.stop());

const CREATE = `mutation ($input: CreateConditionInput!) { createCondition(input: $input) {
  condition { id name description version where } userErrors { code message field } } }`;
const UPDATE = `mutation ($input: UpdateConditionInput!) { updateCondition(input: $input) {
  condition { version description where } userErrors { code message field } } }`;
const create = async (name: string, where: object, of = project) =>
  (await service.ask(CREATE, { input: { projectId: of.globalId, name, where } })).data.createCondition;
const update = async (id: string, change: object) =>
  (await service.ask(UPDATE, { input: { id, ...change } })).data.updateCondition;

test('a new project has sunny, night and rain', async () => {
  const { conditions } = await service.ok(
    `{ conditions(projectId: "${project.globalId}", orderBy: [{ field: NAME }]) { nodes { name version where } } }`,
  );
  expect(conditions.nodes.map((node: any) => [node.name, node.version, JSON.parse(node.where)])).toEqual([
    ['night', 1, { timeOfDay: { eq: 'NIGHT' } }],
    ['rain', 1, { weather: { eq: 'RAIN' } }],
    ['sunny', 1, { weather: { in: ['CLEAR', 'PARTLY_CLOUDY'] }, timeOfDay: { eq: 'DAY' } }],
  ]);
});

test('a rainy night is in rain and in night, each with the sources that put it there', async () => {
  const uuid = await newImage(service.db, project, { weather: 'RAIN' as never, facts: { darkness: 0.9 } });
  const { images } = await service.ok(
    `{ images(projectId: "${project.globalId}") { nodes { conditions { condition { name } sources } } } }`,
  );
  expect(uuid).toBeTruthy();
  expect(images.nodes).toEqual([
    {
      conditions: [
        { condition: { name: 'night' }, sources: ['SENSOR'] },
        { condition: { name: 'rain' }, sources: ['LABEL'] },
      ],
    },
  ]);
});

test('another filter is another version; the old ones stay, and a description alone is none', async () => {
  const { condition } = await create('wet', { weather: { eq: 'RAIN' } });
  const versions = async (): Promise<object[]> =>
    service.db.query(
      'SELECT v.version, v.filter FROM condition_version v JOIN condition c ON c.id = v.condition_id WHERE c.name = $1 AND c.project_id = $2 ORDER BY 1',
      ['wet', project.uuid],
    );
  expect((await update(condition.id, { description: 'Rain.' })).condition).toMatchObject({
    version: 1,
    description: 'Rain.',
  });
  expect((await update(condition.id, { where: { weather: { eq: 'RAIN' } } })).condition.version).toBe(1);
  expect(
    (await update(condition.id, { where: { weather: { in: ['RAIN', 'SNOW'] } } })).condition,
  ).toMatchObject({ version: 2, description: 'Rain.' });
  expect((await update(condition.id, { where: { weather: { eq: 'RAIN' } } })).condition.version).toBe(3);
  expect(await versions()).toEqual([
    { version: 1, filter: { weather: { eq: 'RAIN' } } },
    { version: 2, filter: { weather: { in: ['RAIN', 'SNOW'] } } },
    { version: 3, filter: { weather: { eq: 'RAIN' } } },
  ]);
});

test('eight editors at a time make eight versions', async () => {
  const { condition } = await create('busy', { cars: { gt: 0 } });
  const edits = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => update(condition.id, { where: { cars: { gt: n } } }));
  const seen = (await Promise.all(edits)).map((answer) => answer.condition.version as number);
  expect(Math.max(...seen)).toBe(9);
  const [{ n }] = await service.db.query(
    'SELECT count(*)::int AS n FROM condition_version v JOIN condition c ON c.id = v.condition_id WHERE c.name = $1',
    ['busy'],
  );
  expect(n).toBe(9);
});

test.each([
  [{ condition: 'night' }],
  [{ not: { condition: 'night' } }],
  [{ or: [{ weather: { eq: 'RAIN' } }, { and: [{ condition: 'rain' }] }] }],
  [{ condition: 'itself' }],
])('a condition cannot be defined by another, nor by itself: %j', async (where) => {
  const refusal = {
    condition: null,
    userErrors: [{ code: 'FILTER_INVALID', message: expect.any(String), field: null }],
  };
  expect(await create('itself', where)).toEqual(refusal);
  const { condition } = await create('itself', {});
  expect(await update(condition.id, { where })).toEqual(refusal);
});

test.each(['', 'All', 'all', 'Night', '1st', '-x', 'a b', 'nuit_é', 'x'.repeat(64)])(
  'the name %j is refused',
  async (name) => {
    expect((await create(name, {})).userErrors).toEqual([
      { code: 'BAD_USER_INPUT', message: expect.any(String), field: ['name'] },
    ]);
  },
);

test('a name is taken once in a project, and free in the next', async () => {
  const long = `x${'-'.repeat(62)}`;
  expect((await create(long, {})).userErrors).toEqual([]);
  expect((await create(long, {})).userErrors).toMatchObject([{ code: 'NAME_TAKEN', field: ['name'] }]);
  expect((await create(long, {}, await newProject(service.db))).userErrors).toEqual([]);
});

test('an unknown condition is named, with those that there are', async () => {
  const answer = await service.ask(
    `{ images(projectId: "${project.globalId}", where: { condition: "fog" }) { totalCount } }`,
  );
  expect(answer.errors).toMatchObject([
    {
      message: expect.stringMatching(/"fog".*night, rain, sunny/),
      extensions: { code: 'CONDITION_UNKNOWN' },
    },
  ]);
});

test('an image is in a condition exactly if the filter of the condition chooses it', async () => {
  const images = await randomImages(service.db, 40, 11);
  const filters = fc.sample(filterOf(images.shape, 2), { numRuns: 25, seed: 11 });
  for (const [n, where] of filters.entries())
    await service.ok(CREATE, { input: { projectId: images.project.globalId, name: `c${n}`, where } });
  const { images: page } = await service.ok(
    `{ images(projectId: "${images.project.globalId}", first: 50) { nodes { id conditions { condition { name } sources } } } }`,
  );
  let members = 0;
  for (const [index, row] of images.rows.entries()) {
    const names = page.nodes[index].conditions
      .map((one: any) => one.condition.name)
      .filter((name: string) => name.startsWith('c'));
    const wanted = filters.flatMap((where, n) => (holds(images.shape, where, row) ? [`c${n}`] : [])).sort();
    expect(names).toEqual(wanted);
    members += wanted.length;
  }
  expect(members).toBeGreaterThan(40);
});
