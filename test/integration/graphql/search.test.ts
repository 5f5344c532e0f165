/** Searching images by words and by position: against plain JavaScript, in lists, conditions and coverage alike. */
import fc from 'fast-check';
import { createCondition, conditionFilters } from '../../../src/catalog/condition/conditionService.js';
import { imageList } from '../../../src/catalog/image/image.js';
import type { Place } from '../../../src/catalog/place/place.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { list } from '../../../src/graphql/list/list.js';
import type { Where } from '../../../src/graphql/list/where.js';
import { startTestService, type TestService } from '../../support/service.js';
import { newImages, newPlace, newProject, nameOf, statementsOf } from './support/world.js';

type Point = [latitude: number, longitude: number];
interface Row {
  uuid: string;
  fileName: string;
  point: Point | null;
  place: Place | null;
}

let service: TestService;
let project: Project;
let rows: Row[];

const FILES = [
  'drive-1/frame_001.jpg',
  'Drive-1/FRAME_002.PNG',
  'ÉTÉ 100%.jpg',
  'été.jpg',
  '信号.jpg',
  'ＡＢＣ.jpg',
  // As a Mac writes it: e and the accent apart.
  'Cafe\u0301.jpg',
  'back\\slash_.jpg',
];
const POINTS: (Point | null)[] = [
  [35.68, 139.77],
  [35.69, 139.7],
  [90, 0],
  [90, 123],
  [-90, 45],
  [89.99, -170],
  [0, 180],
  [0, -180],
  [0.01, 179.99],
  [-0.01, -179.99],
  [12.5, 180],
  [1e-200, 1e-9],
  null,
];

beforeAll(async () => {
  service = await startTestService();
  const { db } = service;
  project = await newProject(db);
  const places = [
    await newPlace(db, project, { city: '札幌', name: 'Main Crossing', latitude: 43.06, longitude: 141.35 }),
    await newPlace(db, project, { country: 'Fiji', prefecture: 'Été', latitude: -17.8, longitude: -180 }),
    await newPlace(db, project, { city: 'Nowhere' }),
    null,
  ];
  const planned = Array.from({ length: 96 }, (_, n) => ({
    fileName: FILES[n % FILES.length] as string,
    point: POINTS[(n * 7 + (n >> 3)) % POINTS.length] as Point | null,
    place: places[(n * 3 + (n >> 4)) % places.length] as Place | null,
  }));
  const uuids = await newImages(
    db,
    project,
    planned.map(({ fileName, point, place }, n) => ({
      label: `search-${n}`,
      fileName,
      latitude: point?.[0] ?? null,
      longitude: point?.[1] ?? null,
      place: place && nameOf(place),
    })),
  );
  rows = planned.map((row, n) => ({ ...row, uuid: uuids[n] as string }));
});
afterAll(() => service.stop());

/** In the order of the rows above; that of pages is in paging.test.ts. */
const numbers = (uuids: string[]) =>
  uuids.map((uuid) => rows.findIndex((row) => row.uuid === uuid)).sort((a, b) => a - b);

async function found(where: Where, walk = imageList.walk): Promise<number[]> {
  const condition = await conditionFilters(service.db, project.uuid, where);
  const scope = { projectUuid: project.uuid, condition };
  const page = await list(service.db, { ...imageList, walk }, { where, first: 500 }, scope);
  return numbers(page.nodes.map((node) => node.uuid));
}

const expected = (holds: (row: Row) => boolean) => rows.flatMap((row, n) => (holds(row) ? [n] : []));

const folded = (text: string) => text.normalize('NFKC').toLowerCase();
function hasWords(row: Row, search: string): boolean {
  const { country, prefecture, city, name } = row.place ?? {};
  const texts = [row.fileName, country, prefecture, city, name].map((text) => folded(text ?? ''));
  return folded(search)
    .split(/\s+/)
    .filter((word) => word !== '')
    .every((word) => texts.some((text) => text.includes(word)));
}

const positionOf = ({ point, place }: Row): Point | null =>
  point ?? (place?.latitude == null ? null : [place.latitude, place.longitude as number]);
const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** By the angle between two vectors, so that it shares no formula with what is tested. */
function kilometres([a, b]: Point, [c, d]: Point): number {
  const vector = (latitude: number, longitude: number) => [
    Math.cos(radians(latitude)) * Math.cos(radians(longitude)),
    Math.cos(radians(latitude)) * Math.sin(radians(longitude)),
    Math.sin(radians(latitude)),
  ];
  const [u, v] = [vector(a, b), vector(c, d)] as [number[], number[]];
  const chord = Math.hypot(...u.map((value, axis) => value - v[axis]!));
  return 2 * 6371.0088 * Math.asin(Math.min(1, chord / 2));
}

interface Box {
  south: number;
  west: number;
  north: number;
  east: number;
}
/** By going eastwards from the western edge. */
function inBox([latitude, longitude]: Point, { south, west, north, east }: Box): boolean {
  if (latitude < south || latitude > north) return false;
  if (Math.abs(latitude) === 90) return true;
  const end = west <= east ? east : east + 360;
  return [longitude - 360, longitude, longitude + 360].some((value) => value >= west && value <= end);
}

describe('words', () => {
  const search = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          'FRAME',
          'drive-1',
          '札幌',
          'été',
          'ÉTÉ',
          'café',
          'abc',
          'ａｂ',
          '%',
          '_',
          '\\',
          '.jpg',
        ),
        fc.constantFrom('main', 'CROSSING', 'japan', 'Fiji', '001', 'zebra', '信号', 'mainfiji', 'e\u0301t'),
      ),
      { maxLength: 3 },
    )
    .chain((words) => fc.constantFrom(' ', '  ', '\u3000', '\n').map((gap) => words.join(gap)));

  test('each must occur in the file name or in a name of the place', async () => {
    await fc.assert(
      fc.asyncProperty(search, fc.constantFrom(undefined, 3, 5000), async (text, walk) => {
        const wanted = expected((row) => hasWords(row, text));
        expect([text, await found({ search: text }, walk)]).toEqual([text, wanted]);
        const rest = rows.map((_, n) => n).filter((n) => !wanted.includes(n));
        expect([text, await found({ not: { search: text } }, walk)]).toEqual([text, rest]);
      }),
      { numRuns: 100 },
    );
  });

  test('some are found, by file name, by place, by both, in capitals or not, wherever an accent is kept', async () => {
    for (const text of ['FRAME_002', 'crossing', 'frame CROSSING', 'CAFÉ', 'abc', '札幌', '100%']) {
      const wanted = expected((row) => hasWords(row, text));
      expect(wanted.length).toBeGreaterThan(0);
      expect(wanted.length).toBeLessThan(rows.length / 2);
      expect([text, await found({ search: text })]).toEqual([text, wanted]);
    }
  });

  test('a word does not run over two names', async () => {
    expect(await found({ search: '札幌main' })).toEqual([]);
  });

  test('none hold of every image; too many or too long ones are refused', async () => {
    expect(await found({ search: ' \n ' })).toHaveLength(rows.length);
    expect(await found({ search: 'jpg '.repeat(9) + 'drive' })).not.toHaveLength(0);
    for (const text of ['a '.repeat(11), 'a'.repeat(201)])
      await expect(found({ search: text })).rejects.toMatchObject({
        code: 'FILTER_INVALID',
        message: expect.stringContaining('10 words and 200 characters'),
      });
  });
});

describe('position', () => {
  const latitude = fc.oneof(
    fc.double({ min: -90, max: 90, noNaN: true }),
    fc.constantFrom(-90, 0, 43.06, 89.99, 90),
  );
  const longitude = fc.oneof(
    fc.double({ min: -180, max: 180, noNaN: true }),
    fc.constantFrom(-180, -179.99, 0, 141.35, 180),
  );

  test('within a box, over the 180th meridian and at the poles too', async () => {
    // Steps of a millionth: adding 360 to a denormal number, as the plain answer does, would lose it.
    const edge = longitude.map((value) => Math.round(value * 1e6) / 1e6);
    const box = fc
      .tuple(latitude, latitude, edge, edge)
      .map(([a, b, west, east]) => ({ south: Math.min(a, b), north: Math.max(a, b), west, east }));
    await fc.assert(
      fc.asyncProperty(box, fc.constantFrom(undefined, 3), async (withinBox, walk) => {
        const wanted = expected((row) => {
          const position = positionOf(row);
          return position !== null && inBox(position, withinBox);
        });
        expect([withinBox, await found({ location: { withinBox } }, walk)]).toEqual([withinBox, wanted]);
        const rest = rows.map((_, n) => n).filter((n) => !wanted.includes(n));
        expect(await found({ not: { location: { withinBox } } }, walk)).toEqual(rest);
      }),
      { numRuns: 120 },
    );
  });

  test('within a distance by great circle', async () => {
    const circle = fc.record({
      latitude,
      longitude,
      km: fc.oneof(
        fc.double({ min: 0, max: 20_015, noNaN: true }),
        fc.constantFrom(1, 5, 50, 500, 10_008, 20_000, 20_016),
      ),
    });
    await fc.assert(
      fc.asyncProperty(circle, fc.constantFrom(undefined, 3), async (withinKm, walk) => {
        const distance = (row: Row) => {
          const position = positionOf(row);
          return position && kilometres(position, [withinKm.latitude, withinKm.longitude]);
        };
        // On the edge itself rounding decides: a metre to either side is left open.
        const near = new Set(await found({ location: { withinKm } }, walk));
        rows.forEach((row, n) => {
          const km = distance(row);
          if (km === null) expect([n, near.has(n)]).toEqual([n, false]);
          else if (Math.abs(km - withinKm.km) > 0.001)
            expect([withinKm, n, near.has(n)]).toEqual([withinKm, n, km < withinKm.km]);
        });
        const rest = rows.map((_, n) => n).filter((n) => !near.has(n));
        expect(await found({ not: { location: { withinKm } } }, walk)).toEqual(rest);
      }),
      { numRuns: 150 },
    );
  });

  test('known distances: Tokyo to Sapporo is 832 km, and a pole is as near from anywhere', async () => {
    const sapporo = expected((row) => positionOf(row)?.[0] === 43.06);
    expect(sapporo.length).toBeGreaterThan(0);
    const within = (km: number) =>
      found({ location: { withinKm: { latitude: 35.68, longitude: 139.77, km } } });
    expect(await within(840)).toEqual(expect.arrayContaining(sapporo));
    expect((await within(820)).filter((n) => sapporo.includes(n))).toEqual([]);
    const atPole = expected((row) => positionOf(row)?.[0] === 90);
    expect(atPole.length).toBeGreaterThan(1);
    expect(await found({ location: { withinKm: { latitude: 90, longitude: -77, km: 0.5 } } })).toEqual(
      atPole,
    );
  });

  test('missing where neither the image nor its place has one', async () => {
    const missing = expected((row) => positionOf(row) === null);
    expect(missing.length).toBeGreaterThan(0);
    expect(await found({ location: { isNull: true } })).toEqual(missing);
    expect(await found({ location: { isNull: false } })).toEqual(expected((row) => positionOf(row) !== null));
  });

  test.each([
    [
      { withinBox: { south: -91, west: 0, north: 0, east: 1 } },
      'location.withinBox.south is a number from -90 to 90',
    ],
    [
      { withinBox: { south: 0, west: 0, north: 0, east: 180.5 } },
      'location.withinBox.east is a number from -180 to 180',
    ],
    [{ withinBox: { south: 1, west: 0, north: 0, east: 1 } }, 'south is not to be above north'],
    [
      { withinKm: { latitude: 91, longitude: 0, km: 1 } },
      'location.withinKm.latitude is a number from -90 to 90',
    ],
    [{ withinKm: { latitude: 0, longitude: NaN, km: 1 } }, 'location.withinKm.longitude is a number'],
    [{ withinKm: { latitude: 0, longitude: 0, km: -1 } }, 'location.withinKm.km is a number from 0 to 20016'],
    [
      { withinKm: { latitude: 0, longitude: 0, km: 20_017 } },
      'location.withinKm.km is a number from 0 to 20016',
    ],
  ])('%j is refused: %s', async (location, message) => {
    await expect(found({ location })).rejects.toMatchObject({
      code: 'FILTER_INVALID',
      message: expect.stringContaining(message),
    });
  });

  test('over HTTP a wrong number is FILTER_INVALID and a missing edge is no filter', async () => {
    const query = (location: string) =>
      service.ask(
        `{ images(projectId: "${project.name}", where: { location: ${location} }) { totalCount } }`,
      );
    const answer = await query('{ withinKm: { latitude: 91, longitude: 0, km: 1 } }');
    expect(answer.errors?.[0]?.extensions?.code).toBe('FILTER_INVALID');
    expect((await query('{ withinKm: { latitude: 9, longitude: 0 } }')).errors).toHaveLength(1);
  });
});

describe('the same everywhere', () => {
  const SEARCHES: Where[] = [
    { search: 'frame crossing' },
    { location: { withinKm: { latitude: 35.68, longitude: 139.77, km: 50 } } },
    { location: { withinBox: { south: -20, west: 170, north: 20, east: -170 } } },
    { or: [{ search: '札幌' }, { not: { location: { isNull: false } } }] },
    {
      and: [
        { not: { search: 'jpg' } },
        { location: { withinBox: { south: -90, west: -180, north: 90, east: 180 } } },
      ],
    },
  ];

  test.each(SEARCHES)('%j: images, coverage, a condition and a data set recipe agree', async (where) => {
    const wanted = await found(where);
    expect(wanted.length).toBeGreaterThan(0);
    const name = `searched-${SEARCHES.indexOf(where)}`;
    await createCondition(service.db, project.uuid, { name, filter: where });
    expect(await found({ condition: name })).toEqual(wanted);
    const query = `query ($project: ID!, $where: ImageWhere) {
      images(projectId: $project, where: $where) { totalCount }
      coverage(projectId: $project, by: [WEATHER], where: $where) { total cells { images } } }`;
    for (const asked of [where, { condition: name }]) {
      const { images, coverage } = await service.ok<any>(query, { project: project.name, where: asked });
      expect([images.totalCount, coverage.total]).toEqual([wanted.length, wanted.length]);
    }
    const rest = await service.ok<any>(query, { project: project.name, where: { not: where } });
    expect([rest.images.totalCount, rest.coverage.total]).toEqual(
      Array<number>(2).fill(rows.length - wanted.length),
    );
  });

  test('a page of one costs the same statements as a page of all', async () => {
    const where = '{ search: "jpg", location: { isNull: false } }';
    for (const first of [1, 2, 90]) {
      const query = `{ images(projectId: "${project.name}", first: ${first}, where: ${where}) { nodes { id fileName } } }`;
      expect(await statementsOf(service.db, () => service.ok(query))).toEqual([
        'project.resolve',
        'image.list',
      ]);
    }
  });

  test('each word counts as a term of the filter', async () => {
    const or = Array.from({ length: 30 }, () => ({ search: 'a b c d e f g' }));
    await expect(found({ or })).rejects.toMatchObject({ code: 'FILTER_INVALID' });
  });
});
