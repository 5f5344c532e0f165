/** A task that no job runs: what it keeps is kept in memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { DataSource, EntityManager } from 'typeorm';
import type { BlobStore } from '../../src/platform/blobs.js';
import { FolderBlobs } from '../../src/platform/blobs/folder.js';
import type { TaskContext } from '../../src/platform/task.js';

export interface PlainTask<C extends object> extends TaskContext<C> {
  /** What `transaction` kept last; a later attempt begins with it. */
  kept: C | null;
  phases: Set<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface PlainTaskOptions<C> {
  checkpoint?: C | null;
  signal?: AbortSignal;
  blobs?: BlobStore;
  /** Called after each transaction. */
  onCommit?: (commits: number) => void;
  onProgress?: (phase: string, done: number, total: number | null) => void;
}

export async function plainTask<C extends object>(
  db: DataSource,
  options: PlainTaskOptions<C> = {},
): Promise<PlainTask<C>> {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-task-'));
  let commits = 0;
  const task: PlainTask<C> = {
    db,
    blobs: options.blobs ?? new FolderBlobs(join(folder, 'blobs')),
    log: pino({ level: 'silent' }),
    folder,
    signal: options.signal ?? new AbortController().signal,
    checkpoint: options.checkpoint ?? null,
    kept: options.checkpoint ?? null,
    phases: new Set(),
    progress: (phase, done, total) => {
      task.phases.add(phase);
      options.onProgress?.(phase, done, total);
    },
    async transaction<T>(work: (manager: EntityManager) => Promise<T>, checkpoint?: C): Promise<T> {
      // As a job's row keeps it: as JSON, read after the work, and only if all of it is written.
      let kept = task.kept;
      const result = await db.transaction(async (manager) => {
        const made = await work(manager);
        if (checkpoint) kept = JSON.parse(JSON.stringify(checkpoint)) as C;
        return made;
      });
      task.kept = kept;
      options.onCommit?.(++commits);
      return result;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
  return task;
}
