/** Changing what is said of an image. */
import type { Project } from '../../../src/catalog/project/project.js';
import { WeatherName } from '../../../src/catalog/vocabulary.js';
import { createWeather } from '../../../src/catalog/weather/weatherService.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { startTestService, type TestService } from '../../support/service.js';
import { nameOf, newImage, newPlace, newProject, rowOf } from '../graphql/support/world.js';

let service: TestService;
let project: Project;
beforeAll(async () => {
  service = await startTestService();
  project = await newProject(service.db);
});
afterAll(() => service.stop());

const UPDATE = `mutation ($input: UpdateImageInput!) { updateImage(input: $input) {
  image { fileName recordedAt drive latitude longitude sunAltitude place { id } weather { value source } timeOfDay { value source } scene { value } }
  userErrors { code message field } } }`;
const update = async (uuid: string, change: object) =>
  (await service.ask(UPDATE, { input: { id: toGlobalId('Image', uuid), ...change } })).data.updateImage;

test('what is missing stays, null takes a value away', async () => {
  const place = await newPlace(service.db, project);
  const uuid = await newImage(service.db, project, {
    fileName: 'a.jpg',
    place: nameOf(place),
    recordedAt: new Date('2024-05-01T03:00:00Z'),
    latitude: 35.7,
    longitude: 139.7,
    weather: WeatherName.RAIN,
    timeOfDay: 'NIGHT' as never,
    scene: 'TUNNEL' as never,
    drive: 'd',
  });
  const before = (await update(uuid, {})).image;
  expect(before).toMatchObject({
    fileName: 'a.jpg',
    drive: 'd',
    weather: { value: 'RAIN', source: 'LABEL' },
    timeOfDay: { source: 'LABEL' },
  });
  expect((await update(uuid, { fileName: 'b.jpg' })).image).toEqual({ ...before, fileName: 'b.jpg' });
  const nothing = {
    recordedAt: null,
    placeId: null,
    latitude: null,
    longitude: null,
    drive: null,
    weather: null,
    timeOfDay: null,
    scene: null,
  };
  expect((await update(uuid, nothing)).image).toEqual({
    fileName: 'b.jpg',
    recordedAt: null,
    drive: null,
    latitude: null,
    longitude: null,
    sunAltitude: null,
    place: null,
    weather: null,
    timeOfDay: { value: 'DAY', source: 'SENSOR' },
    scene: null,
  });
});

test('another time or place is another weather period and another sun', async () => {
  const [wet, dry] = [
    await newPlace(service.db, project, { latitude: 35.7, longitude: 139.7 }),
    await newPlace(service.db, project, { latitude: -35.7, longitude: -40.3 }),
  ];
  await createWeather(service.db, wet.uuid, {
    weatherName: WeatherName.RAIN,
    startTime: new Date('2024-05-01T00:00:00Z'),
    endTime: new Date('2024-05-02T00:00:00Z'),
  });
  await createWeather(service.db, dry.uuid, {
    weatherName: WeatherName.CLEAR,
    startTime: new Date(0),
    endTime: null,
  });
  const uuid = await newImage(service.db, project, {
    place: nameOf(wet),
    recordedAt: new Date('2024-05-01T03:00:00Z'),
  });
  expect((await update(uuid, {})).image).toMatchObject({
    weather: { value: 'RAIN', source: 'PERIOD' },
    timeOfDay: { value: 'DAY', source: 'DERIVED' },
  });
  expect((await update(uuid, { recordedAt: '2024-05-02T00:00:00Z' })).image.weather).toBeNull();
  expect(
    (await update(uuid, { placeId: dry.globalId, recordedAt: '2024-05-01T03:00:00Z' })).image,
  ).toMatchObject({
    place: { id: dry.globalId },
    weather: { value: 'CLEAR', source: 'PERIOD' },
    timeOfDay: { value: 'NIGHT', source: 'DERIVED' },
  });
});

test('what cannot be is refused by name and changes nothing', async () => {
  const uuid = await newImage(service.db, project, { fileName: 'same.jpg' });
  const before = await rowOf(service.db, 'image', uuid);
  const foreign = await newPlace(service.db, await newProject(service.db));
  const wrong: [object, string, string[] | null][] = [
    [{ latitude: 10 }, 'BAD_USER_INPUT', ['latitude']],
    [{ longitude: 10 }, 'BAD_USER_INPUT', ['latitude']],
    [{ latitude: 91, longitude: 0 }, 'BAD_USER_INPUT', null],
    [{ fileName: null }, 'BAD_USER_INPUT', ['fileName']],
    [{ fileName: '' }, 'BAD_USER_INPUT', null],
    [{ drive: '' }, 'BAD_USER_INPUT', null],
    [{ placeId: foreign.globalId }, 'NOT_FOUND', ['placeId']],
  ];
  for (const [change, code, field] of wrong) {
    const { image, userErrors } = await update(uuid, { scene: 'HIGHWAY', ...change });
    expect([change, image, userErrors]).toEqual([
      change,
      null,
      [{ code, message: expect.any(String), field }],
    ]);
  }
  expect(await rowOf(service.db, 'image', uuid)).toEqual(before);
});

describe('places', () => {
  test('with one name, or without a name of its own, are one place of a project; another project has its own', async () => {
    const fields = { country: 'Japan', prefecture: 'Tokyo', city: 'Once' };
    const create = (rest = {}, of = project) =>
      service.ask(
        `mutation ($input: CreatePlaceInput!) { createPlace(input: $input) { place { name } userErrors { code } } }`,
        {
          input: { projectId: of.globalId, timeZone: 'Asia/Tokyo', ...fields, ...rest },
        },
      );
    expect((await create()).data.createPlace.place).toEqual({ name: '' });
    expect((await create({ name: '' })).data.createPlace.userErrors).toEqual([{ code: 'PLACE_EXISTS' }]);
    expect((await create({ name: 'Junction' })).data.createPlace.userErrors).toEqual([]);
    expect((await create({}, await newProject(service.db))).data.createPlace.userErrors).toEqual([]);
  });

  test('that cannot be are refused by name', async () => {
    const right = {
      projectId: project.globalId,
      country: 'J',
      prefecture: 'T',
      city: 'C',
      timeZone: 'Asia/Tokyo',
    };
    for (const [change, field] of [
      [{ country: ' ' }, 'country'],
      [{ city: '' }, 'city'],
      [{ timeZone: 'Tokyo' }, 'timeZone'],
      [{ timeZone: '' }, 'timeZone'],
      [{ latitude: 1 }, 'latitude'],
      [{ latitude: 91, longitude: 0 }, 'latitude'],
      [{ latitude: 0, longitude: 181 }, 'longitude'],
    ] as const) {
      const answer = await service.ask(
        'mutation ($input: CreatePlaceInput!) { createPlace(input: $input) { userErrors { code field } } }',
        { input: { ...right, ...change } },
      );
      expect([change, answer.data.createPlace.userErrors]).toEqual([
        change,
        [{ code: 'BAD_USER_INPUT', field: [field] }],
      ]);
    }
  });
});

test('a project goes by its id or its name; a name that reads like an id is refused, also as a new name', async () => {
  const created = await newProject(service.db, 'by name');
  for (const id of ['by name', created.globalId])
    expect((await service.ok('query ($id: ID!) { project(id: $id) { name } }', { id })).project).toEqual({
      name: 'by name',
    });
  const name = project.globalId;
  const answers = await service.ask(
    `mutation ($name: String!) { create: createProject(input: { name: $name }) { userErrors { code field } }
       rename: updateProject(input: { id: "by name", name: $name }) { userErrors { code field } }
       taken: createProject(input: { name: "by name" }) { userErrors { code field } } }`,
    { name },
  );
  expect(answers.data).toEqual({
    create: { userErrors: [{ code: 'BAD_USER_INPUT', field: ['name'] }] },
    rename: { userErrors: [{ code: 'BAD_USER_INPUT', field: ['name'] }] },
    taken: { userErrors: [{ code: 'NAME_TAKEN', field: ['name'] }] },
  });
});
