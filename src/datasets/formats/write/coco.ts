/**
 * COCO, one file a split. Boxes are continuous, as in the catalog, so they lose no bit. A light's colour and arrows
 * stand in the name of its category and in `attributes`; an image's conditions in its `attributes`.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Category, LightArrow, LightColor } from '../../../catalog/vocabulary.js';
import type { FrameBox } from '../frame.js';
import { PLACE, noPlace } from './losses.js';
import { closeAll } from './scalabel.js';
import { CATEGORY, attributesOf } from './spelling.js';
import { JsonLines, TextFile } from './textFile.js';
import { safePath, SPLIT_NAME, SPLITS, type FormatWriter, type VersionFrame } from './writer.js';

const CATEGORIES: readonly string[] = Object.values(Category);
const COLORS: readonly string[] = Object.values(LightColor);
const ARROWS = Object.values(LightArrow);

/** Where the ids of lights begin: 100 + 32 × colour + arrows as bits. The same in every export, ever. */
const FIRST_LIGHT = 100;

interface CocoCategory {
  id: number;
  name: string;
  supercategory: string;
}

/** @returns the id 1 to 11 of a plain category, or that of a light with a colour or arrows */
export function categoryOf({ category, color, arrows = [] }: FrameBox): CocoCategory {
  const name = CATEGORY[category];
  const plain = { id: CATEGORIES.indexOf(category) + 1, name, supercategory: name };
  if (category !== Category.TRAFFIC_LIGHT || (!color && arrows.length === 0)) return plain;
  const shown = ARROWS.filter((arrow) => arrows.includes(arrow));
  const bits = shown.reduce((sum, arrow) => sum + 2 ** ARROWS.indexOf(arrow), 0);
  const words = [name, ...(color ? [color] : []), ...shown].map((word) => word.toLowerCase());
  return {
    id: FIRST_LIGHT + 32 * (color ? COLORS.indexOf(color) + 1 : 0) + bits,
    name: words.join(' '),
    supercategory: name,
  };
}

/** Of a category id of ours; null: it is none of a light with a colour. */
export function lightColorOf(id: number): LightColor | null {
  const color = Math.floor((id - FIRST_LIGHT) / 32) - 1;
  return Number.isInteger(id) ? (Object.values(LightColor)[color] ?? null) : null;
}

export const coco: FormatWriter = {
  losses: [...noPlace({ box: ['label'] }), PLACE],
  async open(folder, about) {
    await mkdir(join(folder, 'annotations'), { recursive: true });
    const path = (split: VersionFrame['split']) => `annotations/instances_${SPLIT_NAME[split]}.json`;
    const parts = await Promise.all(
      SPLITS.map(async (split) => {
        const boxesPath = join(folder, `${path(split)}.boxes`);
        const [file, boxesFile] = await Promise.all([
          TextFile.create(join(folder, path(split))),
          TextFile.create(boxesPath),
        ]);
        const info = {
          description: `${about.dataset} ${about.version}, data id ${about.dataId}`,
          version: about.version,
          date_created: about.createdAt.toISOString(),
        };
        await file.write(`{"info":${JSON.stringify(info)},"licenses":[],"images":[`);
        return { file, boxesFile, boxesPath, images: new JsonLines(file), boxes: new JsonLines(boxesFile) };
      }),
    );
    const categories = new Map(
      Object.values(Category).map((category) => [category as string, categoryOf(bare(category))]),
    );
    let [images, annotations] = [0, 0];
    return {
      async add(frame, called = frame.fileName) {
        const part = parts[SPLITS.indexOf(frame.split)] as (typeof parts)[number];
        const id = ++images;
        await part.images.add(imageOf(frame, called, id));
        for (const box of frame.boxes ?? []) {
          const category = categoryOf(box);
          categories.set(category.name, category);
          await part.boxes.add(annotationOf(box, ++annotations, id, category.id));
        }
        return `${SPLIT_NAME[frame.split]}/${safePath(called)}`;
      },
      async finish() {
        const list = [...new Map([...categories.values()].map((one) => [one.id, one])).values()];
        for (const { file, boxesFile, boxesPath } of parts) {
          await boxesFile.end();
          await file.write('\n],"annotations":[');
          await file.append(boxesPath);
          await file.write(`\n],"categories":${JSON.stringify(list.sort((a, b) => a.id - b.id))}}\n`);
          await file.end();
          await rm(boxesPath);
        }
        return SPLITS.map(path);
      },
      close: () => closeAll(parts.flatMap(({ file, boxesFile }) => [file, boxesFile])),
    };
  },
};

const bare = (category: Category): FrameBox => ({ category, x: 0, y: 0, width: 1, height: 1 });

const imageOf = (frame: VersionFrame, called: string, id: number) => ({
  id,
  file_name: called,
  width: frame.width ?? undefined,
  height: frame.height ?? undefined,
  date_captured: frame.recordedAt?.toISOString(),
  attributes: {
    ...attributesOf(frame),
    // COCO cannot tell an image that nobody has looked at from one with nothing on it.
    labelled: frame.boxes !== null,
    sha256: frame.sha256 ?? undefined,
    latitude: frame.latitude ?? undefined,
    longitude: frame.longitude ?? undefined,
    drive: frame.drive ?? undefined,
  },
});

const annotationOf = (box: FrameBox, id: number, image: number, category: number) => ({
  id,
  image_id: image,
  category_id: category,
  bbox: [box.x, box.y, box.width, box.height],
  area: box.width * box.height,
  iscrowd: box.ignore ? 1 : 0,
  score: box.score ?? undefined,
  attributes: {
    color: box.color?.toLowerCase(),
    arrows: box.arrows?.length ? box.arrows.map((arrow) => arrow.toLowerCase()) : undefined,
    role: box.role?.toLowerCase(),
    occluded: box.occluded ?? undefined,
    truncated: box.truncated ?? undefined,
  },
});
