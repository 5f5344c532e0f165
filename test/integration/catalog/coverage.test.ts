/** Coverage is what a GROUP BY written by hand gives. */
import fc from 'fast-check';
import { startTestService, type TestService } from '../../support/service.js';
import { stableCode } from '../graphql/support/answers.js';
import { filterOf, holds, type Row } from '../graphql/support/filters.js';
import { randomImages, type RandomImages } from '../graphql/support/imageRows.js';
import { newProject } from '../graphql/support/world.js';

let service: TestService;
let images: RandomImages;
beforeAll(async () => {
  service = await startTestService();
  images = await randomImages(service.db, 80, 5);
});
afterAll(() => service.stop());

/** Of an image: what each dimension says, by its plain meaning. */
const DIMENSIONS: Record<string, (row: Row) => unknown> = {
  WEATHER: (row) => row.values.weather,
  TIME_OF_DAY: (row) => row.values.timeOfDay,
  SCENE: (row) => row.values.scene,
  COUNTRY: (row) => row.related.place?.[0]?.values.country ?? null,
  PREFECTURE: (row) => row.related.place?.[0]?.values.prefecture ?? null,
  CITY: (row) => row.related.place?.[0]?.values.city ?? null,
  PLACE: (row) => row.values.placeId,
  HAS_LIGHT: ({ values: { trafficLights } }) =>
    trafficLights === null ? null : Number(trafficLights) > 0 ? 'YES' : 'NO',
  HOUR: (row) => clock(row, 'hour'),
  MONTH: (row) => clock(row, 'month'),
};

/** What the wall clock of the place shows, by the JavaScript engine's own time zones. */
function clock(row: Row, part: 'hour' | 'month'): string | null {
  const place = row.related.place?.[0]?.values;
  if (!place || row.values.recordedAt === null) return null;
  const format = new Intl.DateTimeFormat('en', {
    ...{ timeZone: String(place.timeZone), hourCycle: 'h23' },
    [part]: '2-digit',
  });
  return format.format(new Date(String(row.values.recordedAt)));
}

interface Cell {
  keys: unknown[];
  images: number;
  lights: number;
  places: number;
  drives: number;
  objects: number;
}

const objectsOf = ({ values }: Row) =>
  ['people', 'cars', 'bicycles', 'buses', 'trafficLights'].reduce(
    (sum, name) => sum + Number(values[name] ?? 0),
    0,
  );

function grouped(rows: Row[], by: string[]): Cell[] {
  const groups = Map.groupBy(rows, (row) =>
    JSON.stringify(by.map((dimension) => DIMENSIONS[dimension]!(row))),
  );
  const distinct = (group: Row[], field: string) =>
    new Set(group.map((row) => row.values[field]).filter((value) => value !== null)).size;
  return [...groups].map(([keys, group]) => ({
    keys: JSON.parse(keys) as unknown[],
    images: group.length,
    lights: group.reduce((sum, row) => sum + Number(row.values.trafficLights ?? 0), 0),
    places: distinct(group, 'placeId'),
    drives: distinct(group, 'drive'),
    objects: group.reduce((sum, row) => sum + objectsOf(row), 0),
  }));
}

const COVERAGE = `query ($projectId: ID!, $by: [CoverageDimension!]!, $where: ImageWhere) {
  coverage(projectId: $projectId, by: $by, where: $where) { by total cells { keys images lights places drives objects } } }`;
const ask = (variables: object) =>
  service.ask(COVERAGE, { projectId: images.project.globalId, ...variables });
const sorted = (cells: Cell[]) => cells.map((cell) => JSON.stringify(Object.entries(cell).sort())).sort();

test('any dimensions and any filter give the cells of a plain grouping, missing values among the keys', async () => {
  const some = fc.shuffledSubarray(Object.keys(DIMENSIONS), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(some, fc.option(filterOf(images.shape, 2), { nil: null }), async (by, where) => {
      const { coverage } = (await ask({ by, where })).data;
      const rows = images.rows.filter((row) => where === null || holds(images.shape, where, row));
      expect(coverage.by).toEqual(by);
      expect(coverage.total).toBe(rows.length);
      expect(sorted(coverage.cells)).toEqual(sorted(grouped(rows, by)));
    }),
    { numRuns: 60 },
  );
});

test('it agrees with SQL written by hand', async () => {
  const { coverage } = (await ask({ by: ['WEATHER', 'PREFECTURE'] })).data;
  const rows = await service.db.query(
    `SELECT i.weather, p.prefecture, count(*)::int AS images, sum(coalesce(traffic_lights, 0))::int AS lights,
       count(DISTINCT i.place_id)::int AS places, count(DISTINCT i.drive)::int AS drives,
       sum(coalesce(people, 0) + coalesce(cars, 0) + coalesce(bicycles, 0) + coalesce(buses, 0) + coalesce(traffic_lights, 0))::int AS objects
     FROM image i LEFT JOIN place p ON p.id = i.place_id WHERE i.project_id = $1 GROUP BY 1, 2 ORDER BY 1, 2`,
    [images.project.uuid],
  );
  const cells = rows.map(({ weather, prefecture, ...rest }: Record<string, unknown>) => ({
    keys: [weather, prefecture],
    ...rest,
  }));
  expect(coverage.cells).toEqual(cells);
  expect(coverage.cells.some((cell: Cell) => cell.keys.includes(null))).toBe(true);
});

test('a place counts once, however many of its images are in a cell; Osaka has two', async () => {
  const { coverage } = (await ask({ by: ['PREFECTURE'], where: { place: {} } })).data;
  expect(coverage.cells.map((cell: Cell) => [cell.keys[0], cell.places])).toEqual([
    ['Osaka', 2],
    ['Tokyo', 1],
  ]);
  for (const cell of coverage.cells as Cell[]) expect(cell.images).toBeGreaterThan(cell.places);
});

test('the name of a condition may be the filter', async () => {
  const { coverage } = (await ask({ by: ['TIME_OF_DAY'], where: { condition: 'night' } })).data;
  expect(coverage.cells.map((cell: Cell) => cell.keys)).toEqual([['NIGHT']]);
});

test('a project without images has no cells', async () => {
  const empty = await newProject(service.db);
  expect((await ask({ projectId: empty.globalId, by: ['WEATHER'] })).data.coverage).toMatchObject({
    total: 0,
    cells: [],
  });
});

test.each([[[]], [['WEATHER', 'WEATHER']], [['WEATHER', 'SCENE', 'CITY', 'PLACE', 'COUNTRY']]])(
  'by %j is BAD_USER_INPUT',
  async (by) => {
    expect(stableCode(await ask({ by }))).toBe('BAD_USER_INPUT');
  },
);

describe('the dimensions of lights', () => {
  const SIZE = (width: number) => (width < 8 ? '<8' : width < 16 ? '8-16' : width < 32 ? '16-32' : '>=32');

  test('count lights, and each image once in every cell that one of its lights is in', async () => {
    const { coverage } = (await ask({ by: ['LIGHT_COLOR', 'WEATHER', 'LIGHT_SIZE'] })).data;
    const cells = new Map<string, { lights: number; images: Set<unknown>; places: Set<unknown> }>();
    for (const row of images.rows) {
      for (const { values: box } of row.related.annotations ?? []) {
        if (box.category !== 'TRAFFIC_LIGHT') continue;
        const key = JSON.stringify([box.color, row.values.weather, SIZE(Number(box.width))]);
        const cell = cells.get(key) ?? { lights: 0, images: new Set(), places: new Set() };
        cells.set(key, cell);
        cell.lights += 1;
        cell.images.add(row.values.id);
        if (row.values.placeId !== null) cell.places.add(row.values.placeId);
      }
    }
    expect(cells.size).toBeGreaterThan(5);
    expect(
      coverage.cells
        .map((cell: Cell) => [JSON.stringify(cell.keys), cell.lights, cell.images, cell.places])
        .sort(),
    ).toEqual([...cells].map(([key, cell]) => [key, cell.lights, cell.images.size, cell.places.size]).sort());
  });
});

test('conditions overlap: an image is in each of its own, and with null in none', async () => {
  const { coverage } = (await ask({ by: ['CONDITION'] })).data;
  const rows = await service.db.query(
    `SELECT count(*) FILTER (WHERE weather = 'RAIN')::int AS rain, count(*) FILTER (WHERE time_of_day = 'NIGHT')::int AS night,
       count(*) FILTER (WHERE time_of_day = 'DAY' AND weather IN ('CLEAR', 'PARTLY_CLOUDY'))::int AS sunny,
       count(*) FILTER (WHERE (weather = 'RAIN') IS NOT TRUE AND (time_of_day = 'NIGHT') IS NOT TRUE
         AND (time_of_day = 'DAY' AND weather IN ('CLEAR', 'PARTLY_CLOUDY')) IS NOT TRUE)::int AS none
     FROM image WHERE project_id = $1`,
    [images.project.uuid],
  );
  const [{ rain, night, sunny, none }] = rows;
  expect(coverage.cells.map((cell: Cell) => [cell.keys[0], cell.images])).toEqual([
    ['night', night],
    ['rain', rain],
    ['sunny', sunny],
    [null, none],
  ]);
  expect(coverage.total).toBe(images.rows.length);
});

test('a measure that is not asked for is null', async () => {
  const { data } = await service.ask(
    `{ coverage(projectId: "${images.project.globalId}", by: [SCENE], measure: [PLACES]) { cells { images lights places drives objects } } }`,
  );
  for (const cell of data.coverage.cells)
    expect(cell).toEqual({
      images: expect.any(Number),
      lights: expect.any(Number),
      places: expect.any(Number),
      drives: null,
      objects: null,
    });
});
