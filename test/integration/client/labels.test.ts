/** Labels of another tool, imported by the command into a real service. */
import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import sharp from 'sharp';
import { ShingoClient } from '../../../src/client/api.js';
import { runImport } from '../../../src/client/import/command.js';
import { checkFolder, ImportError, importFolder } from '../../../src/client/import/index.js';
import { countLabels, type LabelOptions } from '../../../src/client/import/labels.js';
import { PictureIndex } from '../../../src/datasets/formats/read/pictureIndex.js';
import { startTestService, type TestService } from '../../support/service.js';
import { makeFolder } from '../../unit/client/support/folder.js';

let service: TestService;
beforeAll(async () => (service = await startTestService()));
afterAll(() => service.stop());

const picture = (shade: number) =>
  sharp({ create: { width: 1280, height: 720, channels: 3, background: { r: shade, g: 90, b: 90 } } })
    .png()
    .toBuffer();
const box2d = { x1: 10, y1: 20, x2: 17, y2: 35 };
const frame = (name: string, rest: object = {}) => ({ name, timestamp: 10000, ...rest });
const LABELS = [
  frame('a.png', {
    attributes: { weather: 'rainy', timeofday: 'night', scene: 'city street' },
    labels: [
      { category: 'traffic light', box2d, attributes: { trafficLightColor: 'R', occluded: true } },
      { category: 'car', box2d, attributes: { trafficLightColor: 'NA' } },
      { category: 'car', box2d, score: 0.5 },
      { category: 'car', box2d: { x1: 2000, y1: 0, x2: 2010, y2: 5 } },
    ],
  }),
  frame('b.png', { attributes: null }),
  frame('c.png', { labels: [] }),
];

const folderOf = async (labels: unknown = LABELS) =>
  makeFolder({
    'labels.json': JSON.stringify(labels),
    'images/100k/val/a.png': await picture(1),
    'images/100k/val/b.png': await picture(2),
    'images/100k/val/c.png': await picture(3),
  });

async function importInto(project: string, folder: string, labels: LabelOptions): Promise<unknown> {
  await using client = new ShingoClient({ url: service.url });
  const checked = await checkFolder(`${folder}/labels.json`, { labels });
  return await importFolder(client, { folder, checked, projectId: project });
}

test('arrive with their pictures wherever those lie, and a second time nothing changes', async () => {
  await using folder = await folderOf();
  const project = randomUUID();
  await service.ok(`mutation { createProject(input: { name: "${project}" }) { userErrors { code } } }`);
  const labels: LabelOptions = { format: 'auto' };
  expect(await importInto(project, folder.path, labels)).toMatchObject({
    created: 3,
    existing: 0,
    unlabelled: 1,
  });
  const written = () =>
    service.db.query(
      `SELECT i.*, (SELECT jsonb_agg(to_jsonb(a) ORDER BY a.id) FROM annotation a WHERE a.image_id = i.id) AS boxes
       FROM image i JOIN project p ON p.id = i.project_id WHERE p.name = $1 ORDER BY file_name`,
      [project],
    );
  const first = (await written()) as unknown[];
  expect(first).toMatchObject([
    {
      file_name: 'images/100k/val/a.png',
      weather_label: 'RAIN',
      time_of_day_label: 'NIGHT',
      scene_label: 'CITY_STREET',
      recorded_at: null,
      traffic_lights: 1,
      boxes: [
        { category: 'TRAFFIC_LIGHT', color: 'RED', x: 10, y: 20, width: 8, height: 16, occluded: true },
        { category: 'CAR', color: null },
      ],
    },
    { weather_label: null, traffic_lights: null, boxes: null },
    { traffic_lights: 0, boxes: null },
  ]);
  expect(await importInto(project, folder.path, labels)).toMatchObject({
    created: 0,
    existing: 3,
    uploaded: 0,
  });
  expect(await written()).toEqual(first);
});

const refusal = (folder: string, labels: LabelOptions) =>
  checkFolder(`${folder}/labels.json`, { labels }).then(
    () => 'accepted',
    (error: unknown) => (error instanceof ImportError ? error.message : Promise.reject(error as Error)),
  );

test('with a value that is not known are refused before anything is sent; lenient keeps it aside and says so', async () => {
  await using folder = await folderOf(
    [...LABELS, frame('c.png', { attributes: { weather: 'hail' } })].slice(1),
  );
  expect(await refusal(folder.path, { format: 'auto' })).toMatch(
    /labels\.json:\[2\]\.attributes\.weather: weather "hail" is not known/,
  );
  const counts = await countLabels(`${folder.path}/labels.json`, { format: 'auto', lenient: true });
  expect(counts.notices).toEqual([
    'kept aside: weather "hail", 1 time, first at labels.json:[2].attributes.weather',
  ]);
});

test('without their pictures are refused, or left out and counted', async () => {
  await using folder = await folderOf([...LABELS, frame('nowhere.png')]);
  expect(await refusal(folder.path, { format: 'bdd100k' })).toMatch(
    /"nowhere.png" is not below the folder of pictures/,
  );
  const notices: string[] = [];
  const checked = await checkFolder(`${folder.path}/labels.json`, {
    labels: { format: 'bdd100k', skipMissing: true },
    onNotice: (text) => notices.push(text),
  });
  expect(checked.rows).toBe(3);
  expect(notices).toEqual([
    "left out: 1 detections, which are no person's labels",
    'left out: 1 boxes outside their picture',
    'left out: 1 frames without a picture',
  ]);
});

test('are counted by a dry run without pictures and without a service', async () => {
  await using folder = await makeFolder({ 'labels.json': JSON.stringify(LABELS) });
  const counts = await countLabels(folder.path, { format: 'auto' });
  expect(counts).toMatchObject({ format: 'bdd100k', frames: 3, unlabelled: 1, empty: 1, boxes: 4 });
  expect([...counts.classes]).toEqual([
    ['traffic light', 1],
    ['car', 3],
  ]);
  const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  const code = await runImport(folder.path, { url: 'http://127.0.0.1:1', dryRun: true, format: 'auto' });
  const said = log.mock.calls.join('\n');
  log.mockRestore();
  expect([code, said]).toEqual([
    0,
    expect.stringMatching(
      /^bdd100k: 3 images \(1 with nothing in them, 1 unlabelled\), 4 boxes\n +3 {2}car\n/,
    ),
  ]);
});

test('a picture is found by the parts of its path that it shares; one of two alike is not guessed', () => {
  const index = new PictureIndex(['x/day/1.png', 'x/night/1.png', 'y/night/2.png', '3.png']);
  const find = (name: string) => {
    let said = '';
    return index.find(name, (message) => (said = message)) ?? said;
  };
  expect(find('day/1.png')).toBe('x/day/1.png');
  expect(find('rgb/train/2.png')).toBe('y/night/2.png');
  expect(find('3.png')).toBe('3.png');
  expect(find('1.png')).toBe('"1.png" may be "x/day/1.png" or "x/night/1.png"');
  expect(find('4.png')).toMatch(/is not below/);
});
