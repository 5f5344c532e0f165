/** Reads boxes into columns: of a whole project chunk by chunk, or of the images that the log names. */
import { code } from '../binary.js';
import type { SnapshotClient } from '../sync.js';
import type { Columns } from '../columns.js';
import { BOX_CODES, BOX_NUMBERS, type BoxBatch, type Boxes } from './boxes.js';

const COLUMN: Record<string, string> = {
  // As the filter has it: nobody has said is not occluded.
  occluded: 'coalesce(a.occluded, false)::text',
};
const KIND = Object.entries(BOX_CODES).map(
  ([name, { values, shift }]) => `(${code(values, COLUMN[name] ?? `a.${name}`)} << ${shift})`,
);
/**
 * One value for all boxes of a chunk, 50 bytes each: 80 ms for 44,000 boxes, where arrays such as those of the images
 * take 220.
 */
const RECORD = [
  'int8send(t.nr)',
  `int2send((${KIND.join(' | ')})::int2)`,
  ...BOX_NUMBERS.map((name) => `float8send(${name === 'score' ? "coalesce(a.score, 'NaN')" : `a.${name}`})`),
].join(' || ');
const KIND_AT = 8;
const NUMBERS_AT = 10;
const RECORD_BYTES = NUMBERS_AT + 8 * BOX_NUMBERS.length;

/** Those that count, as filters of images have it. */
const JOIN = 'image t JOIN annotation a ON a.image_id = t.id AND a.source = t.counts_source';

/** @param of a condition on the id of the image; without it each chunk would read the boxes of all */
export async function addBoxes(
  client: SnapshotClient,
  columns: Columns,
  boxes: Boxes,
  of: (id: string) => string,
  values: unknown[],
): Promise<void> {
  const { rows } = await client.query<{ records: Buffer | null }>(
    `/* coverage.boxes */ SELECT string_agg(${RECORD}, '') AS records FROM ${JOIN}
     WHERE t.project_id = $1 AND ${of('t.id')} AND ${of('a.image_id')}`,
    values,
  );
  const records = rows[0]?.records;
  if (records) boxes.add(batchOf(columns, records));
}

function batchOf(columns: Columns, records: Buffer): BoxBatch {
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  const count = records.length / RECORD_BYTES;
  const rows = new Uint32Array(count);
  const kind = new Uint16Array(count);
  const numbers = BOX_NUMBERS.map(() => new Float64Array(count));
  for (let i = 0, at = 0; i < count; i++, at += RECORD_BYTES) {
    rows[i] = columns.row(Number(view.getBigInt64(at)))!;
    kind[i] = view.getUint16(at + KIND_AT);
    for (let k = 0; k < numbers.length; k++) numbers[k]![i] = view.getFloat64(at + NUMBERS_AT + 8 * k);
  }
  return { rows, kind, numbers };
}

/** How many the project has, counted up to `limit`. */
export async function countBoxes(
  client: SnapshotClient,
  projectUuid: string,
  limit: number,
): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `/* coverage.boxCount */ SELECT count(*)::int AS n FROM (SELECT 1 FROM ${JOIN} WHERE t.project_id = $1 LIMIT $2) AS found`,
    [projectUuid, limit],
  );
  return rows[0]?.n ?? 0;
}
