/**
 * YOLO folders: images/SPLIT/… and labels/SPLIT/….txt with `class cx cy width height` as fractions of the picture,
 * and data.yaml. A light's colour is in its class.
 */
import { mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { Category, LightColor } from '../../../catalog/vocabulary.js';
import type { FrameBox } from '../frame.js';
import { PLACE, noPlace } from './losses.js';
import { CATEGORY } from './spelling.js';
import { safePath, SPLIT_NAME, type FormatWriter } from './writer.js';

/** The order is the format: class numbers stay the same in every export. */
export const YOLO_CLASSES = Object.values(Category).flatMap((category) => [
  CATEGORY[category],
  ...(category === Category.TRAFFIC_LIGHT
    ? Object.values(LightColor).map((color) => `${CATEGORY[category]} ${color.toLowerCase()}`)
    : []),
]);

const classOf = ({ category, color }: FrameBox): number =>
  YOLO_CLASSES.indexOf(CATEGORY[category] + (color ? ` ${color.toLowerCase()}` : ''));

export const yolo: FormatWriter = {
  losses: [
    ...noPlace({
      image: ['sha256', 'recordedAt', 'latitude', 'longitude', 'drive', 'weather', 'timeOfDay', 'scene'],
      box: ['arrows', 'role', 'occluded', 'truncated', 'score', 'label'],
    }),
    PLACE,
    {
      what: 'boxes',
      why: 'Boxes are fractions of the picture, whose size is not known: the image is written as unlabelled.',
      image: ({ boxes, width, height }) => boxes !== null && !(width && height),
    },
    {
      what: 'ignore',
      why: 'The format knows no region in which nothing counts; such boxes are left out.',
      box: ({ ignore }) => ignore === true,
    },
    {
      what: 'x, y, width, height',
      why: 'Fractions of centre and size: the last bits of a coordinate may differ, by less than 1e-9 pixels.',
      box: ({ ignore }) => !ignore,
    },
  ],
  async open(folder) {
    const files: string[] = [];
    return {
      async add(frame, called = frame.fileName) {
        const split = SPLIT_NAME[frame.split];
        const path = safePath(called);
        if (!frame.boxes || !frame.width || !frame.height) return `images/${split}/${path}`;
        const { width, height } = frame;
        const lines = frame.boxes
          .filter((box) => !box.ignore)
          .map((box) =>
            [
              classOf(box),
              (box.x + box.width / 2) / width,
              (box.y + box.height / 2) / height,
              box.width / width,
              box.height / height,
            ].join(' '),
          );
        const name = await create(folder, split, path, lines.map((line) => `${line}\n`).join(''));
        files.push(`labels/${split}/${name.slice(0, name.length - extname(name).length)}.txt`);
        return `images/${split}/${name}`;
      },
      async finish() {
        const names = YOLO_CLASSES.map((name, index) => `  ${index}: ${name}\n`).join('');
        const text = `path: .\ntrain: images/train\nval: images/val\ntest: images/test\nnames:\n${names}`;
        await writeFile(join(folder, 'data.yaml'), text);
        return ['data.yaml', ...files];
      },
      close: () => Promise.resolve(),
    };
  },
};

/** Labels go by the name without its extension: of a.jpg and a.png the second is called a-2.png. */
async function create(folder: string, split: string, path: string, text: string): Promise<string> {
  const extension = extname(path);
  const stem = path.slice(0, path.length - extension.length);
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? stem : `${stem}-${n}`;
    const target = join(folder, 'labels', split, `${name}.txt`);
    await mkdir(dirname(target), { recursive: true });
    try {
      const file = await open(target, 'wx');
      await file.writeFile(text).finally(() => file.close());
      return name + extension;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
