/** From an image to the champion that learnt from it and back, from any node; tags and notes. */
import { toGlobalId } from '../../../../src/graphql/node.js';
import { newId } from '../../../../src/platform/ids.js';
import {
  createRegistryWorld,
  newEvaluation,
  newExperiment,
  newVersionOf,
  right,
  type RegistryWorld,
} from '../../../support/registry.js';
import { startTestService, type TestService } from '../../../support/service.js';
import { statementsOf } from '../../graphql/support/world.js';

let service: TestService;
let world: RegistryWorld;
let image: string;
beforeAll(async () => {
  service = await startTestService();
  world = await createRegistryWorld(service.db, 20);
  const uuid = newId();
  await service.db.query(
    `INSERT INTO image (id, project_id, sha256, file_name, width, height)
     SELECT $1, $2, sha256, 'one.png', 8, 8 FROM dataset_item WHERE version_id = $3 AND split = 'TEST' ORDER BY sha256 LIMIT 1`,
    [uuid, world.project, world.version],
  );
  image = toGlobalId('Image', uuid);
});
afterAll(() => service.stop());

/** An experiment, its version and evaluation, made champion under a gate. Returns the ids. */
async function promoted() {
  const experiment = await newExperiment(world);
  const evaluation = await newEvaluation(world, { experiment }, right);
  const version = await newVersionOf(world, experiment);
  await service.ok(
    `mutation ($id: ID!) { setModelAlias(input: {modelVersionId: $id, alias: "champion", reason: "better"}) { userErrors { code message } } }`,
    { id: version },
  );
  return {
    experiment: toGlobalId('Experiment', experiment),
    evaluation: toGlobalId('Evaluation', evaluation),
    version,
  };
}

// Ten levels: pages are small, since each multiplies what the query may touch.
const FORWARD = `query ($image: ID!) { image(id: $image) { datasetVersions(first: 2) { id dataset { versions(first: 2) { id } }
  experiments(first: 6) { id modelVersions { id evaluations(first: 2) { id promotions(first: 2) { alias reason
      gateReport { verdict results { evaluation { id } } } } }
    aliases { name } promotions(first: 2) { alias actor to { id } } } }
  evaluations(first: 6) { id } } } }`;

const BACKWARD = `query ($model: ID!) { model(id: $model) { aliases { name version { id promotions(first: 1) { gateReport { results {
  evaluation { id datasetVersion { images(first: 2, split: TEST) { id fileName } } experiment { id datasetVersion { id } } } } } } } }
  versions(first: 5) { id } experiments(first: 5) { id } } }`;

test('from an image to the alias, and from the alias back to the image', async () => {
  await service.ok(
    `mutation ($input: CreateGateRuleInput!) { createGateRule(input: $input) { userErrors { code message } } }`,
    {
      input: {
        ...{
          projectId: toGlobalId('Project', world.project),
          datasetId: toGlobalId('Dataset', world.dataset),
        },
        ...{
          name: 'good enough',
          protocol: 'light-state',
          metric: 'accuracy',
          bound: 'LOWER',
          threshold: 0.5,
        },
      },
    },
  );
  const first = await promoted();
  const second = await promoted();
  const version = toGlobalId('DatasetVersion', world.version);
  const { image: found } = await service.ok(FORWARD, { image });
  expect(found.datasetVersions).toHaveLength(1);
  const [data] = found.datasetVersions;
  expect(data.id).toBe(version);
  expect(data.dataset.versions).toEqual([{ id: version }]);
  expect(data.evaluations.map(({ id }: any) => id)).toEqual([second.evaluation, first.evaluation]);
  expect(data.experiments.map(({ id }: any) => id)).toEqual([second.experiment, first.experiment]);
  const versions = data.experiments.map((experiment: any) => experiment.modelVersions[0]);
  expect(versions.map(({ id }: any) => id)).toEqual([second.version, first.version]);
  expect(versions.map(({ aliases }: any) => aliases)).toEqual([[{ name: 'champion' }], []]);
  // The newer took it from the older: a step in the history of both.
  expect(versions.map(({ promotions }: any) => promotions.map(({ to }: any) => to.id))).toEqual([
    [second.version],
    [second.version, first.version],
  ]);
  expect(versions[0].evaluations[0].promotions).toEqual([
    {
      ...{ alias: 'champion', reason: 'better' },
      gateReport: { verdict: 'PASS', results: [{ evaluation: { id: second.evaluation } }] },
    },
  ]);

  const { model } = await service.ok(BACKWARD, { model: toGlobalId('Model', world.model) });
  const [champion] = model.aliases;
  expect(champion.version.id).toBe(second.version);
  const [{ evaluation }] = champion.version.promotions[0].gateReport.results;
  expect(evaluation.experiment).toEqual({ id: second.experiment, datasetVersion: { id: version } });
  expect(evaluation.datasetVersion.images).toEqual([{ id: image, fileName: 'one.png' }]);
  expect(model.versions.map(({ id }: any) => id)).toEqual([second.version, first.version]);
  expect(model.experiments.map(({ id }: any) => id)).toEqual([second.experiment, first.experiment]);
});

test('the whole lineage costs as many statements for three models as for one', async () => {
  const ask = () => statementsOf(service.db, () => service.ok(FORWARD, { image }));
  await promoted();
  const few = await ask();
  for (let n = 0; n < 2; n++) await promoted();
  const many = await ask();
  expect(many.sort()).toEqual(few.sort());
  expect(new Set(many).size).toBe(many.length);
});

test('images of a version are read page by page', async () => {
  const ask = async (after: string | null) =>
    (
      await service.ok(
        `query ($id: ID!, $after: String) { datasetVersion(id: $id) { images(first: 1, afterSha256: $after) { id sha256 } } }`,
        { id: toGlobalId('DatasetVersion', world.version), after },
      )
    ).datasetVersion.images;
  const [one] = await ask(null);
  expect(one.id).toBe(image);
  expect(await ask(one.sha256)).toEqual([]);
});

test('forks are the experiments that began with the weights of another', async () => {
  const [parent, child] = [await newExperiment(world), await newExperiment(world)];
  await service.db.query('UPDATE experiment SET parent_id = $1 WHERE id = $2', [parent, child]);
  const { experiment } = await service.ok(
    `query ($id: ID!) { experiment(id: $id) { forks { id parent { id } forks { id } } } }`,
    { id: toGlobalId('Experiment', parent) },
  );
  const own = {
    id: toGlobalId('Experiment', child),
    parent: { id: toGlobalId('Experiment', parent) },
    forks: [],
  };
  expect(experiment.forks).toEqual([own]);
});

test('tags are put on many experiments at once, taken away, and found; the same again changes nothing', async () => {
  const ids = [await newExperiment(world), await newExperiment(world)].map((uuid) =>
    toGlobalId('Experiment', uuid),
  );
  const TAG = `mutation ($input: TagExperimentsInput!) { tagExperiments(input: $input) { experiments { id tags } userErrors { code field } } }`;
  const tag = async (input: object) =>
    (await service.ask(TAG, { input: { ids, ...input } })).data.tagExperiments;
  const both = (tags: string[]) => ids.map((id) => ({ id, tags }));
  expect((await tag({ add: ['night', 'baseline'] })).experiments).toEqual(both(['baseline', 'night']));
  expect((await tag({ add: ['night', 'baseline'] })).experiments).toEqual(both(['baseline', 'night']));
  expect((await tag({ add: ['x'], remove: ['night', 'absent'] })).experiments).toEqual(
    both(['baseline', 'x']),
  );
  const { experiments } = await service.ok(
    `query ($p: ID!) { experiments(projectId: $p, where: {tags: {some: {tag: {eq: "x"}}}}) { nodes { id } totalCount } }`,
    { p: toGlobalId('Project', world.project) },
  );
  expect(experiments).toEqual({ nodes: ids.map((id) => ({ id })), totalCount: 2 });
  const refused = async (input: object) => (await tag(input)).userErrors[0];
  expect(await refused({ add: [''] })).toEqual({ code: 'BAD_USER_INPUT', field: ['add'] });
  expect(await refused({ add: ['a'], remove: ['a'] })).toEqual({ code: 'BAD_USER_INPUT', field: ['remove'] });
  expect(await refused({ add: Array.from({ length: 100 }, (_, n) => `tag ${n}`) })).toEqual({
    code: 'BAD_USER_INPUT',
    field: ['add'],
  });
  expect(await refused({ ids: [...ids, toGlobalId('Experiment', newId())], add: ['y'] })).toEqual({
    code: 'NOT_FOUND',
    field: ['ids'],
  });
  // Of the last two nothing stayed.
  expect((await tag({})).experiments).toEqual(both(['baseline', 'x']));
});

test('notes are written, changed and taken away, with who and when', async () => {
  const id = toGlobalId('Experiment', await newExperiment(world));
  const note = 'note { id text author createdAt updatedAt experiment { id } } userErrors { code field }';
  const add = async (text: string) =>
    (
      await service.ask(
        `mutation ($input: AddExperimentNoteInput!) { addExperimentNote(input: $input) { ${note} } }`,
        {
          input: { id, text },
        },
      )
    ).data.addExperimentNote;
  const first = (await add('## Plan\nMore rain')).note;
  expect(first).toMatchObject({ text: '## Plan\nMore rain', author: 'anonymous', experiment: { id } });
  const second = (await add('Worse in fog')).note;
  const notes = async () =>
    (await service.ok('query ($id: ID!) { experiment(id: $id) { notes { id text } } }', { id })).experiment
      .notes;
  expect((await notes()).map((one: any) => one.text)).toEqual(['Worse in fog', '## Plan\nMore rain']);
  const { updateExperimentNote } = await service.ok(
    `mutation ($input: UpdateExperimentNoteInput!) { updateExperimentNote(input: $input) { ${note} } }`,
    { input: { id: second.id, text: 'Better in fog' } },
  );
  expect(updateExperimentNote.note).toMatchObject({
    id: second.id,
    text: 'Better in fog',
    createdAt: second.createdAt,
  });
  const remove = async () =>
    (
      await service.ask(
        `mutation ($input: RemoveExperimentNoteInput!) { removeExperimentNote(input: $input) { userErrors { code } } }`,
        {
          input: { id: first.id },
        },
      )
    ).data.removeExperimentNote.userErrors;
  expect(await remove()).toEqual([]);
  expect(await remove()).toEqual([{ code: 'NOT_FOUND' }]);
  expect(await notes()).toEqual([{ id: second.id, text: 'Better in fog' }]);
  expect((await add(' ')).userErrors).toEqual([{ code: 'BAD_USER_INPUT', field: ['text'] }]);
  expect((await add('x'.repeat(20_001))).userErrors).toEqual([{ code: 'BAD_USER_INPUT', field: ['text'] }]);
});
