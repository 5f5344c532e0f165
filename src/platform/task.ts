/** Long work that is no training: what it is given, wherever it runs (a job of a worker, a command, a test). */
import type { DataSource, EntityManager } from 'typeorm';
import type { BlobStore } from './blobs.js';
import type { Log } from './log.js';

/** @template C what the work keeps to go on from: small, JSON */
export interface TaskContext<C extends object = object> {
  db: DataSource;
  blobs: BlobStore;
  log: Log;
  /** A folder of this attempt alone, which exists and is removed afterwards. */
  folder: string;
  /** Aborted when the work is cancelled or its worker stops: throw between two batches (`signal.throwIfAborted()`). */
  signal: AbortSignal;
  /** What an earlier attempt kept last; null: begin. */
  checkpoint: C | null;
  /**
   * Says how far the work is; as often as one likes. Rate and time left are worked out from it.
   * @param phase a word in capitals, such as READING
   * @param total null: not known
   */
  progress(this: void, phase: string, done: number, total: number | null): void;
  /**
   * One transaction, of a few seconds at most, that is sure that the work is still this attempt's; `checkpoint` is kept
   * with what it writes, so that what is done and what is known to be done never differ. It is read after `work`, which
   * may complete it.
   * @throws when another attempt has taken over: nothing was written
   */
  transaction<T>(this: void, work: (manager: EntityManager) => Promise<T>, checkpoint?: C): Promise<T>;
}

/** A file that the work has made, in its folder; whoever runs it keeps it and offers it for download. */
export interface TaskFile {
  /** Shown to people; no folder in it. */
  name: string;
  mediaType: string;
  /** Absolute. */
  path: string;
}
