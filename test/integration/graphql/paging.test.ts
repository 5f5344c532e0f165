/** Pages put together are the list: in whatever order, in either direction, with ties and missing values. */
import fc from 'fast-check';
import { annotationList } from '../../../src/catalog/annotation/annotation.js';
import { conditionList } from '../../../src/catalog/condition/condition.js';
import { imageList } from '../../../src/catalog/image/image.js';
import { placeList } from '../../../src/catalog/place/place.js';
import { projectList } from '../../../src/catalog/project/project.js';
import { weatherList } from '../../../src/catalog/weather/weather.js';
import { createWeather } from '../../../src/catalog/weather/weatherService.js';
import { WeatherName } from '../../../src/catalog/vocabulary.js';
import { createDatasetVersion } from '../../../src/datasets/createVersion.js';
import { datasetList } from '../../../src/datasets/dataset.js';
import { datasetVersionList } from '../../../src/datasets/datasetVersion.js';
import { Direction, type OrderBy } from '../../../src/graphql/list/connection.js';
import { list, type ListDeclaration } from '../../../src/graphql/list/list.js';
import type { Where } from '../../../src/graphql/list/where.js';
import type { Node } from '../../../src/graphql/node.js';
import { modelList } from '../../../src/models/model/model.js';
import { createNamed } from '../../../src/platform/database/named.js';
import { startTestService, type TestService } from '../../support/service.js';
import { stableCode } from './support/answers.js';
import { randomImages, type RandomImages } from './support/imageRows.js';
import { codeOf, newPlace } from './support/world.js';

let service: TestService;
let images: RandomImages;

beforeAll(async () => {
  service = await startTestService();
  const { db } = service;
  images = await randomImages(db, 45, 7);
  const { project } = images;
  for (const name of ['first', 'second', 'third']) {
    const dataset = await createNamed(db, 'dataset', project.uuid, { name });
    await createNamed(db, 'model', project.uuid, { name });
    for (const where of [{}, { width: { eq: 640 } }, { width: { eq: 1280 } }, { height: { eq: 480 } }]) {
      await createDatasetVersion(db, dataset, { where, seed: 1, train: 1, validation: 0, test: 0 });
    }
  }
  for (const day of [1, 2, 3]) {
    const place = await newPlace(db, project, { city: 'Same', name: `${day}` });
    const start = (hour: number) => new Date(Date.UTC(2024, 0, day % 2, hour));
    await createWeather(db, place.uuid, {
      weatherName: WeatherName.RAIN,
      startTime: start(0),
      endTime: start(5),
    });
    await createWeather(db, place.uuid, { weatherName: WeatherName.FOG, startTime: start(5), endTime: null });
  }
});
afterAll(() => service.stop());

const LISTS: Record<string, ListDeclaration<Node & object>> = {
  projects: projectList,
  places: placeList,
  weathers: weatherList,
  images: imageList,
  annotations: annotationList,
  conditions: conditionList,
  datasets: datasetList,
  datasetVersions: datasetVersionList,
  models: modelList,
};

const sortable = (declaration: ListDeclaration<Node>) => [
  'id',
  ...Object.entries(declaration.fields).flatMap(([name, field]) =>
    field.kind === 'column' && field.sortable ? [name] : [],
  ),
];

type Page = Awaited<ReturnType<typeof list<Node>>>;
const page = (declaration: ListDeclaration<Node>, args: object): Promise<Page> =>
  list(service.db, declaration, args, { projectUuid: images.project.uuid });

/** What the order should be, from the columns as they are: PostgreSQL itself has missing values as the largest. */
async function inOrder(declaration: ListDeclaration<Node>, orderBy: OrderBy[]): Promise<string[]> {
  const terms = orderBy.map(({ field, direction }) => {
    const column = declaration.fields[field];
    return `${column?.kind === 'column' ? column.sql : 't.id'} ${direction}`;
  });
  const where = declaration.project ? `${declaration.project} = '${images.project.uuid}'` : 'true';
  const last = orderBy.at(-1)?.direction ?? 'ASC';
  const rows: { id: string }[] = await service.db.query(
    `SELECT t.id FROM ${declaration.table} t WHERE ${where} ORDER BY ${[...terms, `t.id ${last}`].join(', ')}`,
  );
  return rows.map((row) => row.id);
}

async function walk(
  declaration: ListDeclaration<Node>,
  orderBy: OrderBy[],
  size: number,
  backwards: boolean,
  where?: Where,
): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = null;
  for (let more = true; more;) {
    const args: object = backwards ? { last: size, before: cursor } : { first: size, after: cursor };
    const { nodes, edges, pageInfo }: Page = await page(declaration, { orderBy, where, ...args });
    expect(edges.map((edge) => edge.node)).toEqual(nodes);
    expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([
      edges[0]?.cursor ?? null,
      edges.at(-1)?.cursor ?? null,
    ]);
    expect(backwards ? pageInfo.hasNextPage : pageInfo.hasPreviousPage).toBe(cursor !== null);
    const uuids = nodes.map((node) => node.uuid);
    if (backwards) found.unshift(...uuids);
    else found.push(...uuids);
    more = backwards ? pageInfo.hasPreviousPage : pageInfo.hasNextPage;
    expect(nodes.length).toBe(more ? size : Math.min(nodes.length, size));
    cursor = backwards ? pageInfo.startCursor : pageInfo.endCursor;
  }
  return found;
}

describe.each(Object.keys(LISTS))('%s', (name) => {
  const declaration = LISTS[name] as ListDeclaration<Node>;

  test.each(
    sortable(declaration).flatMap((field) =>
      [Direction.ASC, Direction.DESC].map((direction) => [field, direction] as const),
    ),
  )('in pages by %s %s are the whole list, forwards and backwards', async (field, direction) => {
    const orderBy = [{ field, direction }];
    const wanted = await inOrder(declaration, orderBy);
    expect(wanted.length).toBeGreaterThan(0);
    const size = Math.max(1, Math.floor(wanted.length / 5));
    expect(await walk(declaration, orderBy, size, false)).toEqual(wanted);
    expect(await walk(declaration, orderBy, size, true)).toEqual(wanted);
  });
});

/** As a list of another noun would be, which has fewer rows: images are ordered by one field. */
const manyOrders: ListDeclaration<Node & object> = { ...imageList, maxOrderBy: 3 };

const imageOrder = fc.uniqueArray(
  fc.record({
    field: fc.constantFrom(...sortable(imageList as never)),
    direction: fc.constantFrom(Direction.ASC, Direction.DESC),
  }),
  { minLength: 1, maxLength: 3, selector: ({ field }) => field },
);

test('images in pages by up to three fields in mixed directions are the whole list', async () => {
  await fc.assert(
    fc.asyncProperty(
      imageOrder,
      fc.integer({ min: 1, max: 50 }),
      fc.boolean(),
      async (orderBy, size, backwards) => {
        expect(await walk(manyOrders, orderBy, size, backwards)).toEqual(await inOrder(manyOrders, orderBy));
      },
    ),
    { numRuns: 60 },
  );
});

test('a page between two cursors is what stands between them', async () => {
  await fc.assert(
    fc.asyncProperty(imageOrder, fc.nat(44), fc.nat(44), fc.boolean(), async (orderBy, a, b, backwards) => {
      const all = await page(manyOrders, { orderBy, first: 100 });
      const [after, before] = [all.edges[a]?.cursor, all.edges[b]?.cursor];
      const between = await page(manyOrders, {
        orderBy,
        after,
        before,
        ...(backwards ? { last: 3 } : { first: 3 }),
      });
      const wanted = all.nodes.slice(a + 1, b).map((node) => node.uuid);
      expect(between.nodes.map((node) => node.uuid)).toEqual(
        backwards ? wanted.slice(-3) : wanted.slice(0, 3),
      );
    }),
    { numRuns: 30 },
  );
});

test('over HTTP: pages with a filter, the count of the whole list on each of them', async () => {
  const query = `query ($id: ID!, $after: String) { images(projectId: $id, first: 4, after: $after, where: { recordedAt: { isNull: false } },
    orderBy: [{ field: RECORDED_AT, direction: DESC }]) {
    totalCount nodes { id recordedAt } pageInfo { endCursor hasNextPage } } }`;
  const seen: string[][] = [];
  let after: string | null = null;
  do {
    const { images: answer }: any = await service.ok(query, { id: images.project.globalId, after });
    expect(answer.totalCount).toBe(images.rows.filter((row) => row.values.recordedAt !== null).length);
    seen.push(...answer.nodes.map((node: any) => [node.recordedAt, node.id]));
    after = answer.pageInfo.hasNextPage ? answer.pageInfo.endCursor : null;
  } while (after);
  const created = images.rows.map((row) => row.values.id as string);
  const wanted = images.rows
    .filter((row) => row.values.recordedAt !== null)
    .map((row) => [row.values.recordedAt as string, row.values.id as string] as const)
    .sort(
      ([timeA, idA], [timeB, idB]) =>
        timeB.localeCompare(timeA) || created.indexOf(idB) - created.indexOf(idA),
    );
  expect(seen).toEqual(wanted);
});

test('filtered pages are the filtered list, however short the way that is tried along the order', async () => {
  const where = fc.constantFrom<Where>(
    { recordedAt: { isNull: false } },
    { recordedAt: { gte: '2024-06-15T03:30:00.000Z' }, width: { eq: 640 } },
    { and: [{ trafficLights: { gte: 1 } }, { trafficLights: { lte: 3 } }] },
    { cars: { isNull: true } },
    { not: { annotations: { some: {} } } },
    { annotations: { some: { width: { gt: 1 } } }, place: { prefecture: { eq: 'Osaka' } } },
    { search: 'jpg', location: { isNull: false } },
    { search: 'zebra' },
  );
  const order = fc.record({
    field: fc.constantFrom(...sortable(imageList as never)),
    direction: fc.constantFrom(Direction.ASC, Direction.DESC),
  });
  await fc.assert(
    fc.asyncProperty(
      where,
      order,
      fc.constantFrom(1, 5, 20, 5000),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      async (filter, by, steps, size, backwards) => {
        const filtered = { ...imageList, walk: steps };
        const whole = { ...imageList, walk: undefined };
        const all = await page(whole, { where: filter, orderBy: [by], first: 100 });
        const ids = new Set(all.nodes.map((node) => node.uuid));
        const wanted = (await inOrder(imageList as never, [by])).filter((uuid) => ids.has(uuid));
        expect(await walk(filtered, [by], size, backwards, filter)).toEqual(wanted);
      },
    ),
    { numRuns: 150 },
  );
});

test('images are ordered by one field, which has an index, and more are refused with what to do', async () => {
  const orderBy = ['recordedAt', 'fileName'].map((field) => ({ field, direction: Direction.ASC }));
  await expect(page(imageList, { orderBy })).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
    message: expect.stringContaining('takes 1 field here'),
  });
});

test('pages of no rows, the default page, and pages out of bounds', async () => {
  const none = await page(imageList, { first: 0 });
  expect([none.nodes.length, none.pageInfo]).toEqual([
    0,
    { hasNextPage: true, hasPreviousPage: false, startCursor: null, endCursor: null },
  ]);
  expect((await page(imageList as never, {})).nodes).toHaveLength(45);
  for (const wrong of [
    { first: -1 },
    { last: -1 },
    { first: 501 },
    { first: 1, last: 1 },
    { first: 2 ** 31 - 1 },
  ]) {
    expect(await codeOf(page(imageList as never, wrong))).toBe('BAD_USER_INPUT');
  }
});

describe('a cursor', () => {
  const order = [{ field: 'recordedAt', direction: Direction.ASC }];

  test('mangled in any way gives INVALID_CURSOR, never a fault', async () => {
    const all = await page(imageList, { orderBy: order, first: 100 });
    const mangling = fc.tuple(
      fc.nat(44),
      fc.nat(200),
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.nat(5),
    );
    await fc.assert(
      fc.asyncProperty(mangling, async ([which, at, put, cut]) => {
        const cursor = all.edges[which]!.cursor;
        const place = at % (cursor.length + 1);
        const mangled = cursor.slice(0, place) + put + cursor.slice(place + cut);
        const answer = page(imageList, { orderBy: order, after: mangled });
        if (mangled === cursor) expect((await answer).nodes[0]?.uuid).toBe(all.nodes[which + 1]?.uuid);
        else expect(await codeOf(answer)).toBe('INVALID_CURSOR');
      }),
      { numRuns: 300 },
    );
  });

  test('whose values were exchanged gives INVALID_CURSOR, whatever they are', async () => {
    const { edges } = await page(imageList, { orderBy: order, first: 1 });
    const [sign] = JSON.parse(Buffer.from(edges[0]!.cursor, 'base64url').toString()) as string[];
    const values = fc.oneof(fc.array(fc.jsonValue(), { maxLength: 3 }), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const forged = JSON.stringify(Array.isArray(value) ? [sign, ...value] : value);
        const answer = page(imageList, { orderBy: order, before: Buffer.from(forged).toString('base64url') });
        expect(await codeOf(answer)).toBe('INVALID_CURSOR');
      }),
    );
  });

  test('of another order, another list or any text gives INVALID_CURSOR', async () => {
    const { edges } = await page(imageList, { orderBy: order, first: 1 });
    const after = edges[0]!.cursor;
    const otherWay = [{ field: 'recordedAt', direction: Direction.DESC }];
    expect(await codeOf(page(imageList as never, { orderBy: otherWay, after }))).toBe('INVALID_CURSOR');
    expect(await codeOf(page(imageList as never, { after }))).toBe('INVALID_CURSOR');
    expect(
      await codeOf(
        page(weatherList as never, { orderBy: [{ field: 'startTime', direction: Direction.ASC }], after }),
      ),
    ).toBe('INVALID_CURSOR');
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        expect(await codeOf(page(imageList as never, { after: text }))).toBe('INVALID_CURSOR');
      }),
    );
  });

  test('is refused over HTTP with the same code', async () => {
    const query =
      'query ($id: ID!, $after: String) { images(projectId: $id, after: $after) { nodes { id } } }';
    for (const after of ['', 'x', '\0', 'e30', 'bnVsbA', '💥']) {
      expect(stableCode(await service.ask(query, { id: images.project.globalId, after }))).toBe(
        'INVALID_CURSOR',
      );
    }
  });
});
