/** Whatever a data set version is written to comes back by an import, but for what its format cannot carry. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { FrameBox } from '../../../src/datasets/formats/frame.js';
import { inclusiveEnd, sizeOf } from '../../../src/datasets/formats/write/inclusive.js';
import { coco } from '../../../src/datasets/formats/write/coco.js';
import { scalabel } from '../../../src/datasets/formats/write/scalabel.js';
import type { About, VersionFrame } from '../../../src/datasets/formats/write/writer.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { anyFrames } from '../../support/frames.js';
import { newProject } from '../graphql/support/world.js';
import { contentOf, folderOf, importInto } from './importSupport.js';

let database: TestDatabase;
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.stop());

const ABOUT: About = {
  ...{ dataset: 'd', description: '', version: '1.0.0', dataId: '', createdAt: new Date(0) },
  ...{ conditions: [], pictures: false },
};

/** Detections, ignored regions and what misses the picture are no labels. */
const kept = ({ width, height }: VersionFrame, box: FrameBox) =>
  box.score == null &&
  !box.ignore &&
  box.x + box.width > 0 &&
  box.y + box.height > 0 &&
  box.x < width! &&
  box.y < height!;

const FORMATS = {
  bdd100k: {
    writer: scalabel,
    carried: (box: FrameBox): FrameBox => ({
      ...box,
      width: sizeOf(box.x, inclusiveEnd(box.x, box.width)),
      height: sizeOf(box.y, inclusiveEnd(box.y, box.height)),
      color: box.color === 'OFF' ? 'UNKNOWN' : box.color,
      arrows: [],
      role: null,
    }),
  },
  coco: { writer: coco, carried: (box: FrameBox): FrameBox => box },
};

const plain = ({ category, x, y, width, height, color, arrows, role, occluded, truncated }: FrameBox) => ({
  ...{ category, x, y, width, height, color, arrows, role, occluded, truncated },
});
const sorted = (boxes: object[]) => boxes.map((box) => JSON.stringify(box)).sort();

test.each(Object.keys(FORMATS) as (keyof typeof FORMATS)[])('%s', async (format) => {
  const { writer, carried } = FORMATS[format];
  await fc.assert(
    fc.asyncProperty(anyFrames, async (frames) => {
      await using folder = await folderOf({});
      const target = join(folder.path, 'export');
      await mkdir(target);
      const open = await writer.open(target, ABOUT);
      for (const one of frames) await open.add(one);
      await open.finish();
      const project = await newProject(database.db);
      const report = await importInto(database.db, project.uuid, target, { format });
      expect(report).toMatchObject({ frames: frames.length, created: frames.length });
      const found = await contentOf(database.db, project.uuid);
      const read = (row: { file_name: string; traffic_lights: number | null; boxes: object[] }) => [
        row.file_name,
        row.traffic_lights === null ? null : sorted(row.boxes.map((box) => plain(box as FrameBox))),
      ];
      const expected = frames.map((one) => [
        one.fileName,
        one.boxes &&
          sorted(
            one.boxes
              .map((box) => carried(box))
              .filter((box) => kept(one, box))
              .map(plain),
          ),
      ]);
      expect(new Map(found.map(read) as never)).toEqual(new Map(expected as never));
    }),
    { numRuns: 40 },
  );
});
