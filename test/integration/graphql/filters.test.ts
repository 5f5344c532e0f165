/** Filters mean in SQL what they say: every operator of every type, alone and nested, against a plain evaluation. */
import fc from 'fast-check';
import { conditionFilters, createCondition } from '../../../src/catalog/condition/conditionService.js';
import { imageList } from '../../../src/catalog/image/image.js';
import type { Where } from '../../../src/graphql/list/where.js';
import { list } from '../../../src/graphql/list/list.js';
import { startTestService, type TestService } from '../../support/service.js';
import { OPERATORS, filterOf, holds, type Shape } from './support/filters.js';
import { randomImages, type RandomImages } from './support/imageRows.js';

interface InputType {
  name: string;
  inputFields: { name: string; type: { name: string | null } }[] | null;
}

let service: TestService;
let images: RandomImages;
beforeAll(async () => {
  service = await startTestService();
  images = await randomImages(service.db, 70, 20_240_615);
});
afterAll(() => service.stop());

/** Images go by their number here, in the order of creation: a difference can be read then. */
const expected = (where: Where) =>
  images.rows.flatMap((row, number) => (holds(images.shape, where, row) ? [number] : []));
const numbersOf = (ids: string[]) => ids.map((id) => images.rows.findIndex((row) => row.values.id === id));

/** Straight to the list, which is what every resolver calls: a hundred times faster than HTTP. */
async function found(where: Where): Promise<number[]> {
  const { uuid } = images.project;
  const condition = await conditionFilters(service.db, uuid, where);
  const page = await list(service.db, imageList, { where, first: 500 }, { projectUuid: uuid, condition });
  return numbersOf(page.nodes.map((node) => node.globalId));
}

async function foundByHttp(where: Where): Promise<number[]> {
  const data = await service.ok<{ images: { nodes: { id: string }[]; totalCount: number } }>(
    `query ($project: ID!, $where: ImageWhere) { images(projectId: $project, where: $where, first: 500) { totalCount nodes { id } } }`,
    { project: images.project.name, where },
  );
  expect(data.images.totalCount).toBe(data.images.nodes.length);
  return numbersOf(data.images.nodes.map((node) => node.id));
}

test('every operator of every field means over HTTP what it says', async () => {
  let holdingOfSome = 0;
  const tried = Object.entries(images.shape.columns).flatMap(([name, { kind, samples }]) =>
    OPERATORS[kind].map((operator) => {
      const operand =
        operator === 'isNull' ? true : ['in', 'notIn'].includes(operator) ? samples.slice(0, 2) : samples[0];
      return { [name]: { [operator]: operand } };
    }),
  );
  for (const where of tried) {
    const wanted = expected(where);
    if (wanted.length > 0 && wanted.length < images.rows.length) holdingOfSome++;
    expect([where, await foundByHttp(where)]).toEqual([where, wanted]);
  }
  // Otherwise the comparison above would show little.
  expect(holdingOfSome).toBeGreaterThan(tried.length / 2);
});

test('the schema offers the fields and operators that are tried here, and no other', async () => {
  const typeRef = 'type { name ofType { name ofType { name } } }';
  const { __schema } = await service.ok<{ __schema: { types: InputType[] } }>(
    `{ __schema { types { name inputFields { name ${typeRef} } } } }`,
  );
  const fieldsOf = (name: string) => __schema.types.find((type) => type.name === name)?.inputFields ?? [];
  const offered = (shape: Shape, where: string) => {
    const fields = fieldsOf(where).filter(
      ({ name }) => !['and', 'or', 'not', 'condition', 'search', 'location'].includes(name),
    );
    const known = [...Object.keys(shape.columns), ...Object.keys(shape.relations)];
    expect(fields.map(({ name }) => name).sort()).toEqual(known.sort());
    for (const { name, type } of fields.filter((field) => field.name in shape.columns)) {
      const operators = fieldsOf(type.name as string).map((field) => field.name);
      expect([name, operators.sort()]).toEqual([name, [...OPERATORS[shape.columns[name]!.kind]].sort()]);
    }
  };
  offered(images.shape, 'ImageWhere');
  offered(images.shape.relations.place!.shape, 'PlaceWhere');
  offered(images.shape.relations.annotations!.shape, 'AnnotationWhere');
});

test('random filters, with and, or, not, places and annotations, choose what a plain evaluation chooses', async () => {
  await fc.assert(
    fc.asyncProperty(filterOf(images.shape, 3), async (where) => {
      expect(await found(where)).toEqual(expected(where));
    }),
    { numRuns: 300 },
  );
});

test('a filter and its not give every image exactly once', async () => {
  const all = images.rows.map((_, number) => number);
  await fc.assert(
    fc.asyncProperty(filterOf(images.shape, 2), async (where) => {
      expect([...(await found(where)), ...(await found({ not: where }))].sort()).toEqual([...all].sort());
    }),
    { numRuns: 80 },
  );
});

test('random filters mean over HTTP what they mean within', async () => {
  await fc.assert(
    fc.asyncProperty(filterOf(images.shape, 2), async (where) => {
      expect(await foundByHttp(where)).toEqual(expected(where));
    }),
    { numRuns: 40 },
  );
});

test('the name of a condition stands for its filter, within and, or and not too', async () => {
  const filter = { weather: { in: ['RAIN', 'FOG'] }, not: { scene: { eq: 'TUNNEL' } } };
  await createCondition(service.db, images.project.uuid, { name: 'wet', filter });
  expect(expected(filter).length).toBeGreaterThan(0);
  for (const wrap of [
    (inner: Where) => inner,
    (inner: Where) => ({ not: inner }),
    (inner: Where) => ({ or: [inner, { width: { eq: 640 } }] }),
    (inner: Where) => ({ and: [inner, { not: { trafficLights: { isNull: true } } }] }),
  ]) {
    expect(await foundByHttp(wrap({ condition: 'wet' }))).toEqual(expected(wrap(filter)));
  }
});

test('lists of one project never show the images of another, whatever the filter', async () => {
  const other = await randomImages(service.db, 5, 1);
  const theirs = other.rows.map((row) => row.values.id);
  expect(await foundByHttp({ or: [{ id: { in: theirs } }, { not: { and: [], or: [] } }] })).toHaveLength(
    images.rows.length,
  );
});
