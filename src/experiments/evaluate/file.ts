import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { InputFile } from '../../datasets/formats/read/input.js';

/** A file of ours as the readers of lines take it. */
export async function fileOf(path: string): Promise<InputFile> {
  const { size } = await stat(path);
  return { path: 'predictions', bytes: size, open: () => createReadStream(path, { highWaterMark: 1 << 18 }) };
}
