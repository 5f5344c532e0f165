/** Registering images: whole batches or nothing, again without effect, and from any number of clients at a time. */
import fc from 'fast-check';
import { registerImages } from '../../../src/catalog/image/registerImages.js';
import type { RegisterImageRow } from '../../../src/catalog/image/registerInputs.js';
import type { Place } from '../../../src/catalog/place/place.js';
import type { Project } from '../../../src/catalog/project/project.js';
import { Category } from '../../../src/catalog/vocabulary.js';
import { startTestService, type TestService } from '../../support/service.js';
import { stableCode } from '../graphql/support/answers.js';
import { digestOf, light, nameOf, newPictures, newPlace, newProject } from '../graphql/support/world.js';

let service: TestService;
let project: Project;
let place: Place;
beforeEach(async () => {
  project = await newProject(service.db);
  place = await newPlace(service.db, project);
});
beforeAll(async () => {
  service = await startTestService();
  await newPictures(
    service.db,
    Array.from({ length: 40 }, (_, n) => `p${n}`),
  );
});
afterAll(() => service.stop());

const row = (n: number, rest: object = {}) => ({ sha256: digestOf(`p${n}`), fileName: `${n}.jpg`, ...rest });

const REGISTER = `mutation ($input: RegisterImagesInput!) { registerImages(input: $input) {
  created existing images { id sha256 fileName } userErrors { code message field } } }`;
const register = async (rows: object[]) =>
  (await service.ask(REGISTER, { input: { projectId: project.globalId, rows } })).data.registerImages;

const count = async () => {
  const [answer] = await service.db.query(
    `SELECT (SELECT count(*)::int FROM image WHERE project_id = $1) AS images,
       (SELECT count(*)::int FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1) AS boxes`,
    [project.uuid],
  );
  return answer as { images: number; boxes: number };
};

test('the answer has the images in the order of the rows', async () => {
  const answer = await register([row(3), row(1), row(2)]);
  expect(answer).toMatchObject({ created: 3, existing: 0, userErrors: [] });
  expect(answer.images.map((image: { fileName: string }) => image.fileName)).toEqual([
    '3.jpg',
    '1.jpg',
    '2.jpg',
  ]);
  expect(await register([])).toMatchObject({ created: 0, existing: 0, images: [] });
});

test('the same batch again changes nothing, whatever its rows say now', async () => {
  const first = await register([row(1, { boxes: [light()] }), row(2)]);
  const again = await register([
    row(2, { drive: 'other' }),
    row(1, { fileName: 'other.jpg', boxes: [light(), light()] }),
  ]);
  expect(again).toMatchObject({ created: 0, existing: 2 });
  expect(again.images).toEqual([...first.images].reverse());
  expect(await count()).toEqual({ images: 2, boxes: 1 });
});

test('a picture twice in one batch is one image', async () => {
  const answer = await register([row(1), row(2), row(1)]);
  expect(answer).toMatchObject({ created: 2, existing: 1 });
  expect(answer.images[0]).toEqual(answer.images[2]);
});

test('two projects have images of their own of one picture', async () => {
  const [mine] = (await register([row(1)])).images;
  project = await newProject(service.db);
  expect((await register([row(1)])).images[0].id).not.toBe(mine.id);
});

const box = (rest: object) => ({ boxes: [light(), light(null, rest)] });
const wrongRows: [what: string, rest: object, code: string, field: string[]][] = [
  [
    'of an unknown place',
    { place: { country: 'Japan', prefecture: 'Tokyo', city: 'Nowhere' } },
    'PLACE_UNKNOWN',
    ['place'],
  ],
  ['of a picture that is not there', { sha256: '0'.repeat(64) }, 'BLOB_MISSING', ['sha256']],
  ['of a digest in capitals', { sha256: digestOf('p1').toUpperCase() }, 'BAD_USER_INPUT', ['sha256']],
  ['of no digest', { sha256: '../../etc/passwd' }, 'BAD_USER_INPUT', ['sha256']],
  ['without a file name', { fileName: '' }, 'BAD_USER_INPUT', ['fileName']],
  ['with a file name of 1,001 characters', { fileName: 'x'.repeat(1001) }, 'BAD_USER_INPUT', ['fileName']],
  ['with an empty drive', { drive: '' }, 'BAD_USER_INPUT', ['drive']],
  ['with a latitude alone', { latitude: 1 }, 'BAD_USER_INPUT', ['latitude']],
  ['beyond the pole', { latitude: 90.1, longitude: 0 }, 'BAD_USER_INPUT', ['latitude']],
  ['beyond the date line', { latitude: 0, longitude: -180.1 }, 'BAD_USER_INPUT', ['longitude']],
  [
    'with a colour on a car',
    box({ category: Category.CAR, color: 'RED' }),
    'BAD_USER_INPUT',
    ['boxes', '1', 'color'],
  ],
  [
    'with arrows on a bus',
    box({ category: Category.BUS, arrows: ['LEFT'] }),
    'BAD_USER_INPUT',
    ['boxes', '1', 'arrows'],
  ],
  [
    'with a role on a person',
    box({ category: Category.PERSON, role: 'VEHICLE' }),
    'BAD_USER_INPUT',
    ['boxes', '1', 'role'],
  ],
  ['with a box right of the picture', box({ x: 1280 }), 'BAD_USER_INPUT', ['boxes', '1', 'x']],
  ['with a box above the picture', box({ y: -40 }), 'BAD_USER_INPUT', ['boxes', '1', 'x']],
  ['with a box of no width', box({ width: 0 }), 'BAD_USER_INPUT', ['boxes', '1', 'width']],
  ['with a box of negative height', box({ height: -1 }), 'BAD_USER_INPUT', ['boxes', '1', 'height']],
  ['with 1,001 boxes', { boxes: Array.from({ length: 1001 }, () => light()) }, 'BAD_USER_INPUT', ['boxes']],
];

test.each(wrongRows)(
  'a batch with one row %s writes nothing and names the place',
  async (_, rest, code, field) => {
    const answer = await register([row(1, { boxes: [light()] }), row(2), row(3, rest), row(4)]);
    expect(answer).toEqual({
      created: null,
      existing: null,
      images: null,
      userErrors: [{ code, message: expect.stringMatching(/\w.*\.$/), field: ['rows', '2', ...field] }],
    });
    expect(await count()).toEqual({ images: 0, boxes: 0 });
  },
);

test('every wrong row is named, the first twenty of them', async () => {
  const { userErrors } = await register([
    row(0),
    ...Array.from({ length: 30 }, (_, n) => row(n, { fileName: '' })),
  ]);
  expect(userErrors.map((error: { field: string[] }) => error.field[1])).toEqual(
    Array.from({ length: 20 }, (_, n) => `${n + 1}`),
  );
});

test('numbers that are none cannot even be sent', async () => {
  for (const wrong of ['NaN', 'Infinity', null]) {
    const answer = await service.ask(REGISTER, {
      input: {
        projectId: project.globalId,
        rows: [row(1, { boxes: [light('RED', { x: wrong as never })] })],
      },
    });
    expect(stableCode(answer)).toBe('BAD_USER_INPUT');
  }
  const literal = REGISTER.replace('($input: RegisterImagesInput!)', '').replace(
    '$input',
    `{ projectId: "${project.globalId}", rows: [{ sha256: "${digestOf('p1')}", fileName: "a", boxes: [{ category: CAR, x: 0, y: 0, width: 1e999, height: 1 }] }] }`,
  );
  expect(stableCode(await service.ask(literal))).toBe('BAD_USER_INPUT');
  expect(await count()).toEqual({ images: 0, boxes: 0 });
});

test('a box may leave the picture; one for the whole picture has its size', async () => {
  await register([
    row(1, {
      boxes: [
        light('RED', { x: -5, y: 700, width: 2000 }),
        { ...light('GREEN'), width: 0, wholeImage: true },
      ],
    }),
  ]);
  const boxes = await service.db.query(
    'SELECT color, x, y, a.width, a.height FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1 ORDER BY color DESC',
    [project.uuid],
  );
  expect(boxes).toEqual([
    { color: 'RED', x: -5, y: 700, width: 2000, height: 40 },
    { color: 'GREEN', x: 0, y: 0, width: 1280, height: 720 },
  ]);
});

test('what nobody looked at has no counts; where somebody looked and found nothing they are nought', async () => {
  await register([row(1), row(2, { boxes: [] }), row(3, { boxes: [light()] })]);
  const { images } = await service.ok(
    `{ images(projectId: "${project.globalId}", orderBy: [{ field: FILE_NAME }]) { nodes { objects { people trafficLights } annotations { category } } } }`,
  );
  expect(images.nodes).toEqual([
    { objects: null, annotations: [] },
    { objects: { people: 0, trafficLights: 0 }, annotations: [] },
    { objects: { people: 0, trafficLights: 1 }, annotations: [{ category: 'TRAFFIC_LIGHT' }] },
  ]);
});

test('a thousand rows are taken at once, a thousand and one are refused', async () => {
  const labels = Array.from({ length: 1001 }, (_, n) => `many-${n}`);
  const digests = await newPictures(service.db, labels);
  const rows = digests.map((sha256, n) => ({
    sha256,
    fileName: `${n}.jpg`,
    place: nameOf(place),
    recordedAt: '2024-01-01T00:00:00Z',
  }));
  expect((await register(rows)).userErrors).toEqual([
    { code: 'BAD_USER_INPUT', message: expect.stringContaining('1000'), field: ['rows'] },
  ]);
  expect(await count()).toEqual({ images: 0, boxes: 0 });
  expect(await register(rows.slice(0, 1000))).toMatchObject({ created: 1000, existing: 0 });
});

test('eight clients with overlapping batches: every image once, every client has the same ids, nobody fails', async () => {
  const subset = fc.shuffledSubarray([...Array(40).keys()], { minLength: 10 });
  for (const batches of fc.sample(fc.tuple(...Array.from({ length: 8 }, () => subset)), {
    numRuns: 6,
    seed: 8,
  })) {
    project = await newProject(service.db);
    const answers = await Promise.all(
      batches.map((numbers) =>
        registerImages(
          service.db,
          project.uuid,
          numbers.map((n) => row(n, { boxes: [light()] }) as RegisterImageRow),
        ),
      ),
    );
    const all = new Set(batches.flat());
    expect(await count()).toEqual({ images: all.size, boxes: all.size });
    expect(answers.reduce((sum, answer) => sum + answer.created, 0)).toBe(all.size);
    const ids = new Map<number, string>();
    batches.forEach((numbers, client) =>
      numbers.forEach((n, index) => {
        const uuid = answers[client]!.imageUuids[index]!;
        expect(ids.get(n) ?? uuid).toBe(uuid);
        ids.set(n, uuid);
      }),
    );
  }
});
