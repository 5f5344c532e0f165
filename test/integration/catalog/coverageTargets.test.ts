/** What a project wants and what it lacks. */
import { updatePlace } from '../../../src/catalog/place/placeService.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { TimeOfDay, WeatherName } from '../../../src/catalog/vocabulary.js';
import { startTestService, type TestService } from '../../support/service.js';
import { light, nameOf, newImages, newPlace, newProject } from '../graphql/support/world.js';

let service: TestService;
let project: Project;
beforeAll(async () => {
  service = await startTestService();
});
beforeEach(async () => {
  project = await newProject(service.db);
});
afterAll(() => service.stop());

const SET = `mutation ($input: SetCoverageTargetInput!) { setCoverageTarget(input: $input) {
  target { id name cells { dimension keys } where wants { measure atLeast } } userErrors { code field message } } }`;
const set = async (input: object) =>
  (await service.ask(SET, { input: { projectId: project.globalId, ...input } })).data.setCoverageTarget;
const gaps = async () =>
  (
    await service.ok(`{ coverageGaps(projectId: "${project.globalId}") {
      target { name } by keys shortfall wants { measure have want missing } } }`)
  ).coverageGaps;

/** Red lights, 8 to 16 px wide, at night, in rain, from places enough: the question that the product is for. */
const RED_AT_NIGHT = {
  name: 'small red lights on rainy nights',
  cells: [
    { dimension: 'LIGHT_COLOR', keys: ['RED'] },
    { dimension: 'LIGHT_SIZE', keys: ['8-16'] },
  ],
  where: { condition: 'rain', timeOfDay: { eq: 'NIGHT' } },
  wants: [
    { measure: 'LIGHTS', atLeast: 4 },
    { measure: 'PLACES', atLeast: 2 },
  ],
};

test('a gap says what is there, what is wanted and what is missing; it closes when enough is collected', async () => {
  expect((await set(RED_AT_NIGHT)).userErrors).toEqual([]);
  const places = [await newPlace(service.db, project), await newPlace(service.db, project)];
  const rainyNight = { weather: WeatherName.RAIN, timeOfDay: TimeOfDay.NIGHT };
  const image = (label: string, place: number, row: object, boxes = [light('RED', { width: 10 })]) => ({
    label: `${project.uuid}-${label}`,
    place: nameOf(places[place]!),
    boxes,
    ...row,
  });
  await newImages(service.db, project, [
    image('one', 0, rainyNight, [light('RED', { width: 10 }), light('RED', { width: 15.9 }), light('GREEN')]),
    image('too wide', 1, rainyNight, [light('RED', { width: 16 })]),
    image('by day', 1, { ...rainyNight, timeOfDay: TimeOfDay.DAY }),
    image('dry', 1, { ...rainyNight, weather: WeatherName.CLEAR }),
  ]);
  expect(await gaps()).toEqual([
    {
      target: { name: RED_AT_NIGHT.name },
      by: ['LIGHT_COLOR', 'LIGHT_SIZE'],
      keys: ['RED', '8-16'],
      shortfall: 0.5,
      wants: [
        { measure: 'LIGHTS', have: 2, want: 4, missing: 2 },
        { measure: 'PLACES', have: 1, want: 2, missing: 1 },
      ],
    },
  ]);
  await newImages(service.db, project, [
    image('two', 1, rainyNight),
    image('three', 1, rainyNight, [light('RED', { width: 8 })]),
  ]);
  expect(await gaps()).toEqual([]);
});

test('a target over several keys has a cell for each of their products; the emptiest comes first', async () => {
  await set({
    name: 'grid',
    cells: [
      { dimension: 'WEATHER', keys: ['RAIN', 'SNOW'] },
      { dimension: 'TIME_OF_DAY', keys: ['DAY', 'NIGHT'] },
    ],
    wants: [{ measure: 'IMAGES', atLeast: 2 }],
  });
  const image = (label: string, weather: WeatherName, timeOfDay: TimeOfDay) => ({
    label: `${project.uuid}-${label}`,
    ...{ weather, timeOfDay },
  });
  await newImages(service.db, project, [
    image('a', WeatherName.RAIN, TimeOfDay.DAY),
    image('b', WeatherName.RAIN, TimeOfDay.DAY),
    image('c', WeatherName.RAIN, TimeOfDay.NIGHT),
  ]);
  const found = (await gaps()).map((gap: any) => [gap.keys.join(' '), gap.shortfall]);
  expect(found.slice(0, 2).sort()).toEqual([
    ['SNOW DAY', 1],
    ['SNOW NIGHT', 1],
  ]);
  expect(found.slice(2)).toEqual([['RAIN NIGHT', 0.5]]);
});

test('a target of the same name is replaced, and can be deleted', async () => {
  const { target } = await set(RED_AT_NIGHT);
  const again = await set({ ...RED_AT_NIGHT, wants: [{ measure: 'IMAGES', atLeast: 9 }] });
  expect(again.target.id).toBe(target.id);
  const list = () =>
    service.ok(`{ coverageTargets(projectId: "${project.globalId}") { id name wants { measure atLeast } } }`);
  expect((await list()).coverageTargets).toEqual([
    { id: target.id, name: RED_AT_NIGHT.name, wants: [{ measure: 'IMAGES', atLeast: 9 }] },
  ]);
  const remove = async () =>
    (
      await service.ask(
        `mutation { deleteCoverageTarget(input: { id: "${target.id}" }) { userErrors { code } } }`,
      )
    ).data.deleteCoverageTarget.userErrors;
  expect(await remove()).toEqual([]);
  expect(await remove()).toEqual([{ code: 'NOT_FOUND' }]);
  expect((await list()).coverageTargets).toEqual([]);
});

test.each([
  ['no dimension', { cells: [] }, 'cells'],
  ['a dimension twice', { cells: [RED_AT_NIGHT.cells[0], RED_AT_NIGHT.cells[0]] }, 'cells'],
  ['no key', { cells: [{ dimension: 'WEATHER', keys: [] }] }, 'cells'],
  ['nothing wanted', { wants: [] }, 'wants'],
  ['nought wanted', { wants: [{ measure: 'IMAGES', atLeast: 0 }] }, 'wants'],
  ['no name', { name: '' }, 'name'],
])('%s is refused and nothing is written', async (_, change, field) => {
  expect((await set({ ...RED_AT_NIGHT, ...change })).userErrors).toMatchObject([
    { code: 'BAD_USER_INPUT', field: [field] },
  ]);
  const { coverageTargets } = await service.ok(
    `{ coverageTargets(projectId: "${project.globalId}") { id } }`,
  );
  expect(coverageTargets).toEqual([]);
});

test('the question of the issue as a user writes it: four dimensions, 500 lights, 20 places; the worst cell first', async () => {
  const input = {
    name: 'small red lights on rainy nights',
    cells: [
      { dimension: 'LIGHT_COLOR', keys: ['RED', 'YELLOW'] },
      { dimension: 'LIGHT_SIZE', keys: ['8-16'] },
      { dimension: 'TIME_OF_DAY', keys: ['NIGHT'] },
      { dimension: 'WEATHER', keys: ['RAIN'] },
    ],
    wants: [
      { measure: 'LIGHTS', atLeast: 500 },
      { measure: 'PLACES', atLeast: 20 },
    ],
  };
  expect((await set(input)).userErrors).toEqual([]);
  const places = await Promise.all(Array.from({ length: 20 }, () => newPlace(service.db, project)));
  const row = (n: number, boxes: object[]) => ({
    ...{ label: `${project.uuid}-${n}`, place: nameOf(places[n % 20]!), boxes: boxes as never },
    ...{ weather: WeatherName.RAIN, timeOfDay: TimeOfDay.NIGHT },
  });
  const reds = (n: number) => Array.from({ length: n }, () => light('RED', { width: 12 }));
  // 19 places have more than enough of red: it is a place that is missing. Of yellow there is one light.
  const images = Array.from({ length: 19 }, (_, n) => row(n, reds(30)));
  await newImages(service.db, project, [...images, row(38, [light('YELLOW', { width: 8 })])]);
  const seen = async () =>
    (await gaps()).map((gap: any) => [gap.keys.join(' '), gap.wants.map((want: any) => want.missing)]);
  expect(await seen()).toEqual([
    ['YELLOW 8-16 NIGHT RAIN', [499, 19]],
    ['RED 8-16 NIGHT RAIN', [0, 1]],
  ]);
  await newImages(service.db, project, [row(19, reds(1))]);
  expect((await seen()).map(([keys]: string[]) => keys)).toEqual(['YELLOW 8-16 NIGHT RAIN']);
});

test.each([
  ['WEATHER', 'RAINY', /RAINY.*CLEAR, PARTLY_CLOUDY/],
  ['TIME_OF_DAY', 'night', /NIGHT/],
  ['SCENE', 'BRIDGE', /TUNNEL/],
  ['HOUR', '8', /08/],
  ['MONTH', '13', /12/],
  ['LIGHT_SIZE', '8–16', /8-16/],
  ['LIGHT_COLOR', 'AMBER', /YELLOW/],
  ['HAS_LIGHT', 'true', /NO, YES/],
  ['CONDITION', 'hail', /night, rain, sunny/],
])('a target that nothing can meet is refused with what there is: %s %s', async (dimension, key, message) => {
  const cells = [{ dimension, keys: [key] }];
  expect((await set({ ...RED_AT_NIGHT, cells })).userErrors).toEqual([
    { code: 'BAD_USER_INPUT', field: ['cells'], message: expect.stringMatching(message) },
  ]);
});

test('the place of a target is one of the project, and stays the same under another name', async () => {
  const place = await newPlace(service.db, project);
  const foreign = await newPlace(service.db, await newProject(service.db));
  const cells = (id: string) => ({
    ...RED_AT_NIGHT,
    cells: [{ dimension: 'PLACE', keys: [id] }],
    where: null,
  });
  const wants = [{ measure: 'IMAGES', atLeast: 2 }];
  expect((await set(cells(foreign.globalId))).userErrors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  await set({ ...cells(place.globalId), wants });
  await newImages(service.db, project, [{ label: `${project.uuid}-p`, place: nameOf(place) }]);
  const have = async () => (await gaps()).map((gap: any) => [gap.keys[0], gap.wants[0].have]);
  expect(await have()).toEqual([[place.globalId, 1]]);
  await updatePlace(service.db, place.uuid, { city: 'Renamed', name: 'Elsewhere' });
  expect(await have()).toEqual([[place.globalId, 1]]);
});

test('a condition that does not exist is refused', async () => {
  expect((await set({ ...RED_AT_NIGHT, where: { condition: 'hail' } })).userErrors).toMatchObject([
    { code: 'CONDITION_UNKNOWN' },
  ]);
});
