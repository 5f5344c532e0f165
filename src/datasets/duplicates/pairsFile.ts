/** The pairs as a table that a spreadsheet and pandas read. */
import type { DataSource } from 'typeorm';
import { join } from 'node:path';
import { toGlobalId } from '../../graphql/node.js';
import type { TaskContext, TaskFile } from '../../platform/task.js';
import { TextFile } from '../formats/write/textFile.js';
import type { DistinctHashes } from './distinct.js';
import type { Pairs } from './join.js';

const HEADER = 'image_id,file_name,other_image_id,other_file_name,distance\r\n';
/** Pairs whose file names are asked for at once. */
const BATCH = 5000;

/** By distance, the nearest first. RFC 4180. An image that was deleted meanwhile has no file name. */
export async function writePairs(
  task: Pick<TaskContext, 'db' | 'folder' | 'signal' | 'progress'>,
  hashes: DistinctHashes,
  pairs: Pairs,
): Promise<TaskFile> {
  const path = join(task.folder, 'pairs.csv');
  const file = await TextFile.create(path);
  try {
    await file.write(HEADER);
    const order = byDistance(pairs);
    for (let start = 0; start < order.length; start += BATCH) {
      task.progress('WRITING', start, order.length);
      task.signal.throwIfAborted();
      const batch = Array.from(order.subarray(start, start + BATCH), (at) => ({
        ids: [hashes.uuid(pairs.a[at]!), hashes.uuid(pairs.b[at]!)],
        distance: pairs.distance[at]!,
      }));
      const names = await fileNames(task.db, [...new Set(batch.flatMap(({ ids }) => ids))]);
      const lines = batch.map(({ ids, distance }) => {
        const cells = ids.map((id) => `${toGlobalId('Image', id)},${quoted(names.get(id) ?? '')}`);
        return `${cells.join(',')},${distance}\r\n`;
      });
      await file.write(lines.join(''));
    }
    await file.flush();
  } finally {
    await file.close();
  }
  return { name: 'pairs.csv', mediaType: 'text/csv', path };
}

/** Numbers of the pairs that were kept, by distance; those of one distance in the order in which they were found. */
function byDistance({ distance, kept }: Pairs): Uint32Array {
  const next = new Uint32Array(65);
  for (let at = 0; at < kept; at++) next[distance[at]! + 1]! += 1;
  for (let apart = 0; apart < 64; apart++) next[apart + 1]! += next[apart]!;
  const order = new Uint32Array(kept);
  for (let at = 0; at < kept; at++) order[next[distance[at]!]!++] = at;
  return order;
}

async function fileNames(db: DataSource, ids: string[]): Promise<Map<string, string>> {
  const rows: { id: string; file_name: string }[] = await db.query(
    '/* duplicates.fileNames */ SELECT id, file_name FROM image WHERE id = ANY ($1)',
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row.file_name]));
}

const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
