/**
 * Scalabel, in BDD100K's det_20 layout: one file a split with `frames`, `groups` and `config`. `box2d` includes its
 * last pixel. A frame without `labels` was not looked at; with an empty list, nothing was found.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LightColor } from '../../../catalog/vocabulary.js';
import type { FrameBox } from '../frame.js';
import { inclusiveEnd, isExact } from './inclusive.js';
import { PLACE, noPlace } from './losses.js';
import { CATEGORY, SCENE, TIME_OF_DAY, WEATHER, attributesOf } from './spelling.js';
import { JsonLines, TextFile } from './textFile.js';
import { safePath, SPLIT_NAME, SPLITS, type FormatWriter, type VersionFrame } from './writer.js';

const COLOR: Record<`${LightColor}`, string> = {
  RED: 'red',
  YELLOW: 'yellow',
  GREEN: 'green',
  OFF: 'none',
  UNKNOWN: 'none',
};

const CONFIG = {
  attributes: [
    { name: 'weather', type: 'list', values: Object.values(WEATHER), tag: 'frame' },
    { name: 'timeofday', type: 'list', values: Object.values(TIME_OF_DAY), tag: 'frame' },
    { name: 'scene', type: 'list', values: Object.values(SCENE), tag: 'frame' },
    { name: 'occluded', type: 'switch' },
    { name: 'truncated', type: 'switch' },
    { name: 'crowd', type: 'switch' },
    { name: 'trafficLightColor', type: 'list', values: ['none', 'red', 'yellow', 'green'] },
  ].map(({ tag = 'label', ...attribute }) => ({ ...attribute, tag })),
  categories: Object.values(CATEGORY).map((name) => ({ name })),
};

export const scalabel: FormatWriter = {
  losses: [
    ...noPlace({
      image: ['sha256', 'recordedAt', 'latitude', 'longitude'],
      box: ['arrows', 'role', 'label'],
    }),
    PLACE,
    {
      what: 'color',
      why: 'trafficLightColor says `none` both of a light that is off and of one whose colour nobody could tell.',
      box: ({ color }) => color === 'OFF',
    },
    {
      what: 'width, height',
      why: 'No last pixel reads back as this size to the last bit; the nearest is written.',
      box: ({ x, y, width, height }) => !isExact(x, width) || !isExact(y, height),
    },
  ],
  async open(folder) {
    const labels = 'labels/det_20';
    await mkdir(join(folder, labels), { recursive: true });
    const path = (split: VersionFrame['split']) => `${labels}/det_${SPLIT_NAME[split]}.json`;
    const open = await Promise.all(SPLITS.map((split) => TextFile.create(join(folder, path(split)))));
    const files = Object.fromEntries(SPLITS.map((split, index) => [split, open[index] as TextFile]));
    for (const file of open) await file.write('{"frames":[');
    const frames = Object.fromEntries(
      SPLITS.map((split) => [split, new JsonLines(files[split] as TextFile)]),
    ) as Record<VersionFrame['split'], JsonLines>;
    let boxes = 0;
    return {
      async add(frame, called = frame.fileName) {
        await frames[frame.split].add({
          name: called,
          videoName: frame.drive ?? undefined,
          attributes: attributesOf(frame),
          // Without a size the format means BDD100K's own, 1280×720.
          size: frame.width && frame.height ? { width: frame.width, height: frame.height } : null,
          labels: frame.boxes?.map((box) => labelOf(box, String(++boxes))),
        });
        return `images/100k/${SPLIT_NAME[frame.split]}/${safePath(called)}`;
      },
      async finish() {
        for (const file of open) {
          await file.write(`\n],"groups":[],"config":${JSON.stringify(CONFIG)}}\n`);
          await file.end();
        }
        return SPLITS.map(path);
      },
      close: () => closeAll(open),
    };
  },
};

const labelOf = (box: FrameBox, id: string) => ({
  id,
  category: CATEGORY[box.category],
  attributes: {
    occluded: box.occluded ?? undefined,
    truncated: box.truncated ?? undefined,
    crowd: box.ignore || undefined,
    trafficLightColor: box.color ? COLOR[box.color] : undefined,
  },
  score: box.score ?? undefined,
  box2d: {
    x1: box.x,
    y1: box.y,
    x2: inclusiveEnd(box.x, box.width),
    y2: inclusiveEnd(box.y, box.height),
  },
});

export async function closeAll(files: readonly TextFile[]): Promise<void> {
  await Promise.allSettled(files.map((file) => file.close()));
}
