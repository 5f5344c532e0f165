/** How many statements a query costs: a number of its own, whatever the number of rows. */
import { WeatherName } from '../../../src/catalog/vocabulary.js';
import { createWeather } from '../../../src/catalog/weather/weatherService.js';
import { createDatasetVersion } from '../../../src/datasets/createVersion.js';
import { createNamed } from '../../../src/platform/database/named.js';
import { startTestService, type TestService } from '../../support/service.js';
import { randomImages, type RandomImages } from './support/imageRows.js';
import { newPlace, statementsOf } from './support/world.js';

let service: TestService;
let images: RandomImages;
beforeAll(async () => {
  service = await startTestService();
  images = await randomImages(service.db, 40, 3);
  for (let n = 0; n < 12; n++) {
    const { uuid } = await newPlace(service.db, images.project);
    await createWeather(service.db, uuid, {
      weatherName: WeatherName.RAIN,
      startTime: new Date(0),
      endTime: null,
    });
    const dataset = await createNamed(service.db, 'dataset', images.project.uuid, { name: `dataset ${n}` });
    await createDatasetVersion(service.db, dataset, { seed: 1, train: 1, validation: 0, test: 0 });
  }
});
afterAll(() => service.stop());

interface Case {
  list: string;
  fields: string;
  statements: string[];
}

const PROJECT = 'project.resolve';
const cases: Case[] = [
  {
    list: 'images',
    fields:
      'place { city } annotations { category } conditions { condition { name } sources } project { name }',
    statements: [
      PROJECT,
      'image.list',
      'place.by.id',
      'annotation.by.image_id',
      'condition.by.project_id',
      'condition.ofImages',
      'project.by.id',
    ],
  },
  {
    list: 'images',
    fields: 'weather { value } timeOfDay { value } objects { cars } darkness { darkness }',
    statements: [PROJECT, 'image.list'],
  },
  { list: 'weathers', fields: 'place { city }', statements: [PROJECT, 'weather.list', 'place.by.id'] },
  {
    list: 'datasetVersions',
    fields: 'dataset { name project { name } } counts { condition split images lights }',
    statements: [
      PROJECT,
      'dataset_version.list',
      'dataset.by.id',
      'project.by.id',
      'dataset.counts',
      'dataset.countNames',
    ],
  },
  { list: 'datasets', fields: 'project { name }', statements: [PROJECT, 'dataset.list', 'project.by.id'] },
  { list: 'annotations', fields: 'imageId', statements: [PROJECT, 'annotation.list'] },
  { list: 'places', fields: 'city', statements: [PROJECT, 'place.list'] },
  { list: 'conditions', fields: 'name where', statements: [PROJECT, 'condition.list'] },
];

const run = (query: string) => statementsOf(service.db, () => service.ok(query));

test.each(cases)(
  '$list { $fields } costs the same for one row as for all',
  async ({ list, fields, statements }) => {
    const query = (first: number) =>
      `{ ${list}(projectId: "${images.project.name}", first: ${first}) { nodes { id ${fields} } } }`;
    const rows = (await service.ok(query(30)))[list].nodes.length;
    expect(rows).toBeGreaterThan(2);
    expect((await run(query(30))).sort()).toEqual([...statements].sort());
    for (const first of [1, 2]) {
      const names = await run(query(first));
      // Fewer where the first rows have no such child (an image without a place); none twice.
      expect(new Set(names).size).toBe(names.length);
      expect(statements).toEqual(expect.arrayContaining(names));
    }
  },
);

test('the whole list is counted only when it is asked for, and once however often', async () => {
  const at = `projectId: "${images.project.name}", first: 1`;
  expect(await run(`{ images(${at}) { nodes { id } pageInfo { hasNextPage } } }`)).toEqual([
    PROJECT,
    'image.list',
  ]);
  expect(await run(`{ images(${at}) { totalCount } }`)).toContain('image.count');
  expect(
    await run(
      `query ($with: Boolean = false) { images(${at}) { nodes { id } totalCount @include(if: $with) } }`,
    ),
  ).not.toContain('image.count');
});

test('two nodes of one type are read together', async () => {
  const [a, b] = images.rows.map((row) => row.values.id as string);
  expect(
    await run(`{ a: node(id: "${a}") { id } b: node(id: "${b}") { id } c: image(id: "${a}") { id } }`),
  ).toEqual(['image.by.id']);
});

test('a filter by the name of a condition reads the conditions once', async () => {
  const names = await run(
    `{ images(projectId: "${images.project.name}", where: { or: [{ condition: "night" }, { condition: "rain" }] }) { nodes { id } } }`,
  );
  expect(names).toEqual([PROJECT, 'condition.by.project_id', 'image.list']);
});

test('mutations of one request see each other: what the first read is not what the second answers', async () => {
  const id = images.rows[0]!.values.id;
  const fields = 'image { weather { value } conditions { condition { name } } }';
  const answer: any = await service.ok(
    `mutation { rain: updateImage(input: { id: "${id}", weather: RAIN }) { ${fields} userErrors { code } }
      snow: updateImage(input: { id: "${id}", weather: SNOW }) { ${fields} userErrors { code } } }`,
  );
  const names = (image: any) => image.conditions.map((one: any) => one.condition.name);
  expect(names(answer.rain.image)).toContain('rain');
  expect(answer.snow.image.weather.value).toBe('SNOW');
  expect(names(answer.snow.image)).not.toContain('rain');
});
