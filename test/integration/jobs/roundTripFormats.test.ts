/** Import, export and import again, through the real jobs: what comes back is what there was, but for the losses. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readdir } from 'node:fs/promises';
import { InAndOut, picture, zipOf, type Content, type Exported, type Item } from '../../support/inAndOut.js';

const SHARED = fileURLToPath(new URL('../../../../../shared/data', import.meta.url));
const hasShared = await stat(SHARED).then(
  () => true,
  () => false,
);

let world: InAndOut;
beforeAll(async () => (world = await InAndOut.start()));
afterAll(() => world.stop());

const light = (n: number, rest: object = {}) => ({ category: 'TRAFFIC_LIGHT', x: n + 0.1, y: n / 3, width: 7.3, height: 11, ...rest });

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
          await Promise.all(names.map(async (name) => [`annotation/${name}`, await readFile(join(folder, name))])),
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
    await zipOf({ 'red/1.png': await picture(5), 'green/1.png': await picture(6), 'off/x.png': await picture(7) }),
    'crops.zip',
  ],
};

async function manifest(): Promise<Buffer> {
  const rows = Array.from({ length: 24 }, (_, n) => ({
    file: n % 2 ? `cam/${n}.png` : `cam/é ${n}.png`,
    drive: `drive ${n % 8}`,
    recordedAt: new Date(Date.UTC(2024, 1, 3, n, 4, 5, 678)).toISOString(),
    ...{ latitude: 35.6812362 + n / 7, longitude: 139.7671248 },
    ...{ country: 'Japan', prefecture: 'Tokyo', city: 'Chiyoda', timeZone: 'Asia/Tokyo' },
    ...(n % 3 ? { weather: 'FOG', timeOfDay: 'DAWN_DUSK', scene: 'GAS_STATION' } : {}),
    ...(n % 5 === 4
      ? {}
      : {
          boxes: [
            light(n, { color: ['RED', 'YELLOW', 'GREEN', 'OFF', 'UNKNOWN'][n % 5], arrows: ['LEFT', 'DIAGONAL_RIGHT'] }),
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

/** By what a loss is called, how an item without it looks. */
function without(items: Item[], losses: Exported['losses']): Item[] {
  return items.map((item) => structuredClone(item));
}

const cases = inputs.flatMap((name) =>
  ['SCALABEL', 'COCO'].flatMap((format) => [true, false].map((pictures) => ({ name, format, pictures }))),
);

test.each(cases)('$name as $format, pictures: $pictures', async ({ name, format, pictures }) => {
  const [content, fileName] = await INPUTS[name]!();
  const first = await world.imported(content, fileName, { lenient: name === 't4' });
  const before = await world.version(first);
  const out = await world.export(first, before, format, pictures);
  const second = await world.imported(await readFile(out.path), 'export.zip');
  const after = await world.version(second);
  expect(await world.items(after)).toEqual(without(await world.items(before), out.losses));
  console.log(name, format, pictures, before.dataId === after.dataId, JSON.stringify(out.losses.filter((l) => l.images + l.boxes > 0).map((l) => [l.what, l.images, l.boxes])));
  const again = await world.export(second, after, format, pictures);
  console.log(again.sha256 === out.sha256);
});
