/** The operations of docs/registry.md work as they stand there, one after the other. */
import { readFile } from 'node:fs/promises';
import { toGlobalId } from '../../../src/graphql/node.js';
import {
  createRegistryWorld,
  NIGHT,
  newEvaluation,
  newExperiment,
  newVersionOf,
  RAIN,
  right,
  wrong,
  type RegistryWorld,
} from '../../support/registry.js';
import { startTestService, type TestService } from '../../support/service.js';

let service: TestService;
let world: RegistryWorld;
let operations: [name: string, text: string][];
beforeAll(async () => {
  service = await startTestService();
  world = await createRegistryWorld(service.db, 60);
  await service.db.query("UPDATE project SET name = 'roads' WHERE id = $1", [world.project]);
  await service.db.query("UPDATE model SET name = 'lights' WHERE id = $1", [world.model]);
  const first = await newExperiment(world);
  await newEvaluation(world, { experiment: first }, (light, index) =>
    (light.conditions?.includes(RAIN) ? wrong : right)(light, index),
  );
  await newVersionOf(world, first);
  const second = await newExperiment(world);
  await service.db.query("UPDATE experiment SET name = 'second' WHERE id = $1", [second]);
  await newEvaluation(world, { experiment: second }, (light, index) =>
    (light.conditions?.includes(NIGHT) ? wrong : right)(light, index),
  );
  const page = await readFile('docs/registry.md', 'utf8');
  operations = [...page.matchAll(/^```graphql\n((?:mutation|query) (\w+).*?)^```/gms)].map(
    ([, text, name]) => [name as string, text as string],
  );
});
afterAll(() => service.stop());

test('each of them is done, and says what the page says of it', async () => {
  const variables = {
    model: toGlobalId('Model', world.model),
    dataset: toGlobalId('Dataset', world.dataset),
  };
  const answers: Record<string, any> = {};
  for (const [name, text] of operations) answers[name] = await service.ok(text, variables);
  expect(Object.keys(answers)).toEqual([
    'Register',
    'Elsewhere',
    'Nominate',
    'History',
    'Rules',
    'Report',
    'Promote',
    'Compare',
  ]);
  expect(answers.Register.createModelVersion.modelVersion).toMatchObject({
    number: 2,
    experiment: { name: 'second' },
  });
  expect(answers.Elsewhere.createModelVersion.modelVersion).toMatchObject({
    number: 3,
    createdBy: 'anonymous',
  });
  expect(answers.History.modelAliasHistory.nodes).toMatchObject([
    { seq: 1, alias: 'candidate', gateReport: null },
  ]);
  const { verdict, results } = answers.Report.gateReport;
  expect(verdict).toBe('FAIL');
  expect(results.map((result: any) => [result.rule.name, result.verdict])).toEqual([
    ['no step back', 'PASS'],
    ['red lights by night', 'FAIL'],
    ['red read as green', 'FAIL'],
  ]);
  expect(answers.Promote.setModelAlias.change).toMatchObject({
    forced: true,
    gateReport: { verdict: 'FAIL' },
  });
  const { slices, changed } = answers.Compare.compareModels;
  expect(slices.map((slice: any) => [slice.condition, slice.verdict])).toEqual([
    [null, 'NO_EVIDENCE'],
    ['night', 'WORSE'],
    ['rain', 'BETTER'],
  ]);
  expect(changed.nodes).toHaveLength(20);
});
