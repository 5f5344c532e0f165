/** What is compared: the images of a project that a filter chooses, by their perceptual hashes. */
import { conditionFilters } from '../../catalog/condition/conditionService.js';
import type { Hashes } from '../../catalog/image/hashes/bands.js';
import { hashRecords, RECORD_BYTES } from '../../catalog/image/hashes/load.js';
import { imageFields } from '../../catalog/image/imageFields.js';
import { compileWhere, Parameters, type Where } from '../../graphql/list/where.js';
import { connectionOf } from '../../platform/database/connection.js';
import { ShingoError } from '../../platform/error.js';
import type { TaskContext } from '../../platform/task.js';

/** About 60 bytes each while they are compared. */
const MAX_IMAGES = 10_000_000;
const UUID_BYTES = 16;

/** Images ordered by hash, then id; equal hashes are one. */
export class DistinctHashes implements Hashes {
  private readonly uuids: Buffer;
  high: Uint32Array;
  low: Uint32Array;
  /** Images of distinct hash n: starts[n] up to starts[n + 1]. */
  starts: Uint32Array;
  images = 0;
  private count = 0;

  constructor(capacity: number) {
    this.uuids = Buffer.alloc(capacity * UUID_BYTES);
    this.high = new Uint32Array(capacity);
    this.low = new Uint32Array(capacity);
    this.starts = new Uint32Array(capacity + 1);
  }

  add(records: Buffer): void {
    for (let at = 0; at < records.length; at += RECORD_BYTES) {
      const [high, low] = [records.readUInt32BE(at + UUID_BYTES), records.readUInt32BE(at + UUID_BYTES + 4)];
      if (this.count === 0 || high !== this.high[this.count - 1] || low !== this.low[this.count - 1]) {
        this.high[this.count] = high;
        this.low[this.count] = low;
        this.starts[this.count++] = this.images;
      }
      records.copy(this.uuids, UUID_BYTES * this.images++, at, at + UUID_BYTES);
    }
  }

  finish(): void {
    this.high = this.high.subarray(0, this.count);
    this.low = this.low.subarray(0, this.count);
    this.starts[this.count] = this.images;
    this.starts = this.starts.subarray(0, this.count + 1);
  }

  uuid(image: number): string {
    const hex = this.uuids.toString('hex', image * UUID_BYTES, (image + 1) * UUID_BYTES);
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
}

/**
 * Of one moment.
 * @throws ShingoError FILTER_INVALID, CONDITION_UNKNOWN, DUPLICATES_TOO_MANY
 */
export async function distinctHashes(
  task: Pick<TaskContext, 'db' | 'signal' | 'progress'>,
  projectUuid: string,
  filter: Where | null,
): Promise<{ hashes: DistinctHashes; withoutHash: number }> {
  const parameters = new Parameters();
  const project = parameters.add(projectUuid, 'uuid');
  const condition = await conditionFilters(task.db, projectUuid, filter);
  const where = `t.project_id = ${project} AND ${compileWhere(imageFields(), filter, { parameters, condition })}`;
  const runner = task.db.createQueryRunner();
  try {
    const client = await connectionOf(runner);
    // A million images are counted, joined and sorted in seconds; a filter on boxes may take longer.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.allow(600_000);
    try {
      const { rows } = await client.query<{ images: number; hashed: number }>(
        `/* duplicates.count */ SELECT count(*)::int AS images, count(p.perceptual_hash)::int AS hashed
         FROM image t LEFT JOIN picture p ON p.sha256 = t.sha256 WHERE ${where}`,
        parameters.values,
      );
      const { images, hashed } = rows[0] as { images: number; hashed: number };
      refuseTooMany(hashed);
      const hashes = new DistinctHashes(hashed);
      for await (const records of hashRecords(client, where, parameters.values, 'p.perceptual_hash, t.id')) {
        hashes.add(records);
        task.progress('READING', hashes.images, hashed);
        task.signal.throwIfAborted();
      }
      hashes.finish();
      return { hashes, withoutHash: images - hashed };
    } finally {
      await client.query('ROLLBACK');
    }
  } finally {
    await runner.release();
  }
}

function refuseTooMany(images: number): void {
  if (images <= MAX_IMAGES) return;
  throw new ShingoError(
    'DUPLICATES_TOO_MANY',
    `${images} images fit the filter, and at most ${MAX_IMAGES} are compared at once; narrow it with where.`,
    400,
    ['where'],
  );
}
