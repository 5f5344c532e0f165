/** The context of a task that is a job: progress and checkpoint go into the job's row, behind the fence. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import type { BlobStore } from '../../platform/blobs.js';
import { messageOf } from '../../platform/error.js';
import type { Log } from '../../platform/log.js';
import type { TaskContext } from '../../platform/task.js';
import { updateJob } from '../change.js';
import { FenceLost, fenced, type Lease } from '../worker/fence.js';

const WRITE_MS = 500;

export interface JobTaskOptions {
  db: DataSource;
  blobs: BlobStore;
  log: Log;
  folder: string;
  lease: Lease;
  checkpoint: object | null;
  signal: AbortSignal;
  /** The job is no longer ours. */
  onLost(): void;
}

/** A phase, and where it stood when it began: a resumed import must not look as fast as what it skips. */
interface Phase {
  name: string;
  since: number;
  from: number;
  done: number;
  total: number | null;
}

export class JobTask implements TaskContext {
  readonly db: DataSource;
  readonly blobs: BlobStore;
  readonly log: Log;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly checkpoint: object | null;
  private readonly lease: Lease;
  private readonly over = new AbortController();
  private phase: Phase | null = null;
  private written: Phase | null = null;
  private readonly writing: Promise<void>;

  constructor(private readonly options: JobTaskOptions) {
    ({
      db: this.db,
      blobs: this.blobs,
      log: this.log,
      folder: this.folder,
      signal: this.signal,
      checkpoint: this.checkpoint,
      lease: this.lease,
    } = options);
    this.writing = this.write();
  }

  // Bound: work takes out of its context what it needs.
  readonly progress = (name: string, done: number, total: number | null): void => {
    const same = this.phase?.name === name && done >= this.phase.done ? this.phase : null;
    this.phase = { name, since: same?.since ?? performance.now(), from: same?.from ?? done, done, total };
  };

  readonly transaction = <T>(work: (manager: EntityManager) => Promise<T>, checkpoint?: object): Promise<T> =>
    fenced(this.db, this.lease, async (manager, job) => {
      const result = await work(manager);
      if (checkpoint) await updateJob(manager, job, { checkpoint });
      return result;
    });

  /** Nothing is written any more once this is over. */
  async end(): Promise<void> {
    this.over.abort();
    await this.writing;
  }

  private async write(): Promise<void> {
    const { signal } = this.over;
    while (!signal.aborted) {
      try {
        await this.writeOnce();
      } catch (error) {
        if (error instanceof FenceLost) return this.options.onLost();
        this.log.warn({ reason: messageOf(error) }, 'progress could not be written');
      }
      await sleep(WRITE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async writeOnce(): Promise<void> {
    const { phase } = this;
    if (!phase || phase === this.written) return;
    const seconds = (performance.now() - phase.since) / 1000;
    const rate = seconds > 0 ? (phase.done - phase.from) / seconds : 0;
    const { name, done, total } = phase;
    const progress = {
      ...{ phase: name, epoch: null, epochs: null, done, total },
      imagesPerSecond: rate > 0 ? rate : null,
      secondsLeft: rate > 0 && total !== null ? Math.max(0, total - done) / rate : null,
    };
    await fenced(this.db, this.lease, (manager, job) => updateJob(manager, job, { progress }));
    this.written = phase;
  }
}
