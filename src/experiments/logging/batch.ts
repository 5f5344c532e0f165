/**
 * Logging once, however often it is sent: the batch's id and the hash of its content are in the transaction that
 * writes it, so that what was answered is there and what was not is sent again.
 */
import { createHash } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { ShingoError } from '../../platform/error.js';
import { isFinal, type JobState } from '../../jobs/vocabulary.js';
import { ExperimentSource } from '../experiment.js';
import { deleted } from '../experimentService.js';

/** The events that a batch wrote. */
export interface Span {
  firstSeq: number | null;
  lastSeq: number | null;
}
const NOTHING: Span = { firstSeq: null, lastSeq: null };

export interface Batch {
  id: string;
  hash: string;
}

/** @param content whatever makes two requests different, the kind of the batch among it @throws ShingoError BAD_USER_INPUT */
export function batchOf(id: string, ...content: (string | Buffer | null)[]): Batch {
  if (id.length < 1 || id.length > 200 || id.includes('\0'))
    throw new ShingoError('BAD_USER_INPUT', 'batchId has 1 to 200 characters.', 400, ['batchId']);
  const hash = createHash('sha256');
  // With its length before it, no two lists look alike.
  for (const part of content) hash.update(part === null ? '-' : `${part.length}:`).update(part ?? '');
  return { id, hash: hash.digest('hex') };
}

export interface Target {
  uuid: string;
  projectUuid: string;
  modelUuid: string;
  /** What this batch was answered with, if it has been done. */
  done: Span | null;
}

interface BatchRow {
  request_hash: string | null;
  first_seq: string | null;
  last_seq: string | null;
}

/**
 * An experiment that is logged from elsewhere, and whether this batch has been done.
 * @throws ShingoError NOT_FOUND, EXPERIMENT_DELETED, EXPERIMENT_NOT_LOGGED, CONFLICT
 */
export async function findTarget(db: DataSource, uuid: string, batch: Batch): Promise<Target> {
  const rows: (BatchRow & {
    project_id: string;
    model_id: string;
    source: ExperimentSource;
    deleted_at: Date | null;
  })[] = await db.query(
    `/* logging.target */ SELECT e.project_id, e.model_id, e.source, e.deleted_at, b.request_hash, b.first_seq, b.last_seq
       FROM experiment e LEFT JOIN experiment_batch b ON b.experiment_id = e.id AND b.batch_id = $2 WHERE e.id = $1`,
    [uuid, batch.id],
  );
  const [row] = rows;
  if (!row) throw new ShingoError('NOT_FOUND', 'There is no such experiment.', 404, ['experimentId']);
  if (row.deleted_at) throw deleted(row.deleted_at, ['experimentId']);
  if (row.source !== ExperimentSource.LOGGED) {
    const message =
      'This experiment is trained by a job of this service, which alone writes its record; make one of your own by createExperiment.';
    throw new ShingoError('EXPERIMENT_NOT_LOGGED', message, 409, ['experimentId']);
  }
  return { uuid, projectUuid: row.project_id, modelUuid: row.model_id, done: spanOf(row, batch) };
}

/** @throws ShingoError CONFLICT */
function spanOf({ request_hash, first_seq, last_seq }: BatchRow, { hash }: Batch): Span | null {
  if (request_hash === null) return null;
  if (request_hash !== hash) {
    const message = 'This batchId has logged something else here; take a new one for new content.';
    throw new ShingoError('CONFLICT', message, 409, ['batchId']);
  }
  const number = (text: string | null) => (text === null ? null : Number(text));
  return { firstSeq: number(first_seq), lastSeq: number(last_seq) };
}

class DoneMeanwhile extends Error {}

/**
 * Runs `write`, unless this batch has been done, in one transaction with the note that it is done.
 * @param write begins by taking the lock of the experiment's row, so that two of one batch run one after the other
 * @throws ShingoError CONFLICT, and what `write` throws
 */
export async function logOnce(
  db: DataSource,
  { uuid, done }: Target,
  batch: Batch,
  write: (manager: EntityManager) => Promise<Span | void>,
): Promise<Span> {
  if (done) return done;
  try {
    return await db.transaction(async (manager) => {
      const span = (await write(manager)) ?? NOTHING;
      const noted: unknown[] = await manager.query(
        `/* logging.done */ INSERT INTO experiment_batch (experiment_id, batch_id, request_hash, first_seq, last_seq)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING 1`,
        [uuid, batch.id, batch.hash, span.firstSeq, span.lastSeq],
      );
      if (noted.length === 0) throw new DoneMeanwhile();
      return span;
    });
  } catch (error) {
    // A retry may find the batch done, or that after it the experiment has ended.
    const refused = error instanceof ShingoError && error.code === 'EXPERIMENT_ENDED';
    if (!refused && !(error instanceof DoneMeanwhile)) throw error;
    const meanwhile = await findTarget(db, uuid, batch);
    if (meanwhile.done) return meanwhile.done;
    throw error;
  }
}

/** Takes the experiment's row for a write that is no event. @throws ShingoError EXPERIMENT_ENDED, NOT_FOUND */
export async function lockOpen(manager: EntityManager, experimentUuid: string): Promise<void> {
  const state = await lock(manager, experimentUuid);
  if (isFinal(state)) throw await ended(manager, experimentUuid);
}

/** The same for what may come after the end. @throws ShingoError NOT_FOUND */
export async function lock(manager: EntityManager, experimentUuid: string): Promise<JobState> {
  const [rows]: [{ state: JobState }[], number] = await manager.query(
    `/* logging.lock */ UPDATE experiment SET heard_at = clock_timestamp()
     WHERE id = $1 AND deleted_at IS NULL RETURNING state`,
    [experimentUuid],
  );
  if (rows[0]) return rows[0].state;
  throw await ended(manager, experimentUuid);
}

/** Why nothing can be logged. */
export async function ended(db: EntityManager | DataSource, experimentUuid: string): Promise<ShingoError> {
  const rows: { state: JobState; finished_at: Date; deleted_at: Date | null }[] = await db.query(
    '/* logging.ended */ SELECT state, finished_at, deleted_at FROM experiment WHERE id = $1',
    [experimentUuid],
  );
  const [row] = rows;
  if (!row) return new ShingoError('NOT_FOUND', 'There is no such experiment.', 404, ['experimentId']);
  if (row.deleted_at) return deleted(row.deleted_at, ['experimentId']);
  const message = `This experiment has ${row.state} since ${row.finished_at.toISOString()}: nothing can be added; make another.`;
  return new ShingoError('EXPERIMENT_ENDED', message, 409, ['experimentId']);
}
