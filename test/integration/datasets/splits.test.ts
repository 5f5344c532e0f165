/** Splits: every image in exactly one, shares right to an image within every stratum, no class missing anywhere. */
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import type { Project } from '../../../src/catalog/project/project.js';
import { startTestService, type TestService } from '../../support/service.js';
import { stableCode } from '../graphql/support/answers.js';
import { randomImages } from '../graphql/support/imageRows.js';
import { codeOf, light, newImages, newProject, type ImageRow } from '../graphql/support/world.js';
import { itemsOf, lights, newDataset, version } from './support.js';

let service: TestService;
let db: DataSource;
beforeAll(async () => {
  service = await startTestService();
  db = service.db;
});
afterAll(() => service.stop());

async function datasetOf(rows: ImageRow[]): Promise<{ project: Project; dataset: string }> {
  const project = await newProject(db);
  await newImages(db, project, rows);
  return { project, dataset: await newDataset(db, project) };
}

test('every image that the filter chooses is in exactly one split, and no other is in any', async () => {
  const { project, rows } = await randomImages(db, 60, 21);
  const dataset = await newDataset(db, project);
  const made = await version(db, dataset, {
    where: { width: { eq: 640 } },
    train: 1,
    validation: 0,
    test: 0,
  });
  const chosen = rows.filter((row) => row.values.width === 640).map((row) => row.values.sha256);
  expect((await itemsOf(db, made)).map((item) => item.sha256)).toEqual([...chosen].sort());
  expect(made.imageCount).toBe(chosen.length);
});

test('within every large stratum each split has its share to about one image, whatever the seed and the shares', async () => {
  const weathers = ['CLEAR', 'RAIN', null];
  const rows = lights(270, 'strata').map((row, n) => ({
    ...row,
    weather: weathers[Math.floor(n / 3) % 3] as never,
    facts: { darkness: n % 2 ? 0.9 : 0.1 },
  }));
  const { dataset } = await datasetOf(rows);
  const shares = fc.constantFrom([0.7, 0.15, 0.15], [0.5, 0.25, 0.25], [0.34, 0.33, 0.33], [0.6, 0.2, 0.2]);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      shares,
      async (seed, [train, validation, test]) => {
        const items = await itemsOf(db, await version(db, dataset, { seed, train, validation, test }));
        const strata = Map.groupBy(items, (item) =>
          JSON.stringify([item.weather, item.time_of_day, item.annotations?.[0]?.color]),
        );
        expect(strata.size).toBe(18);
        for (const [name, stratum] of strata) {
          for (const [split, share] of [
            ['TRAIN', train],
            ['VALIDATION', validation],
            ['TEST', test],
          ] as const) {
            const has = stratum.filter((item) => item.split === split).length;
            expect([name, split, Math.abs(has - share * stratum.length) < 2]).toEqual([name, split, true]);
          }
        }
        for (const [split, share] of [
          ['VALIDATION', validation],
          ['TEST', test],
        ] as const) {
          expect(Math.abs(items.filter((item) => item.split === split).length - share * 270)).toBeLessThan(3);
        }
      },
    ),
    { numRuns: 12 },
  );
});

test('counts are those of the items, by condition and split', async () => {
  const rows = lights(40, 'counted').map((row, n) => ({
    ...row,
    weather: (n % 4 === 0 ? 'RAIN' : 'CLEAR') as never,
  }));
  const { project, dataset } = await datasetOf(rows);
  const made = await version(db, dataset);
  const items = await itemsOf(db, made);
  const { datasetVersions } = await service.ok(
    `{ datasetVersions(projectId: "${project.globalId}") { nodes { imageCount lightCount dataset { name } counts { condition split images lights } } } }`,
  );
  const wanted = [null, ...made.conditionNames].flatMap((condition, position) =>
    ['TRAIN', 'VALIDATION', 'TEST'].map((split) => {
      const of = items.filter(
        (item) => item.split === split && (condition === null || item.conditions.includes(position - 1)),
      );
      return { condition, split, images: of.length, lights: of.reduce((sum, item) => sum + item.lights, 0) };
    }),
  );
  expect(datasetVersions.nodes).toEqual([
    { imageCount: 40, lightCount: 40, dataset: { name: 'set' }, counts: wanted },
  ]);
  expect(wanted.find((count) => count.condition === 'night')?.images).toBe(0);
  expect(
    wanted.filter((count) => count.condition === 'rain').reduce((sum, count) => sum + count.images, 0),
  ).toBe(10);
});

test('a class that a split would lack is refused by name and leaves no version', async () => {
  const { project, dataset } = await datasetOf([
    ...lights(30, 'rare'),
    { label: 'rare-off', boxes: [light('OFF')] },
  ]);
  const create = `mutation ($id: ID!) { createDatasetVersion(input: { datasetId: $id }) { datasetVersion { id } userErrors { code message field } } }`;
  const { datasets } = await service.ok(`{ datasets(projectId: "${project.globalId}") { nodes { id } } }`);
  const answer = await service.ask(create, { id: datasets.nodes[0].id });
  expect(answer.data.createDatasetVersion).toEqual({
    datasetVersion: null,
    userErrors: [
      {
        code: 'SPLIT_CLASS_EMPTY',
        message: expect.stringMatching(/OFF.*1 image only/),
        field: [expect.stringMatching(/^(train|validation|test)$/)],
      },
    ],
  });
  expect(await db.query('SELECT 1 FROM dataset_version WHERE dataset_id = $1', [dataset])).toEqual([]);
  // Left out, as the message says; and what a person could not tell is no class.
  const without = { not: { annotations: { some: { color: { eq: 'OFF' } } } } };
  expect((await version(db, dataset, { where: without })).imageCount).toBe(30);
  await newImages(db, project, [{ label: 'rare-unknown', boxes: [light('UNKNOWN')] }]);
  expect((await version(db, dataset, { where: without })).imageCount).toBe(31);
});

test('split shares of nought need no class', async () => {
  const { dataset } = await datasetOf(lights(3, 'three'));
  const made = await version(db, dataset, { train: 1, validation: 0, test: 0 });
  expect((await itemsOf(db, made)).map((item) => item.split)).toEqual(['TRAIN', 'TRAIN', 'TRAIN']);
});

test('no image at all is DATASET_EMPTY and leaves no version', async () => {
  const { dataset } = await datasetOf(lights(6, 'some'));
  expect(await codeOf(version(db, dataset, { where: { width: { eq: 1 } } }))).toBe('DATASET_EMPTY');
  expect(await codeOf(version(db, dataset, { where: { or: [] } }))).toBe('DATASET_EMPTY');
  expect(await db.query('SELECT 1 FROM dataset_version WHERE dataset_id = $1', [dataset])).toEqual([]);
});

test.each([
  [{ train: 0.7, validation: 0.2, test: 0.2 }],
  [{ train: 0.7, validation: 0.15, test: 0.1499 }],
  [{ train: 0, validation: 0.5, test: 0.5 }],
  [{ train: 1.5, validation: -0.25, test: -0.25 }],
  [{ train: 1e308, validation: -1e308, test: 1 }],
  [{ seed: -1 }],
])('the recipe %j is BAD_USER_INPUT', async (change) => {
  const { project } = await datasetOf(lights(6, 'recipe'));
  const { datasets } = await service.ok(`{ datasets(projectId: "${project.globalId}") { nodes { id } } }`);
  const answer = await service.ask(
    'mutation ($input: CreateDatasetVersionInput!) { createDatasetVersion(input: $input) { userErrors { code } } }',
    { input: { datasetId: datasets.nodes[0].id, ...change } },
  );
  expect(stableCode(answer)).toBe('BAD_USER_INPUT');
});

test('shares that add up but for rounding are taken', async () => {
  const { dataset } = await datasetOf(lights(30, 'rounding'));
  expect(
    (await version(db, dataset, { train: 0.1 + 0.2 + 0.3, validation: 0.2, test: 0.2 })).imageCount,
  ).toBe(30);
});

test('a condition may choose the images; one that is not there is named', async () => {
  const { dataset } = await datasetOf(
    lights(30, 'by-name').map((row, n) => ({ ...row, weather: (n < 15 ? 'RAIN' : 'CLEAR') as never })),
  );
  const made = await version(db, dataset, { where: { condition: 'rain' }, train: 1, validation: 0, test: 0 });
  expect(made.imageCount).toBe(15);
  expect(await codeOf(version(db, dataset, { where: { condition: 'fog' } }))).toBe('CONDITION_UNKNOWN');
});

test('a data set goes by one name within its project', async () => {
  const project = await newProject(db);
  const mutation =
    'mutation ($p: ID!) { createDataset(input: { projectId: $p, name: "lights" }) { dataset { id name description } userErrors { code field } } }';
  const made = (await service.ok(mutation, { p: project.globalId })).createDataset.dataset;
  expect((await service.ask(mutation, { p: project.globalId })).data.createDataset.userErrors).toEqual([
    { code: 'NAME_TAKEN', field: ['name'] },
  ]);
  const renamed = await service.ok(
    'mutation ($id: ID!) { updateDataset(input: { id: $id, description: "Lights." }) { dataset { name description } userErrors { code } } }',
    { id: made.id },
  );
  expect(renamed.updateDataset.dataset).toEqual({ name: 'lights', description: 'Lights.' });
});
