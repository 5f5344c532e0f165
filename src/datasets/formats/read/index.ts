/** Label files in, frames out: streaming, knowing nothing of the database. */
import { ShingoError } from '../../../platform/error.js';
import type { Frame } from '../frame.js';
import { readBosch } from './bosch.js';
import { readCoco } from './coco.js';
import { withEnding, type FileSet } from './input.js';
import { elements } from './json.js';
import { readKitti } from './kitti.js';
import { readLisa } from './lisa.js';
import type { Findings } from './problem.js';
import { readScalabel } from './scalabel.js';
import { readT4 } from './t4.js';

export { openFileSet, type FileSet, type InputFile } from './input.js';
export { Findings, invalid, type Unknown } from './problem.js';

const READERS = {
  bdd100k: readScalabel,
  coco: readCoco,
  bosch: readBosch,
  t4: readT4,
  lisa: readLisa,
  kitti: readKitti,
};
export type LabelFormat = keyof typeof READERS;
export const LABEL_FORMATS = Object.keys(READERS) as LabelFormat[];

/** @throws ShingoError LABELS_INVALID, LABELS_UNKNOWN_VALUE, FORMAT_UNKNOWN */
export async function* readFrames(
  input: FileSet,
  format: LabelFormat | 'auto',
  findings: Findings,
): AsyncGenerator<Frame, void> {
  yield* READERS[format === 'auto' ? await recognise(input) : format](input, findings);
}

/** Files of a folder that are opened to tell its format. */
const MAX_LOOKED_AT = 100;

/** By names and first elements. @throws ShingoError FORMAT_UNKNOWN, LABELS_INVALID */
export async function recognise(input: FileSet): Promise<LabelFormat> {
  const json = withEnding(input, '.json');
  if (json.some(({ path }) => /(^|\/)sample_data\.json$/.test(path))) return 't4';
  // The first may be an empty list: a split without images.
  for (const file of json.slice(0, MAX_LOOKED_AT)) {
    for await (const { key, index, value } of elements(file)) {
      // A number of images, as in losses.json of an export, is none.
      if (index < 0 && !Array.isArray(value)) continue;
      if (key === 'annotations' || key === 'images' || key === 'categories') return 'coco';
      const frame = value as { name?: unknown; labels?: unknown; objects?: unknown } | null;
      if (key === 'frames' || (index >= 0 && key === '' && frame?.name !== undefined)) return 'bdd100k';
    }
  }
  const yaml = withEnding(input, '.yaml', '.yml');
  if (yaml.some(({ path }) => /(^|\/)data\.ya?ml$/.test(path)))
    throw new ShingoError(
      'FORMAT_UNKNOWN',
      `${input.name} looks like YOLO folders (data.yaml), which cannot be imported; export it as COCO instead.`,
    );
  if (yaml.length > 0) return 'bosch';
  if (withEnding(input, '.csv').length > 0) return 'lisa';
  if (withEnding(input, '.txt').length > 0) return 'kitti';
  throw new ShingoError(
    'FORMAT_UNKNOWN',
    `${input.name} is in no format that is known; say which with --format ${LABEL_FORMATS.join('|')}.`,
  );
}
