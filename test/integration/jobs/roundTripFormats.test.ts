/**
 * Import, export and import again: what comes back is what there was, but for the losses. The manifest, Bosch, all splits and
 * odd names go through the real jobs; the other formats do the same work in this process, whose start is most of a job's time.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readdir } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { entries } from '../../../src/platform/archive/index.js';
import { inclusiveEnd, sizeOf } from '../../../src/datasets/formats/write/inclusive.js';
import { sha256 } from '../../support/service.js';
import type { ImportReport } from '../../../src/datasets/import/report.js';
import type { Format } from '../../../src/datasets/formats/write/archive.js';
import {
  InAndOut,
  picture,
  zipOf,
  type Content,
  type Exported,
  type Item,
  type Version,
} from '../../support/inAndOut.js';

const SHARED = fileURLToPath(new URL('../../../../../shared/data', import.meta.url));
const hasShared = await stat(SHARED).then(
  () => true,
  () => false,
);

let world: InAndOut;
beforeAll(async () => (world = await InAndOut.start()));
afterAll(() => world.stop());

const light = (n: number, rest: object = {}) => ({
  category: 'TRAFFIC_LIGHT',
  x: n + 0.1,
  y: n / 3,
  width: 7.3,
  height: 11,
  ...rest,
});

/** A project of each kind of input, as an upload. */
const INPUTS: Record<string, () => Promise<[Content, string]>> = {
  bdd100k: async () => [await readFile(join(SHARED, 'bdd100k/scalabel_det.json')), 'scalabel_det.json'],
  'bdd100k of 2018': async () => [
    await readFile(join(SHARED, 'bdd100k/frames_2018_layout.json')),
    'frames.json',
  ],
  t4: async () => {
    const folder = join(SHARED, 't4/annotation');
    const names = await readdir(folder);
    return [
      await zipOf(
        Object.fromEntries(
          await Promise.all(
            names.map(async (name) => [`annotation/${name}`, await readFile(join(folder, name))]),
          ),
        ),
      ),
      't4.zip',
    ];
  },
  lisa: async () => [
    await zipOf({
      'lisa/frameAnnotationsBOX.csv':
        'Filename;Annotation tag;Upper left corner X;Upper left corner Y;Lower right corner X;Lower right corner Y;Origin file;Origin frame number\n' +
        'dayTest/a.png;go;10;11;20;31;x;0\ndayTest/a.png;stopLeft;1;2;5;9;x;0\ndayTest/b.png;goForwardLeft;0;0;6;9;x;1\n',
      'lisa/pictures/dayTest/a.png': await picture(1),
      'lisa/pictures/dayTest/b.png': await picture(2),
    }),
    'lisa.zip',
  ],
  kitti: async () => [
    await zipOf({
      'label_2/000001.txt':
        'Car 0.00 0 -1.58 10.5 20.25 33.1 40.7 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n' +
        'DontCare -1 -1 -10 5.0 6.0 9.0 8.0 -1 -1 -1 -1000 -1000 -1000 -10\n' +
        'Cyclist 0.9 3 -2 1 2 3 4 1 1 1 1 1 1 1\n',
      'label_2/000002.txt': '',
      'image_2/000001.png': await picture(3),
      'image_2/000002.png': await picture(4),
    }),
    'kitti.zip',
  ],
  manifest: async () => [await manifest(), 'manifest.zip'],
  'class folders': async () => [
    await zipOf({
      'red/1.png': await picture(5),
      'green/1.png': await picture(6),
      'off/x.png': await picture(7),
    }),
    'crops.zip',
  ],
};

async function manifest(length = 24): Promise<Buffer> {
  const rows = Array.from({ length }, (_, n) => ({
    file: n % 2 ? `cam/${n}.png` : `cam/é ${n}.png`,
    drive: `drive ${n % 8}`,
    recordedAt: new Date(Date.UTC(2024, 1, 3, n % 24, 4 + Math.floor(n / 24), 5, 678)).toISOString(),
    ...{ latitude: 35.6812362 + n / 97, longitude: 139.7671248 },
    ...{ country: 'Japan', prefecture: 'Tokyo', city: 'Chiyoda', timeZone: 'Asia/Tokyo' },
    ...(n % 3 ? { weather: 'FOG', timeOfDay: 'DAWN_DUSK', scene: 'GAS_STATION' } : {}),
    ...(n % 5 === 4
      ? {}
      : {
          boxes: [
            light(n % 24, {
              color: ['RED', 'YELLOW', 'GREEN', 'OFF', 'UNKNOWN'][n % 5],
              arrows: ['LEFT', 'DIAGONAL_RIGHT'],
            }),
            light(2, { role: 'PEDESTRIAN', occluded: true, truncated: false }),
            { category: 'OTHER', x: -1, y: 1 / 3, width: 40.1, height: 7 },
          ].slice(0, n % 4),
        }),
  }));
  const files: Record<string, Content> = {
    'manifest.jsonl': rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
  };
  for (const [n, { file }] of rows.entries()) files[file] = await picture(20 + n);
  return zipOf(files);
}

const NEEDS_SHARED = ['bdd100k', 'bdd100k of 2018', 't4'];
const inputs = Object.keys(INPUTS).filter((name) => hasShared || !NEEDS_SHARED.includes(name));

/** Of images and boxes, what a loss of this name takes away; of what is not here nothing may be missing. */
const TAKES: Record<string, (item: Item, box: Record<string, unknown>) => void> = {
  sha256: (item) => (item.sha256 = null),
  recordedAt: (item) => (item.recorded_at = null),
  latitude: (item) => (item.latitude = null),
  longitude: (item) => (item.longitude = null),
  place: (item) => (item.country = item.prefecture = item.city = null),
  arrows: (_, box) => (box.arrows = []),
  role: (_, box) => (box.role = null),
  'width, height': (_, box) => {
    for (const [start, size] of [
      ['x', 'width'],
      ['y', 'height'],
    ] as const)
      if (size in box)
        box[size] = sizeOf(box[start] as number, inclusiveEnd(box[start] as number, box[size] as number));
  },
  color: (_, box) => (box.color = box.color === 'OFF' ? 'UNKNOWN' : box.color),
};
/** What a version's data id is made of. */
const HASHED = ['sha256', 'arrows', 'role', 'color', 'fileName', 'width, height'];

type Loss = Exported['losses'][number];
const lost = ({ losses }: Exported): Loss[] => losses.filter(({ images, boxes }) => images + boxes > 0);

function without(items: Item[], losses: Loss[]): Item[] {
  return items.map((item) => {
    for (const { what } of losses) {
      expect(Object.keys(TAKES)).toContain(what);
      for (const box of item.boxes?.length ? item.boxes : [{}]) TAKES[what]!(item, box);
    }
    return item;
  });
}

/** Files by path; of COCO's without the moment and the name of the version, which are the second one's own. */
async function labelsIn(path: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const entry of entries(path)) {
    if (entry.path === 'losses.json') continue;
    const bytes = await buffer(entry.open());
    const text = entry.path.endsWith('.json') ? bytes.toString() : sha256(bytes);
    files.set(entry.path, text.replace(/^\{"info":\{[^}]*\},/, '{'));
  }
  return files;
}

async function thereAndBack(first: string, format: Format, pictures: boolean, recipe?: object) {
  return back(await world.version(first, recipe), format, pictures, { first, recipe });
}

interface Way {
  /** The project of the version. */
  first: string;
  recipe?: object;
  /** Not through jobs. */
  here?: boolean;
}

async function back(
  before: Version,
  format: Format,
  pictures: boolean,
  { first, recipe, here = false }: Way,
) {
  const out = here
    ? await world.exportHere(before, format, pictures)
    : await world.export(first, before, format, pictures);
  const project = await world.project();
  const report = await imported(project, await readFile(out.path), here);
  expect(report).toMatchObject({ frames: out.images, created: out.images, annotations: out.boxes });
  expect(report).toMatchObject({ leftOut: [], pictures: out.pictures });
  expect(out.pictures + out.picturesMissing).toBe(pictures ? out.images : 0);
  const after = await world.version(project, recipe);
  return { before, out, project, after };
}

async function imported(project: string, content: Buffer, here: boolean): Promise<ImportReport | null> {
  if (here) return world.importHere(project, content, 'export.zip');
  const outcome = await world.send(project, content, 'export.zip');
  expect(outcome).toMatchObject({ state: 'SUCCEEDED', message: null, attempt: 1 });
  return outcome.report;
}

/** Each input is imported once, and all of its round trips begin with the same version. */
const versions = new Map<string, Promise<{ first: string; before: Version }>>();
const versionOf = (name: string): Promise<{ first: string; before: Version }> => {
  let made = versions.get(name);
  if (!made) {
    made = (async () => {
      const [content, fileName] = await INPUTS[name]!();
      const first = await world.imported(content, fileName);
      return { first, before: await world.version(first) };
    })();
    versions.set(name, made);
  }
  return made;
};

const cases = inputs.flatMap((name) =>
  (['SCALABEL', 'COCO'] as const).flatMap((format) =>
    [true, false].map((pictures) => ({ name, format, pictures })),
  ),
);

test.each(cases)('$name as $format, pictures: $pictures', async ({ name, format, pictures }) => {
  const { first, before } = await versionOf(name);
  const here = name !== 'manifest';
  const { out, project, after } = await back(before, format, pictures, { first, here });
  expect(await world.items(after)).toEqual(without(await world.items(before), lost(out)));
  const takes = lost(out).filter(({ what }) => HASHED.includes(what));
  expect({ same: before.dataId === after.dataId, takes }).toEqual({ same: takes.length === 0, takes });
  const again = here
    ? await world.exportHere(after, format, pictures)
    : await world.export(project, after, format, pictures);
  expect(await labelsIn(again.path)).toEqual(await labelsIn(out.path));
  if (format === 'SCALABEL' && lost(out).length === 0) expect(again.sha256).toBe(out.sha256);
});

test.each(['SCALABEL', 'COCO'] as const)('all splits of a version come back once, %s', async (format) => {
  const first = await world.imported(await manifest(120), 'manifest.zip');
  const recipe = { train: 0.6, validation: 0.2, test: 0.2 };
  const { before, out, after } = await thereAndBack(first, format, true, recipe);
  const items = await world.items(before);
  expect(new Set(items.map(({ split }) => split)).size).toBe(3);
  // Colours that Scalabel merges are dealt out otherwise.
  const plain = (list: Item[]) => list.map((item) => ({ ...item, split: null }));
  expect(plain(await world.items(after))).toEqual(plain(without(items, lost(out))));
  expect(items).toHaveLength(120);
});

test.each(
  (['SCALABEL', 'COCO'] as const).flatMap(
    (format) =>
      [
        [format, true],
        [format, false],
      ] as const,
  ),
)(
  'names that are no relative paths, or stand twice, come back under others, and each of its own (%s, %s)',
  async (format, pictures) => {
    const first = await world.project();
    const names = [
      ...['a.png', 'a.png', 'x/a.png', 'y/x/a.png', 'a-2.png', '/abs/b.png', '../up.png', 'c\\d.png'],
      ...['s3://bucket/e/f.png', 'C:\\g.png', '2024-05-01T18:30:00.png', 'control\u0001.png', './h.png'],
      ...['é.png', 'e\u0301.png', `${'長'.repeat(400)}.png`, 'no ending', 'a.PNG', 'train/a.png'],
    ];
    const rows = [];
    for (const [n, fileName] of names.entries()) {
      const bytes = await picture(100 + n);
      await world.service.put(bytes, sha256(bytes), 'image/png');
      rows.push({
        fileName,
        sha256: sha256(bytes),
        boxes: [light(n, { color: 'RED', x: n, y: n, width: 7 })],
      });
    }
    await world.service.ok(
      'mutation ($input: RegisterImagesInput!) { registerImages(input: $input) { created userErrors { code message } } }',
      { input: { projectId: first, rows } },
    );
    const { before, out, after } = await thereAndBack(first, format, pictures);
    const [was, is] = [await world.items(before), await world.items(after)];
    const renamed = out.losses.find(({ what }) => what === 'fileName')!.images;
    const kept = new Set(was.map((item) => item.file_name));
    // The second a.png has taken the name of a-2.png.
    expect(is.filter((item) => !kept.has(item.file_name))).toHaveLength(renamed - 1);
    expect(new Set(is.map((item) => item.file_name)).size).toBe(names.length);
    const boxes = (items: Item[]) =>
      items
        .map((item) =>
          JSON.stringify([pictures && item.sha256, item.boxes!.map(({ x, y, color }) => [x, y, color])]),
        )
        .sort();
    expect(boxes(is)).toEqual(boxes(was));
    if (pictures) expect(after.dataId).toBe(before.dataId);
  },
);

test('an image whose size nobody knows stays so', async () => {
  const first = await world.imported('Car 0 0 0 1 2 3 4 1 1 1 1 1 1 1\n', '000001.txt');
  const { after } = await thereAndBack(first, 'SCALABEL', false);
  expect(await world.items(after)).toMatchObject([{ file_name: '000001.png', width: null, height: null }]);
});

test.each(['YOLO', 'PARQUET', 'CROISSANT'])('%s has no reader, and an import says so', async (format) => {
  const first = await world.imported(await manifest(), 'manifest.zip');
  const out = await world.export(first, await world.version(first), format, true);
  const outcome = await world.send(await world.project(), await readFile(out.path), 'export.zip');
  expect(outcome).toMatchObject({ state: 'FAILED', attempt: 1, code: 'FORMAT_UNKNOWN' });
});

(hasShared ? test : test.skip)(
  'Bosch: the counts of the data set, and all of it there and back',
  async () => {
    const first = await world.project();
    const outcome = await world.send(first, await readFile(join(SHARED, 'bosch/train.yaml')), 'train.yaml');
    expect(outcome).toMatchObject({ state: 'SUCCEEDED', attempt: 1 });
    const { report } = outcome;
    expect(report).toMatchObject({
      format: 'bosch',
      frames: 5093,
      created: 5093,
      unlabelled: 0,
      annotations: 10_756,
      leftOut: [],
    });
    const rows: { label: string; n: number }[] = await world.service.db.query(
      `SELECT a.color || coalesce(' ' || nullif(array_to_string(a.arrows, '+'), ''), '') AS label, count(*)::int AS n
     FROM annotation a JOIN image i ON i.id = a.image_id WHERE i.project_id = $1 GROUP BY 1 ORDER BY 2 DESC`,
      [await world.uuid(first)],
    );
    expect(Object.fromEntries(rows.map(({ label, n }) => [label, n]))).toEqual({
      ...{ GREEN: 5207, RED: 3057, 'RED LEFT': 1092, OFF: 726, YELLOW: 444, 'GREEN LEFT': 178 },
      ...{ 'GREEN STRAIGHT': 20, 'GREEN RIGHT': 13, 'RED STRAIGHT': 9, 'RED RIGHT': 5 },
      ...{ 'GREEN STRAIGHT+RIGHT': 3, 'GREEN STRAIGHT+LEFT': 1, 'RED STRAIGHT+LEFT': 1 },
    });
    const [{ empty }] = await world.service.db.query(
      `SELECT count(*)::int AS empty FROM image i WHERE i.project_id = $1
     AND NOT EXISTS (SELECT 1 FROM annotation a WHERE a.image_id = i.id)`,
      [await world.uuid(first)],
    );
    expect(empty).toBe(1940);
    const { before, out, after } = await thereAndBack(first, 'COCO', false);
    expect(lost(out)).toEqual([]);
    expect(after.dataId).toBe(before.dataId);
  },
);
