/** Label files of other tools as rows: each frame with the picture that it names. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';

import type { Frame, FrameBox } from '../../datasets/formats/frame.js';
import {
  Findings,
  type LabelFormat,
  openFileSet,
  readFrames,
  recognise,
} from '../../datasets/formats/read/index.js';
import { LeftOut } from '../../datasets/formats/read/leftOut.js';
import { PictureIndex } from '../../datasets/formats/read/pictureIndex.js';
import { ShingoError } from '../../platform/error.js';
import { plural } from '../terminal/format.js';
import { ImportError, type Problem } from '../../datasets/formats/manifest/problems.js';
import type { RawRow } from '../../datasets/formats/manifest/row.js';
import type { Source } from '../../datasets/formats/manifest/source.js';

export interface LabelOptions {
  format: LabelFormat | 'auto';
  /** Where the pictures are; missing: beside the labels. */
  images?: string;
  /** Keep unknown values aside and report them, instead of refusing the file. */
  lenient?: boolean;
  /** Leave out frames whose picture is not there. */
  skipMissing?: boolean;
}

/** @throws ImportError with the position of the first fault */
export async function openLabels(labels: string, options: LabelOptions): Promise<Source> {
  const set = await asImportError(labels, () => openFileSet(labels));
  const format =
    options.format === 'auto' ? await asImportError(labels, () => recognise(set)) : options.format;
  const folder = options.images ?? (set.files[0]?.path === set.name ? path.dirname(labels) : labels);
  const root = await realpath(folder).catch(() => {
    throw new ImportError([{ where: folder, message: 'no such folder of pictures (--images)' }]);
  });
  const pictures = new PictureIndex((await openFileSet(root)).files.map((file) => file.path));
  return {
    root,
    kind: format,
    async *rows(report, notice) {
      const findings = new Findings(options.lenient ?? false);
      const left = new LeftOut();
      const frames = readFrames(set, format, findings);
      for (;;) {
        const { value: frame, done } = await asImportError(labels, () => frames.next());
        if (done) break;
        const file = pictures.find(frame.fileName, (message) => {
          if (options.skipMissing) left.add('frames without a picture');
          else report({ where: frame.position, column: 'file', message });
        });
        if (file !== null) yield rowOf(frame, file, left);
      }
      if (notice) for (const line of [...leftOutLines(left), ...unknownLines(findings)]) notice(line);
    },
  };
}

/** What labels hold, without pictures and without a service. */
export interface LabelCounts {
  format: LabelFormat;
  frames: number;
  unlabelled: number;
  empty: number;
  boxes: number;
  /** By the class as the file spells it. */
  classes: Map<string, number>;
  notices: string[];
}

/** Reads the labels and sends nothing. @throws ImportError */
export async function countLabels(
  labels: string,
  options: LabelOptions,
  onProgress: (frames: number) => void = () => undefined,
  signal?: AbortSignal,
): Promise<LabelCounts> {
  const set = await asImportError(labels, () => openFileSet(labels));
  const format =
    options.format === 'auto' ? await asImportError(labels, () => recognise(set)) : options.format;
  const findings = new Findings(options.lenient ?? false);
  const left = new LeftOut();
  const counts: LabelCounts = {
    ...{ format, frames: 0, unlabelled: 0, empty: 0, boxes: 0, classes: new Map(), notices: [] },
  };
  await asImportError(labels, async () => {
    for await (const frame of readFrames(set, format, findings)) {
      signal?.throwIfAborted();
      counts.frames++;
      if (frame.boxes === null) counts.unlabelled++;
      else if (frame.boxes.length === 0) counts.empty++;
      for (const box of frame.boxes ?? []) {
        counts.boxes++;
        const name = box.label ?? box.category;
        counts.classes.set(name, (counts.classes.get(name) ?? 0) + 1);
        left.reasonFor(frame, box);
      }
      onProgress(counts.frames);
    }
  });
  counts.notices = [...leftOutLines(left), ...unknownLines(findings)];
  return counts;
}

const leftOutLines = ({ counts }: LeftOut): string[] =>
  [...counts].map(([what, count]) => `left out: ${count} ${what}`);

const unknownLines = ({ unknown }: Findings): string[] =>
  [...unknown.values()].map(
    ({ field, value, count, position }) =>
      `kept aside: ${field} ${value}, ${plural(count, 'time')}, first at ${position}`,
  );

function rowOf(frame: Frame, file: string, left: LeftOut): RawRow {
  const { recordedAt, latitude, longitude, drive, weather, timeOfDay, scene, boxes } = frame;
  const values: Record<string, unknown> = {
    ...{ file, latitude, longitude, drive, weather, timeOfDay, scene },
    recordedAt: recordedAt?.toISOString(),
    boxes: boxes?.filter((box) => left.reasonFor(frame, box) === null).map(toBox),
  };
  return {
    where: frame.position,
    values: Object.fromEntries(Object.entries(values).filter(([, value]) => value != null)),
  };
}

const toBox = ({ category, x, y, width, height, color, arrows, role, occluded, truncated }: FrameBox) => ({
  ...{ category, x, y, width, height, occluded, truncated },
  ...(category === 'TRAFFIC_LIGHT' ? { color, arrows, role } : {}),
});

async function asImportError<T>(where: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ShingoError)) throw error;
    const problem: Problem = { where, message: error.message };
    throw new ImportError([problem]);
  }
}
