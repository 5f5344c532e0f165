import { hasPlace, locate, type LocatedRow } from '../../datasets/formats/manifest/located.js';
import { Problems } from '../../datasets/formats/manifest/problems.js';
import type { Box } from '../../datasets/formats/manifest/row.js';
import type { Source } from '../../datasets/formats/manifest/source.js';

export const MAX_BATCH_ROWS = 1_000;
/** Well below the 16 MiB that the service accepts as one request. */
const MAX_BATCH_JSON = 4 * 1024 * 1024;
/** So that progress moves, and an interrupted import has little to do again. */
const MAX_BATCH_BYTES = 128 * 1024 * 1024;

/** The second reading of the folder, in pieces that fit one request each. */
export async function* readBatches(source: Source): AsyncGenerator<LocatedRow[], void> {
  const problems = new Problems();
  let batch: LocatedRow[] = [];
  let json = 0;
  let bytes = 0;
  for await (const raw of source.rows(problems.add)) {
    const located = await locate(source.root, raw, problems);
    // Checked in the first pass, but files change while one reads them.
    problems.throwIfAny();
    const size = JSON.stringify(raw.values).length + 200;
    const picture = located!.picture.bytes;
    const full =
      batch.length >= MAX_BATCH_ROWS || json + size > MAX_BATCH_JSON || bytes + picture > MAX_BATCH_BYTES;
    if (full && batch.length > 0) {
      yield batch;
      [batch, json, bytes] = [[], 0, 0];
    }
    batch.push(located!);
    json += size;
    bytes += picture;
  }
  problems.throwIfAny();
  if (batch.length > 0) yield batch;
}

/** A row as registerImages takes it. */
export function toInput({ row }: LocatedRow, sha256: string): Record<string, unknown> {
  const { file, country, prefecture, city, timeZone: _belongsToThePlace, boxes, ...rest } = row;
  return {
    ...rest,
    fileName: file,
    sha256,
    place: hasPlace(row) ? { country, prefecture, city } : undefined,
    boxes: boxes?.map(toBoxInput),
  };
}

/** With `wholeImage` the numbers mean nothing, but the API wants them there. */
function toBoxInput(box: Box): Record<string, unknown> {
  return box.wholeImage ? { ...box, x: 0, y: 0, width: 0, height: 0 } : box;
}
