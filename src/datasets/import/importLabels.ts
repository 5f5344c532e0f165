/**
 * Labels and manifests into a project, with pictures or without: read and checked in full, then written batch by
 * batch. Each batch is a transaction that says how far the import is, so that it goes on from there after a break.
 */
import type { TaskContext } from '../../platform/task.js';
import { projectUuid as existingProject } from '../../catalog/project/projectService.js';
import { toGlobalId } from '../../graphql/node.js';
import type { ImportItem } from './item.js';
import { obey } from './obey.js';
import { prepare, type ReadyBatch, type Strictness } from './prepare.js';
import { addTally, emptyTally, reportOf, type ImportReport, type Tally } from './report.js';
import { openImport, type ImportFormat, type ImportSource, type Reading } from './source.js';
import { writeBatch } from './write.js';

export interface ImportRequest {
  projectUuid: string;
  /** Absolute path of a label file, or of a folder with labels or a manifest and the pictures. */
  source: string;
  /** `manifest`: manifest.csv, manifest.jsonl or class-named folders. */
  format: ImportFormat;
  /** Unknown values and refused pictures are left out and reported, instead of refusing the whole. */
  lenient?: boolean;
  /** Of new places whose rows name none; missing: UTC. */
  timeZone?: string | null;
}

export interface ImportCheckpoint {
  tally: Tally;
  /** Frames in all, if they have been counted. */
  total: number | null;
}

/** Rows of a batch: 3 MB of text, some 200 ms in the database. */
const MAX_FRAMES = 1000;
const MAX_BOXES = 30_000;
/** Decoding takes 10 ms a picture: so much is done again after a break, at most. */
const MAX_PICTURES = 250;

/**
 * Doing it again changes nothing: images are known by their bytes, else by their file name.
 * @throws ShingoError NOT_FOUND, FORMAT_UNKNOWN, LABELS_INVALID, LABELS_UNKNOWN_VALUE, PICTURE_*, BLOB_TOO_LARGE: nothing
 *   was written; VALIDATION_FAILED: the batches before the one that breaks a rule stay
 */
export async function importLabels(
  task: TaskContext<ImportCheckpoint>,
  request: ImportRequest,
): Promise<ImportReport> {
  const { lenient = false, timeZone } = request;
  await existingProject(task.db, toGlobalId('Project', request.projectUuid));
  const source = await openImport(request.source, {
    ...{ format: request.format, lenient, timeZone: timeZone ?? 'UTC' },
  });
  const strict = { lenient, manifest: source.manifest };
  let total = task.checkpoint?.total ?? null;
  if (source.manifest || !task.checkpoint) total = await check(task, source, strict);
  return write(task, request.projectUuid, source, strict, total);
}

/** Reads all and writes no row: a bad last line must not leave half an import behind. Returns the number of frames. */
async function check(
  task: TaskContext<ImportCheckpoint>,
  source: ImportSource,
  strict: Strictness,
): Promise<number> {
  let frames = 0;
  task.progress('CHECKING', 0, null);
  // An earlier attempt has stored the pictures.
  const again = task.checkpoint !== null;
  for await (const items of batches(source.read(), task.signal)) {
    if (!again) await prepare(task, items, strict, false);
    frames += items.length;
    task.progress('CHECKING', frames, null);
  }
  return frames;
}

async function write(
  task: TaskContext<ImportCheckpoint>,
  projectUuid: string,
  source: ImportSource,
  strict: Strictness,
  total: number | null,
): Promise<ImportReport> {
  const reading = source.read();
  let tally = task.checkpoint?.tally ?? emptyTally();
  const ready = prepared(task, skip(batches(reading, task.signal), tally.frames), strict);
  task.progress('IMPORTING', tally.frames, total);
  let next: ReturnType<typeof ready.next> | null = null;
  // Not before: reading in between would keep the database waiting for its rows.
  const readOn = () => {
    next ??= ready.next();
    next.catch(() => undefined);
  };
  for (;;) {
    readOn();
    const { value: batch, done } = await next!;
    if (done) break;
    next = null;
    const after = structuredClone(tally);
    await task.transaction(
      async (manager) => {
        const origins = await writeBatch(manager, projectUuid, batch.items, batch.tally, readOn);
        const { lenient } = strict;
        batch.tally.validation = await obey(manager, projectUuid, { origins, lenient, before: tally.frames });
        addTally(after, batch.tally);
      },
      { tally: after, total },
    );
    tally = after;
    task.progress('IMPORTING', tally.frames, total);
  }
  return reportOf(source.format, tally, reading.findings.unknown.values(), reading.left.counts);
}

async function* prepared(
  task: TaskContext<ImportCheckpoint>,
  groups: AsyncGenerator<ImportItem[], void>,
  strict: Strictness,
): AsyncGenerator<ReadyBatch, void> {
  for await (const items of groups) yield await prepare(task, items, strict, true);
}

async function* batches({ items }: Reading, signal: AbortSignal): AsyncGenerator<ImportItem[], void> {
  let batch: ImportItem[] = [];
  let [boxes, pictures] = [0, 0];
  for await (const item of items) {
    batch.push(item);
    boxes += item.boxes?.length ?? 0;
    if (item.picture !== null) pictures += 1;
    if (batch.length < MAX_FRAMES && boxes < MAX_BOXES && pictures < MAX_PICTURES) continue;
    yield batch;
    signal.throwIfAborted();
    [batch, boxes, pictures] = [[], 0, 0];
  }
  if (batch.length > 0) yield batch;
}

/** Without the first frames, which an earlier attempt has written. */
async function* skip(
  groups: AsyncGenerator<ImportItem[], void>,
  frames: number,
): AsyncGenerator<ImportItem[], void> {
  let left = frames;
  for await (const items of groups) {
    const rest = items.slice(left);
    left = Math.max(0, left - items.length);
    if (rest.length > 0) yield rest;
  }
}
