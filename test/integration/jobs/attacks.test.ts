/** Uploads from strangers: each ends with a code that says what is wrong, at the first attempt, and nothing is written. */
import { readFile, rm } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { pack, type Header } from 'tar-stream';
import { pngBomb } from '../../support/bombs.js';
import { InAndOut, picture, zipOf, type Content, type ImportInput } from '../../support/inAndOut.js';

let world: InAndOut;
beforeAll(async () => (world = await InAndOut.start()));
afterAll(() => world.stop());

const box = { category: 'car', box2d: { x1: 1, y1: 2, x2: 9, y2: 9 } };
const frame = (name: string, rest: object = {}) => ({ name, labels: [box], ...rest });
const frames = (...list: object[]) => JSON.stringify({ frames: list });

async function tar(items: (Partial<Header> & { name: string; data?: Buffer })[]): Promise<Buffer> {
  const packed = pack();
  for (const { data = Buffer.alloc(0), ...header } of items)
    packed.entry({ size: data.length, ...header }, data);
  packed.finalize();
  return buffer(packed);
}

/** A zip whose library would not write such a name. */
async function zipWith(name: string, text = frames(frame('a.png'))): Promise<Buffer> {
  const stand = 'q'.repeat(name.length);
  const bytes = await zipOf({ [stand]: text });
  return Buffer.from(bytes.toString('latin1').replaceAll(stand, name), 'latin1');
}

const content = async (project: string) => {
  const uuid = await world.uuid(project);
  const [row] = await world.service.db.query(
    `SELECT (SELECT count(*)::int FROM image WHERE project_id = $1) AS images,
       (SELECT count(*)::int FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1) AS boxes,
       (SELECT count(*)::int FROM place WHERE project_id = $1) AS places`,
    [uuid],
  );
  return row as { images: number; boxes: number; places: number };
};

interface Attack {
  name: string;
  make: () => Content | Promise<Content>;
  as?: string;
  input?: ImportInput;
  code: string;
  /** What the message must say, such as where. */
  says?: RegExp;
}

const many = (count: number) => frames(frame('a.png', { labels: Array.from({ length: count }, () => box) }));
const numbers = (text: string) =>
  `{"frames":[{"name":"a.png","labels":[{"category":"car","box2d":{"x1":${text},"y1":1,"x2":9,"y2":9}}]}]}`;

const ATTACKS: Attack[] = [
  { name: 'one byte', make: () => 'x', code: 'LABELS_INVALID', says: /a\.json: byte 0/ },
  { name: 'one byte that is no label file', make: () => 'x', as: 'a.bin', code: 'FORMAT_UNKNOWN' },
  { name: 'a zip of nothing', make: () => zipOf({}), as: 'a.zip', code: 'FORMAT_UNKNOWN' },
  { name: 'a zip of a program', make: () => zipOf({ 'x.exe': 'MZ' }), as: 'a.zip', code: 'FORMAT_UNKNOWN' },
  {
    name: 'a zip that leaves its folder',
    make: () => zipWith('../x.json'),
    code: 'ARCHIVE_PATH',
    says: /\.\.\/x\.json/,
  },
  {
    name: 'a zip of an absolute path',
    make: () => zipWith('/etc/x.json'),
    code: 'ARCHIVE_PATH',
    says: /absolute/,
  },
  { name: 'a zip of a drive', make: () => zipWith('C:\\x.json'), code: 'ARCHIVE_PATH' },
  {
    name: 'a tar with a link',
    make: () => tar([{ name: 'a.json', type: 'symlink', linkname: '/etc/passwd' }]),
    code: 'ARCHIVE_ENTRY',
    says: /a\.json/,
  },
  {
    name: 'a tar.gz that is cut off',
    make: async () => {
      const whole = gzipSync(await tar([{ name: 'a.json', data: Buffer.from(many(500)) }]));
      return whole.subarray(0, whole.length / 2);
    },
    code: 'ARCHIVE_DAMAGED',
  },
  {
    name: 'a zip that is cut off',
    make: async () => (await zipOf({ 'a.json': many(500) })).subarray(0, 200),
    code: 'ARCHIVE_DAMAGED',
  },
  {
    name: 'a bomb as gzip',
    make: async () => gzipSync(Buffer.alloc(80 * 2 ** 20)),
    as: 'a.json.gz',
    code: 'ARCHIVE_TOO_LARGE',
  },
  {
    name: 'the same path twice',
    make: () => tar(['a.json', 'a.json'].map((name) => ({ name, data: Buffer.from('[]') }))),
    code: 'ARCHIVE_ENTRY',
  },
  {
    name: 'a file and a folder of one name',
    make: () => tar(['a.json', 'a.json/b.json'].map((name) => ({ name, data: Buffer.from('[]') }))),
    code: 'ARCHIVE_ENTRY',
  },
  {
    name: 'a part of a path that no file system takes',
    make: () => zipOf({ [`${'n'.repeat(300)}.json`]: '[]' }),
    code: 'ARCHIVE_PATH',
  },
  {
    name: 'labels cut off in the middle',
    make: () => frames(frame('a.png'), frame('b.png')).slice(0, -30),
    code: 'LABELS_INVALID',
    says: /a\.json/,
  },
  {
    name: 'UTF-16',
    make: () => Buffer.from(`\ufeff${frames(frame('a.png'))}`, 'utf16le'),
    code: 'LABELS_INVALID',
    says: /UTF-16/,
  },
  {
    name: 'Latin-1',
    make: () => Buffer.from(frames(frame('ä.png')), 'latin1'),
    code: 'LABELS_INVALID',
    says: /UTF-8/,
  },
  {
    name: 'a million brackets',
    make: () => `{"frames":[{"name":${'['.repeat(1e6)}`,
    code: 'LABELS_INVALID',
    says: /nested/,
  },
  {
    name: 'a million brackets at the top',
    make: () => '['.repeat(1e6),
    code: 'LABELS_INVALID',
    says: /nested/,
  },
  {
    name: 'a million brackets in YAML',
    make: () => `- path: a.png\n  boxes: ${'['.repeat(1e6)}\n`,
    as: 'a.yaml',
    code: 'LABELS_INVALID',
    says: /a\.yaml:2: nested/,
  },
  {
    name: 'a hundred thousand dashes in YAML',
    make: () => `- path: a.png\n  boxes:\n  ${'- '.repeat(1e5)}\n`,
    as: 'a.yaml',
    code: 'LABELS_INVALID',
    says: /a\.yaml:3: nested/,
  },
  {
    name: 'a hundred thousand brackets in YAML',
    make: () => `- path: a.png\n  boxes: ${'['.repeat(1e5)}${']'.repeat(1e5)}\n`,
    as: 'a.yaml',
    code: 'LABELS_INVALID',
    says: /a\.yaml/,
  },
  { name: 'a number that is none', make: () => numbers('NaN'), code: 'LABELS_INVALID', says: /frames\[0\]/ },
  {
    name: 'an infinite number',
    make: () => numbers('1e999'),
    code: 'LABELS_INVALID',
    says: /frames\[0\]\.labels\[0\]\.box2d\.x1/,
  },
  {
    name: 'a file name of 1,001 characters',
    make: () => frames(frame('n'.repeat(1001))),
    code: 'LABELS_INVALID',
    says: /frames\[0\]\.name/,
  },
  {
    name: 'a file name that leaves its folder',
    make: () => frames(frame('../a.png')),
    code: 'LABELS_INVALID',
  },
  { name: 'a file name with NUL', make: () => frames(frame('a\0.png')), code: 'LABELS_INVALID' },
  {
    name: 'a file name that is no Unicode',
    make: () => '{"frames":[{"name":"a\\ud800.png"}]}',
    code: 'LABELS_INVALID',
  },
  {
    name: 'a drive with NUL',
    make: () => frames(frame('a.png', { videoName: 'a\0' })),
    code: 'LABELS_INVALID',
  },
  {
    name: 'a drive that is no Unicode',
    make: () => '{"frames":[{"name":"a.png","videoName":"\\ud800"}]}',
    code: 'LABELS_INVALID',
  },
  { name: '1,001 boxes in an image', make: () => many(1001), code: 'LABELS_INVALID', says: /1001 boxes/ },
  {
    name: 'a size that is none',
    make: () => frames(frame('a.png', { size: { width: -1, height: 3 } })),
    code: 'LABELS_INVALID',
  },
  {
    name: 'an unknown category',
    make: () => frames(frame('a.png', { labels: [{ ...box, category: 'cat' }] })),
    code: 'LABELS_UNKNOWN_VALUE',
    says: /category "cat"/,
  },
  {
    name: 'a bad frame behind 2,500 good ones',
    make: () => frames(...Array.from({ length: 2500 }, (_, n) => frame(`${n}.png`)), frame('')),
    code: 'LABELS_INVALID',
    says: /frames\[2500\]/,
  },
  {
    name: 'COCO called Bosch',
    make: () => '{"images":[]}',
    input: { format: 'BOSCH' },
    code: 'LABELS_INVALID',
    says: /look like coco/,
  },
  {
    name: 'Bosch called COCO',
    make: () => '- path: a.png\n',
    as: 'a.yaml',
    input: { format: 'COCO' },
    code: 'LABELS_INVALID',
    says: /look like bosch/,
  },
  {
    name: 'a manifest that is none',
    make: () => '{}',
    input: { format: 'MANIFEST' },
    code: 'LABELS_INVALID',
  },
  { name: 'T4 that is none', make: () => '[]', input: { format: 'T4' }, code: 'LABELS_INVALID' },
  {
    name: 'a COCO id that stands twice',
    make: () => ({
      images: [
        { id: 1, file_name: 'a' },
        { id: 1, file_name: 'b' },
      ],
    }),
    code: 'LABELS_INVALID',
  },
  {
    name: 'a year out of reach',
    make: () => ({ images: [{ id: 1e308, file_name: 'a', date_captured: '+200000-01-01T00:00:00Z' }] }),
    code: 'LABELS_INVALID',
  },
  {
    name: 'a text called a picture',
    make: async () => zipOf({ 'l.json': frames(frame('a.jpg')), 'a.jpg': 'no picture' }),
    as: 'a.zip',
    code: 'PICTURE_UNSUPPORTED',
    says: /a\.jpg/,
  },
  {
    name: 'an empty picture',
    make: async () => zipOf({ 'l.json': frames(frame('a.jpg')), 'a.jpg': '' }),
    as: 'a.zip',
    code: 'PICTURE_EMPTY',
    says: /a\.jpg/,
  },
  {
    name: 'a bomb called a picture',
    make: async () => zipOf({ 'l.json': frames(frame('a.png')), 'a.png': await pngBomb(50_000, 50_000) }),
    as: 'a.zip',
    code: 'PICTURE_TOO_LARGE',
    says: /a\.png/,
  },
  {
    name: 'a picture that is there twice',
    make: async () =>
      zipOf({ 'l.json': frames(frame('a.png')), 'x/a.png': await picture(1), 'y/a.png': await picture(2) }),
    as: 'a.zip',
    code: 'LABELS_INVALID',
    says: /x\/a\.png/,
  },
];

test.each(ATTACKS)('$name', async ({ make, as = 'a.json', input, code, says = /./ }) => {
  const project = await world.project();
  const outcome = await world.send(project, await make(), as, input);
  expect(outcome).toMatchObject({ state: 'FAILED', code, attempt: 1, crashes: 0 });
  expect(outcome.message).toMatch(says);
  expect(outcome.message!.length).toBeLessThan(2000);
  expect(await content(project)).toEqual({ images: 0, boxes: 0, places: 0 });
});

const report = (outcome: { state: string; report: unknown }) => {
  expect(outcome.state).toBe('SUCCEEDED');
  return outcome.report as Record<string, unknown>;
};

test('a lenient import leaves out what it cannot take, and says how often', async () => {
  const project = await world.project();
  const zip = await zipOf({
    'l.json': frames(
      frame('bad.jpg'),
      frame('good.png', {
        labels: [
          { ...box, category: 'cat' },
          ...[
            [5, 5, 3, 9],
            [-90, 1, -80, 9],
            [0, 0, 0, 0],
            [1e300, 1, 1e308, 9],
          ].map(([x1, y1, x2, y2]) => ({ category: 'car', box2d: { x1, y1, x2, y2 } })),
        ],
      }),
      frame('twice.png'),
    ),
    'bad.jpg': 'no picture',
    'good.png': await picture(1),
    'x/twice.png': await picture(2),
    'y/twice.png': await picture(3),
  });
  expect(report(await world.send(project, zip, 'a.zip', { lenient: true }))).toMatchObject({
    ...{ frames: 3, created: 2, pictures: 1, annotations: 2 },
    unknown: [
      { field: 'category', value: '"cat"', count: 1, position: 'l.json:frames[1].labels[0].category' },
    ],
    leftOut: expect.arrayContaining([
      { reason: 'pictures refused as PICTURE_UNSUPPORTED, with their labels', count: 1 },
      { reason: 'boxes without an area', count: 1 },
      { reason: 'boxes outside their picture', count: 2 },
      { reason: 'pictures of which several have the name', count: 1 },
    ]),
  });
});

test('the same frame twice counts once, and é composed and decomposed are two', async () => {
  const project = await world.project();
  const list = [frame('a.png'), frame('a.png'), frame('x/a.png'), frame('é.png'), frame('e\u0301.png')];
  const text = frames(...list, frame('a.png', { labels: [] }));
  expect(report(await world.send(project, text, 'a.json'))).toMatchObject({
    ...{ frames: 6, created: 4, existing: 2, different: 1, annotations: 4 },
  });
  expect(report(await world.send(project, text, 'a.json'))).toMatchObject({
    created: 0,
    existing: 6,
    annotations: 0,
  });
  expect(await content(project)).toEqual({ images: 4, boxes: 4, places: 0 });
});

test('an upload whose bytes are gone is refused, and so is one that is forgotten', async () => {
  const project = await world.project();
  const upload = await world.upload(project, frames(frame('gone.png')), 'a.json');
  const [{ sha256 }] = await world.service.db.query('SELECT sha256 FROM upload ORDER BY id DESC LIMIT 1');
  await rm(world.service.services.blobs.path(sha256));
  expect(await world.import(project, upload)).toMatchObject({
    state: 'FAILED',
    code: 'BLOB_MISSING',
    attempt: 1,
  });
  await world.service.db.query('DELETE FROM upload');
  const { data } = await world.service.ask(
    'mutation ($input: StartImportInput!) { startImport(input: $input) { job { id } userErrors { code field } } }',
    { input: { projectId: project, uploadId: upload, idempotencyKey: 'k' } },
  );
  expect(data.startImport).toEqual({ job: null, userErrors: [{ code: 'NOT_FOUND', field: ['uploadId'] }] });
});

/** Where random damage falls. */
const damage = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    kind: fc.constantFrom('flip', 'cut', 'insert', 'double'),
    byte: fc.integer({ min: 0, max: 255 }),
  }),
  { minLength: 1, maxLength: 4 },
);

function damaged(bytes: Buffer, list: { at: number; kind: string; byte: number }[]): Buffer {
  let now = Buffer.from(bytes);
  for (const { at, kind, byte } of list) {
    const where = Math.floor(at * now.length);
    if (kind === 'flip' && now.length > 0) now[where] = byte;
    if (kind === 'cut') now = now.subarray(0, where);
    if (kind === 'insert')
      now = Buffer.concat([now.subarray(0, where), Buffer.from([byte]), now.subarray(where)]);
    if (kind === 'double') now = Buffer.concat([now.subarray(0, where), now.subarray(where >> 1)]);
  }
  return now.length > 0 ? now : Buffer.from('x');
}

test('whatever damage: the job ends at its first attempt, with a code that the documentation knows', async () => {
  const labels = frames(
    frame('a.png', { size: { width: 64, height: 48 } }),
    frame('b.png', { videoName: 'd' }),
  );
  const coco = {
    images: [{ id: 1, file_name: 'a.png', width: 64, height: 48 }],
    annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 2, 3, 4], iscrowd: 0 }],
    categories: [{ id: 1, name: 'car' }],
  };
  const bosch =
    '- boxes:\n  - {label: RedLeft, occluded: false, x_max: 9.5, x_min: 1, y_max: 9, y_min: 2}\n  path: ./a.png\n';
  const image = await picture(1);
  const wholes: [string, Buffer][] = [
    ['a.json', Buffer.from(labels)],
    ['a.json', Buffer.from(JSON.stringify(coco))],
    ['a.yaml', Buffer.from(bosch)],
    ['a.zip', await zipOf({ 'l.json': labels, 'a.png': image })],
    [
      'a.tar',
      await tar([
        { name: 'l.json', data: Buffer.from(labels) },
        { name: 'a.png', data: image },
      ]),
    ],
    ['a.tar.gz', gzipSync(await tar([{ name: 'l.json', data: Buffer.from(labels) }]))],
    ['m.zip', await zipOf({ 'manifest.csv': 'file,weather\na.png,RAIN\n', 'a.png': image })],
  ];
  const documented = await readFile(new URL('../../../../docs/errors.md', import.meta.url), 'utf8');
  const project = await world.project();
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...wholes),
      damage,
      fc.boolean(),
      async ([name, bytes], list, lenient) => {
        const outcome = await world.send(project, damaged(bytes, list), name, { lenient });
        expect(outcome).toMatchObject({ attempt: 1, crashes: 0 });
        expect(['SUCCEEDED', 'FAILED']).toContain(outcome.state);
        seen.add(outcome.code ?? outcome.state);
        if (outcome.code) expect(documented).toMatch(new RegExp(`\\b${outcome.code}\\b`));
        expect(outcome.code).not.toBe('INTERNAL');
      },
    ),
    { numRuns: Number(process.env.DAMAGE_RUNS ?? 12), endOnFailure: true },
  );
  expect(seen.size).toBeGreaterThan(1);
}, 600_000);
