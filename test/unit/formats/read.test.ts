/** Every trap of the label formats. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import {
  Findings,
  openFileSet,
  recognise,
  type LabelFormat,
} from '../../../src/datasets/formats/read/index.js';
import { elements } from '../../../src/datasets/formats/read/json.js';
import { lightOf } from '../../../src/datasets/formats/read/t4.js';
import { filesOf, framesOf, refusalOf } from '../../support/labels.js';

const run = promisify(execFile);
const json = (value: unknown) => JSON.stringify(value);
const scalabelBox = { x1: 10, y1: 20, x2: 17, y2: 35 };

describe('Scalabel and BDD100K', () => {
  const light = (attributes: object | null) => ({
    category: 'traffic light',
    box2d: scalabelBox,
    attributes,
  });
  const list = (...labels: object[]) => ({ 'a.json': json([{ name: 'a.jpg', labels }]) });

  test('boxes include their last pixel', async () => {
    const [frame] = await framesOf(list(light(null)));
    expect(frame!.boxes).toMatchObject([{ x: 10, y: 20, width: 8, height: 16 }]);
  });

  test.each([
    ['red', 'RED'],
    ['R', 'RED'],
    ['green', 'GREEN'],
    ['G', 'GREEN'],
    ['yellow', 'YELLOW'],
    ['Y', 'YELLOW'],
    ['none', 'UNKNOWN'],
    ['NA', 'UNKNOWN'],
  ])('the colour %s is %s', async (spelt, color) => {
    const [frame] = await framesOf(list(light({ trafficLightColor: spelt })));
    expect(frame!.boxes![0]!.color).toBe(color);
  });

  test('any other colour is refused by name, with file and record; or kept aside', async () => {
    const files = list(light({ trafficLightColor: 'NA' }), light({ trafficLightColor: 'purple' }));
    expect(await refusalOf(files)).toMatch(
      /^LABELS_UNKNOWN_VALUE a\.json:\[0\]\.labels\[1\]\.attributes\.trafficLightColor: trafficLightColor "purple" is not known/,
    );
    const findings = new Findings(true);
    const [frame] = await framesOf(files, 'auto', findings);
    expect(frame!.boxes!.map(({ color }) => color)).toEqual(['UNKNOWN', null]);
    expect([...findings.unknown.values()]).toMatchObject([
      { field: 'trafficLightColor', value: '"purple"', count: 1 },
    ]);
  });

  test('the colour of a car means nothing, not even a wrong one', async () => {
    const [frame] = await framesOf(
      list({ category: 'car', box2d: scalabelBox, attributes: { trafficLightColor: 'purple' } }),
    );
    expect(frame!.boxes).toMatchObject([{ category: 'CAR', color: null }]);
  });

  test('the timestamp is no recording time', async () => {
    const [frame] = await framesOf({ 'a.json': json([{ name: 'a.jpg', timestamp: 10000, labels: [] }]) });
    expect(frame!.recordedAt ?? null).toBeNull();
  });

  test('no labels is not an empty list of them, and attributes may be null', async () => {
    const frames = await framesOf({
      'a.json': json([
        { name: 'a.jpg', attributes: null },
        { name: 'b.jpg', labels: null },
        { name: 'c.jpg', labels: [] },
      ]),
    });
    expect(frames.map(({ boxes }) => boxes)).toEqual([null, null, []]);
    expect(frames[0]!.weather ?? null).toBeNull();
  });

  test('undefined is what somebody has said', async () => {
    const attributes = { weather: 'undefined', timeofday: 'dawn/dusk', scene: 'gas stations' };
    const [frame] = await framesOf({
      'a.json': json({ frames: [{ name: 'a.jpg', attributes }], groups: [], config: {} }),
    });
    expect(frame).toMatchObject({
      weather: 'UNDEFINED',
      timeOfDay: 'DAWN_DUSK',
      scene: 'GAS_STATION',
      boxes: null,
    });
  });

  test('the layout with a file for each image: no ending, objects instead of labels, polygons without boxes', async () => {
    const objects = [
      light({ trafficLightColor: 'red' }),
      { category: 'area/drivable', poly2d: [[1, 2, 'L']] },
    ];
    const frames = await framesOf({
      'x/a.json': json({
        name: 'a',
        frames: [{ timestamp: 10000, objects }],
        attributes: { weather: 'rainy' },
      }),
      'x/b.json': json({ attributes: { weather: 'snowy' }, frames: [{ objects: [] }], name: 'b' }),
    });
    expect(frames).toMatchObject([
      { fileName: 'a.jpg', weather: 'RAIN', boxes: [{ color: 'RED' }] },
      { fileName: 'b.jpg', weather: 'SNOW', boxes: [] },
    ]);
  });

  test('older names of categories', async () => {
    const categories = ['person', 'bike', 'motor', 'pedestrian', 'bicycle', 'motorcycle'];
    const [frame] = await framesOf(list(...categories.map((category) => ({ category, box2d: scalabelBox }))));
    expect(frame!.boxes!.map(({ category }) => category)).toEqual([
      'PERSON',
      'BICYCLE',
      'MOTORCYCLE',
      'PERSON',
      'BICYCLE',
      'MOTORCYCLE',
    ]);
  });
});

describe('COCO', () => {
  const file = (parts: object) => ({ 'instances.json': json(parts) });
  const categories = [
    { id: 10, name: 'traffic light' },
    { id: 77, name: 'traffic light red left' },
    { id: 3, name: 'car' },
    { id: 9, name: 'boat' },
  ];

  test('annotations may come before their images, in any order', async () => {
    const frames = await framesOf(
      file({
        annotations: [
          { image_id: 2, category_id: 3, bbox: [1, 2, 3, 4] },
          { image_id: 1, category_id: 77, bbox: [5, 6, 7.5, 8], iscrowd: 0 },
          { image_id: 2, category_id: 9, bbox: [0, 0, 1, 1], iscrowd: 1 },
        ],
        images: [
          { id: 1, file_name: 'a.jpg', width: 10, height: 20 },
          { id: 2, file_name: 'b.jpg' },
          { id: 3, file_name: 'c.jpg' },
        ],
        categories,
      }),
    );
    expect(frames).toMatchObject([
      {
        fileName: 'a.jpg',
        width: 10,
        boxes: [{ category: 'TRAFFIC_LIGHT', color: 'RED', arrows: ['LEFT'], width: 7.5 }],
      },
      {
        fileName: 'b.jpg',
        boxes: [
          { category: 'CAR', ignore: false },
          { category: 'OTHER', label: 'boat', ignore: true },
        ],
      },
      { fileName: 'c.jpg', boxes: [] },
    ]);
  });

  test('a light without a word about its colour has none', async () => {
    const [frame] = await framesOf(
      file({
        images: [{ id: 1, file_name: 'a.jpg' }],
        categories,
        annotations: [{ image_id: 1, category_id: 10, bbox: [0, 0, 1, 1] }],
      }),
    );
    expect(frame!.boxes).toMatchObject([{ color: null, arrows: [] }]);
  });

  test.each([
    [
      'an annotation of no image',
      { images: [], annotations: [{ image_id: 7, category_id: 3, bbox: [0, 0, 1, 1] }] },
      /annotations\[0\]: there is no image with the id 7/,
    ],
    [
      'two images of one id',
      {
        images: [
          { id: 1, file_name: 'a' },
          { id: 1, file_name: 'b' },
        ],
      },
      /images\[1\]: the id 1 stands twice/,
    ],
    [
      'a box of three numbers',
      { annotations: [{ image_id: 1, category_id: 3, bbox: [0, 0, 1] }] },
      /bbox: a box has four numbers/,
    ],
    [
      'a category that the file lacks',
      {
        images: [{ id: 1, file_name: 'a' }],
        categories,
        annotations: [{ image_id: 1, category_id: 4, bbox: [0, 0, 1, 1] }],
      },
      /category_id 4 is not known/,
    ],
  ])('%s is refused', async (_, parts, message) => {
    expect(await refusalOf(file(parts))).toMatch(message);
  });
});

describe('Bosch', () => {
  const item = (label: string) =>
    `- boxes:\n  - {label: ${label}, occluded: true, x_max: 5.5, x_min: 9, y_max: 20, y_min: -4}\n  path: ./rgb/train/x/1.png\n`;

  test.each([
    ['Green', 'GREEN', []],
    ['RedStraightLeft', 'RED', ['STRAIGHT', 'LEFT']],
    ["'off'", 'OFF', []],
    ['off', 'OFF', []],
    ['false', 'OFF', []],
  ])(
    'the label %s, a box with its corners the other way round, and outside',
    async (label, color, arrows) => {
      expect(await framesOf({ 'train.yaml': item(label) })).toMatchObject([
        {
          fileName: 'rgb/train/x/1.png',
          width: 1280,
          height: 720,
          boxes: [{ color, arrows, occluded: true, x: 5.5, y: -4, width: 3.5, height: 24 }],
        },
      ]);
    },
  );

  test('an unknown label is refused by name', async () => {
    expect(await refusalOf({ 'train.yaml': item('Red') + item('Blue') })).toMatch(
      /^LABELS_UNKNOWN_VALUE train\.yaml:4\.boxes\[0\]\.label: label "Blue" is not known/,
    );
  });

  test('aliases that would grow without bound are refused', async () => {
    expect(await refusalOf({ 'train.yaml': '- &a [x, x]\n- [*a, *a]\n' }, 'bosch')).toMatch(
      /^LABELS_INVALID/,
    );
  });
});

describe('T4 and nuScenes', () => {
  test.each([
    ['red_leftdiagonal', 'RED', ['DIAGONAL_LEFT'], null],
    ['red_left_diagonal', 'RED', ['DIAGONAL_LEFT'], null],
    ['red_rightdiagonal', 'RED', ['DIAGONAL_RIGHT'], null],
    ['red_straight_left', 'RED', ['STRAIGHT', 'LEFT'], null],
    ['red_left_straight', 'RED', ['LEFT', 'STRAIGHT'], null],
    ['green_pedestrian', 'GREEN', [], 'PEDESTRIAN'],
    ['crosswalk_red', 'RED', [], 'PEDESTRIAN'],
    ['traffic_light', null, [], null],
  ])('the spelling %s', (name, color, arrows, role) => {
    const light = lightOf(name, [])!;
    expect([light.color ?? null, light.arrows, light.role]).toEqual([color, arrows, role]);
  });

  const tables = (pose: object, data: object = {}) => ({
    'annotation/category.json': json([{ token: 'c', name: 'traffic_light' }]),
    'annotation/attribute.json': json([{ token: 'a', name: 'green_right' }]),
    'annotation/ego_pose.json': json([{ token: 'e', ...pose }]),
    'annotation/object_ann.json': json([
      { sample_data_token: 'd', category_token: 'c', attribute_tokens: ['a'], bbox: [1, 2, 11, 22] },
    ]),
    'annotation/sample_data.json': json([
      { token: 'l', filename: 'data/LIDAR/0.pcd.bin', fileformat: 'pcd.bin', ego_pose_token: 'e' },
      {
        token: 'd',
        filename: 'data/CAM_TRAFFIC_LIGHT_NEAR/0.jpg',
        fileformat: 'jpg',
        width: 800,
        height: 600,
        timestamp: 1704067200123456,
        is_key_frame: true,
        ego_pose_token: 'e',
        ...data,
      },
      {
        token: 'k',
        filename: 'data/CAM/1.jpg',
        fileformat: 'jpg',
        width: 800,
        height: 600,
        timestamp: 1704067201000000,
        is_key_frame: false,
        ego_pose_token: 'e',
      },
    ]),
  });

  test('times are microseconds, places come with the pose, point clouds are no pictures', async () => {
    const frames = await framesOf(tables({ geocoordinate: [35.6, 139.7, 12] }));
    expect(frames).toMatchObject([
      {
        fileName: 'data/CAM_TRAFFIC_LIGHT_NEAR/0.jpg',
        recordedAt: new Date('2024-01-01T00:00:00.123Z'),
        latitude: 35.6,
        longitude: 139.7,
        boxes: [{ x: 1, y: 2, width: 10, height: 20, color: 'GREEN', arrows: ['RIGHT'] }],
      },
      { boxes: null },
    ]);
  });

  test('a pose without a place is one', async () => {
    expect((await framesOf(tables({})))[0]).toMatchObject({ latitude: null, longitude: null });
  });
});

describe('LISA', () => {
  const head =
    'Filename;Annotation tag;Upper left corner X;Upper left corner Y;Lower right corner X;Lower right corner Y;Origin file\r\n';
  const row = 'dayTraining/clip1--00000.jpg;goLeft;698;333;710;358;x\r\n';

  test('semicolons, one frame for its rows, and BULB files are the same lights again', async () => {
    const frames = await framesOf({
      'clip1/frameAnnotationsBOX.csv': head + row + row.replace('goLeft', 'stop'),
      'clip1/frameAnnotationsBULB.csv': head + row,
    });
    expect(frames).toMatchObject([
      {
        fileName: 'dayTraining/clip1--00000.jpg',
        boxes: [
          { color: 'GREEN', arrows: ['LEFT'], x: 698, y: 333, width: 12, height: 25 },
          { color: 'RED', arrows: [] },
        ],
      },
    ]);
  });

  test.each([
    ['an unknown tag', head + row.replace('goLeft', 'fly'), /LABELS_UNKNOWN_VALUE a\.csv:2/],
    [
      'commas instead of semicolons',
      (head + row).replaceAll(';', ','),
      /a\.csv:2: the column Filename is missing/,
    ],
    ['an empty number', head + row.replace('698', ''), /Upper left corner X/],
    ['a quote without end', `${head}"dayTraining`, /LABELS_INVALID a\.csv/],
  ])('%s is refused with file and row', async (_, text, message) => {
    expect(await refusalOf({ 'a.csv': text })).toMatch(message);
  });
});

describe('KITTI', () => {
  const line = (type: string, first = '0.00 0 -1.57') =>
    `${type} ${first} 599.41 156.40 629.75 189.25 2.85 2.63 12.34 0.47 1.49 69.44 -1.56\n`;

  test('DontCare is a region in which nothing counts', async () => {
    const frames = await framesOf({
      'label_2/000001.txt': line('Truck') + line('DontCare', '-1 -1 -10'),
      'label_2/000002.txt': '',
    });
    expect(frames).toMatchObject([
      {
        fileName: '000001.png',
        boxes: [
          { category: 'TRUCK', truncated: false, occluded: false, ignore: false },
          { ignore: true, truncated: null, occluded: null },
        ],
      },
      { fileName: '000002.png', boxes: [] },
    ]);
    expect(frames[0]!.boxes![0]!.width).toBeCloseTo(30.34, 9);
  });

  test.each([
    ['14 columns', 'Car 0 0 0 1 2 3 4 5 6 7 8 9 10\n', /label_2\/1\.txt:1: a line has 15 columns/],
    ['an unknown type', line('Ufo'), /type "Ufo" is not known/],
    ['a word for a number', line('Car').replace('599.41', 'left'), /column 5/],
  ])('%s is refused with file and line', async (_, text, message) => {
    expect(await refusalOf({ 'label_2/1.txt': text })).toMatch(message);
  });
});

test.each<[string, LabelFormat]>([
  ['[{"name": "a.jpg"}]', 'bdd100k'],
  ['{"groups": [], "frames": [{"name": "a"}]}', 'bdd100k'],
  ['{"info": {"description": "frames"}, "images": [{"id": 1}]}', 'coco'],
  ['{"categories": [{"id": 1}]}', 'coco'],
])('%s is recognised as %s', async (text, format) => {
  expect(await recognise(filesOf({ 'x.json': text }))).toBe(format);
});

describe('any file', () => {
  const deep = (open: string, close: string, n = 1_000_000) => open.repeat(n) + close.repeat(n);
  test.each<[string, Record<string, string | Uint8Array>, LabelFormat, RegExp]>([
    ['that is empty', { 'a.json': '' }, 'bdd100k', /LABELS_INVALID a\.json: the file is cut off/],
    [
      'in UTF-16',
      { 'a.json': Buffer.from('\ufeff[]', 'utf16le') },
      'bdd100k',
      /this is UTF-16; save the file as UTF-8/,
    ],
    [
      'in Latin-1',
      { 'a.json': Buffer.from('[{"name":"stra\xdfe.jpg"}]', 'latin1') },
      'bdd100k',
      /this is not UTF-8/,
    ],
    ['nested a million deep', { 'a.json': deep('[', ']') }, 'bdd100k', /nested more than 200 deep/],
    [
      'nested a million deep in an object',
      { 'a.json': `{"frames":[{"labels":${deep('{"a":', '}')}}]}` },
      'coco',
      /nested more than 200 deep/,
    ],
    [
      'of YAML nested a million deep',
      { 'a.yaml': `- ${deep('[', ']')}\n` },
      'bosch',
      /LABELS_INVALID a\.yaml/,
    ],
    [
      'of YAML nested ten thousand deep',
      { 'a.yaml': `- ${deep('[', ']', 10_000)}\n` },
      'bosch',
      /LABELS_INVALID a\.yaml/,
    ],
    [
      'with an enormous number',
      {
        'a.json':
          '[{"name":"a.jpg","labels":[{"category":"car","box2d":{"x1":1e999,"y1":0,"x2":1,"y2":1}}]}]',
      },
      'bdd100k',
      /box2d\.x1: null is not a finite number/,
    ],
    [
      'that names a picture above',
      { 'a.json': '[{"name":"../../etc/passwd"}]' },
      'bdd100k',
      /is not a relative file name/,
    ],
    [
      'that names a picture by an absolute path',
      { 'a.json': '[{"name":"/etc/passwd"}]' },
      'bdd100k',
      /is not a relative file name/,
    ],
    [
      'that names a picture on a drive',
      { 'a.json': '[{"name":"C:\\\\x\\\\a.jpg"}]' },
      'bdd100k',
      /is not a relative file name/,
    ],
    [
      'that names a picture with a zero',
      { 'a.json': '[{"name":"a\\u0000.jpg"}]' },
      'bdd100k',
      /is not a relative file name/,
    ],
    ['with a line without end', { 'a.txt': 'x'.repeat(2_000_000) }, 'kitti', /a line of more than/],
    ['of no format', { 'a.bin': 'x' }, 'auto' as LabelFormat, /FORMAT_UNKNOWN/],
  ])('%s is refused', async (_, files, format, message) => {
    expect(await refusalOf(files, format)).toMatch(message);
  });

  test('with a byte order mark is read', async () => {
    expect(await framesOf({ 'a.json': '\ufeff[{"name":"a.jpg"}]' })).toMatchObject([{ fileName: 'a.jpg' }]);
  });

  const samples: [LabelFormat, string, string][] = [
    [
      'bdd100k',
      'a.json',
      json([
        {
          name: 'a.jpg',
          attributes: { weather: 'clear' },
          labels: [{ category: 'car', box2d: scalabelBox }],
        },
      ]),
    ],
    [
      'coco',
      'a.json',
      json({
        images: [{ id: 1, file_name: 'a.jpg' }],
        categories: [{ id: 1, name: 'car' }],
        annotations: [{ image_id: 1, category_id: 1, bbox: [1, 2, 3, 4] }],
      }),
    ],
    [
      'bosch',
      'a.yaml',
      '- boxes:\n  - {label: Red, occluded: true, x_max: 5.5, x_min: 9, y_max: 20, y_min: 4}\n  path: ./1.png\n',
    ],
    [
      'lisa',
      'a.csv',
      'Filename;Annotation tag;Upper left corner X;Upper left corner Y;Lower right corner X;Lower right corner Y\na.jpg;stop;1;2;3;4\n',
    ],
    [
      'kitti',
      'a.txt',
      'Car 0.00 0 -1.57 599.41 156.40 629.75 189.25 2.85 2.63 12.34 0.47 1.49 69.44 -1.56\n',
    ],
    [
      't4',
      'sample_data.json',
      json([
        {
          token: 'd',
          filename: 'a.jpg',
          fileformat: 'jpg',
          width: 8,
          height: 6,
          timestamp: 1704067200123456,
        },
      ]),
    ],
  ];
  test.each(samples)(
    '%s: whatever is done to its bytes, it is read or refused with a code',
    async (format, name, text) => {
      expect(await refusalOf({ [name]: text }, format)).toBe('read');
      const bytes = Buffer.from(text);
      await fc.assert(
        fc.asyncProperty(
          fc.nat(bytes.length),
          fc.nat(20),
          fc.oneof(
            fc.uint8Array({ maxLength: 4 }),
            fc
              .constantFrom('1e999', '../', '[[[[', '\0', '"', '{', ']', '-', 'null', ',', '💥')
              .map((one) => new Uint8Array(Buffer.from(one))),
          ),
          fc.boolean(),
          async (at, gone, instead, cut) => {
            const damaged = Buffer.concat([
              bytes.subarray(0, at),
              instead,
              cut ? Buffer.alloc(0) : bytes.subarray(at + gone),
            ]);
            expect(await refusalOf({ [name]: damaged }, format)).toMatch(
              /^(read$|LABELS_INVALID |LABELS_UNKNOWN_VALUE )/,
            );
          },
        ),
        { numRuns: Number(process.env.TEST_RUNS ?? 300) },
      );
    },
  );
});

describe('elements of a JSON file', () => {
  const parsed = async (text: string, chunk: number) => {
    const found: { key: string; index: number; value: unknown }[] = [];
    for await (const { key, index, value } of elements(filesOf({ 'a.json': text }, chunk).files[0]!))
      found.push({ key, index, value });
    return found;
  };
  const flat = (value: unknown) =>
    Array.isArray(value)
      ? value.map((one: unknown, index) => ({ key: '', index, value: one }))
      : Object.entries(value as object).flatMap(([key, inner]: [string, unknown]) =>
          Array.isArray(inner) && inner.length > 0
            ? inner.map((one: unknown, index) => ({ key, index, value: one }))
            : [{ key, index: -1, value: inner }],
        );

  test('are what JSON.parse gives, wherever the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.array(fc.jsonValue({ maxDepth: 3 })),
          fc.dictionary(
            fc.string(),
            fc.oneof(fc.array(fc.jsonValue({ maxDepth: 2 })), fc.jsonValue({ maxDepth: 2 })),
          ),
        ),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(undefined, 1, '\t'),
        async (value, chunk, space) => {
          const text = JSON.stringify(value, null, space);
          expect(await parsed(text, chunk)).toEqual(flat(JSON.parse(text)));
        },
      ),
      { numRuns: Number(process.env.TEST_RUNS ?? 500) },
    );
  });

  test.each([
    '[1,]',
    '[,1]',
    '{"a":1,}',
    '{"a" 1}',
    '{a:1}',
    '[1 2]',
    '[1]]',
    '{"a":[1}',
    '[01]',
    '[tru]',
    '["\n"]',
    '7',
    '"x"',
    '[1',
    '{"a":',
    '[}',
  ])('%s is no JSON, and refused', async (text) => {
    for (const chunk of [1, 100])
      await expect(parsed(text, chunk)).rejects.toMatchObject({ code: 'LABELS_INVALID' });
  });
});

test('a file of 200 MB is read within 300 MB of memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-labels-'));
  try {
    const labels = Array.from({ length: 20 }, (_, id) => ({
      id,
      category: 'car',
      attributes: { occluded: false, truncated: false, trafficLightColor: 'NA' },
      manualShape: true,
      box2d: { x1: 1000.698742 + id, y1: 281.992415, x2: 1140.626872, y2: 326.91156 },
      poly2d: null,
      box3d: null,
    }));
    const block =
      `${json({ name: 'b1c66a42-6f7d68ca.jpg', attributes: { weather: 'overcast' }, labels })},`.repeat(1000);
    const blocks = Math.ceil(200e6 / block.length);
    const path = join(folder, 'large.json');
    await writeFile(
      path,
      (function* () {
        yield '[';
        for (let i = 0; i < blocks; i++) yield block;
        yield '{"name":"last.jpg"}]';
      })(),
    );
    // A process of its own, so that its memory is the reader's.
    const { stdout } = await run(process.execPath, [
      '--input-type=module',
      '-e',
      `
      const { openFileSet, readFrames, Findings } = await import(${json(new URL('../../../src/datasets/formats/read/index.js', import.meta.url).href)});
      let frames = 0;
      let boxes = 0;
      for await (const frame of readFrames(await openFileSet(${json(path)}), 'auto', new Findings(false))) {
        frames += 1;
        boxes += frame.boxes?.length ?? 0;
      }
      console.log(JSON.stringify({ frames, boxes, peak: process.resourceUsage().maxRSS * 1024 }));`,
    ]);
    const { frames, boxes, peak } = JSON.parse(stdout) as Record<'frames' | 'boxes' | 'peak', number>;
    expect([frames, boxes]).toEqual([blocks * 1000 + 1, blocks * 20_000]);
    expect(peak).toBeLessThan(300e6);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);

test('a folder and a file in it are the same labels; no folder is NOT_FOUND', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-labels-'));
  try {
    await writeFile(join(folder, 'a.json'), '[{"name":"a.jpg"}]');
    const [both, one] = [
      await framesOf(await openFileSet(folder)),
      await framesOf(await openFileSet(join(folder, 'a.json'))),
    ];
    expect(both).toEqual(one);
    expect(both).toHaveLength(1);
    await expect(openFileSet(join(folder, 'nope'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  } finally {
    await rm(folder, { recursive: true });
  }
});
