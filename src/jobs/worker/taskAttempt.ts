/** One attempt at a task: a process that does it, until it is over, goes back to the queue, or is someone else's. */
import { mkdir, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../platform/log.js';
import type { Config } from '../../platform/config.js';
import { SMALL_HEAP } from '../../platform/smallHeap.js';
import { messageOf } from '../../platform/error.js';
import { persist } from '../../platform/database/persist.js';
import { taskMessageSchema, type TaskCommand, type TaskMessage } from '../task/protocol.js';
import type { Reason } from '../vocabulary.js';
import { AWAY_MS, PERSIST_MS, removeFolder, workFolder } from './attempt.js';
import { FenceLost, fenced, type Lease, type WorkerServices } from './fence.js';
import { JobProcess, crashReason } from './jobProcess.js';
import { keepLease } from './keepLease.js';
import { LastLines } from './lastLines.js';
import { settleAway, settleCrash, settleStop, type Stop } from './settle.js';
import { watchSystem } from './system/watch.js';

export interface TaskAttemptOptions {
  engine: Config['engine'];
  /** That is forked. */
  module: string;
  heartbeatMs: number;
  silenceMs: number;
  leaseMs: number;
  /** Between two samples of what it takes of its host. */
  sampleMs: number;
}

const EXIT_MS = 5_000;

export class TaskAttempt {
  private readonly over = new AbortController();
  private readonly log: Log;
  private process: JobProcess<TaskCommand, TaskMessage> | undefined;
  private readonly lines = new LastLines();
  private stopping = false;
  private why: Stop = 'DRAINED';
  private lost = false;
  private lastWord = performance.now();
  /** Why it ended without settling its job, if we know better than its exit code. */
  private fault: Reason | undefined;
  private settled = false;
  /** The database went away from under it. */
  private away = false;

  constructor(
    private readonly services: WorkerServices,
    private readonly lease: Lease,
    private readonly options: TaskAttemptOptions,
  ) {
    this.log = services.log.child({ job: lease.job.uuid, attempt: lease.attempt });
  }

  /** Never fails: what cannot be settled here is left to the reaper. */
  async run(): Promise<void> {
    const alive = keepLease(this.services, this.lease, {
      ...this.options,
      over: this.over.signal,
      lastWord: () => (this.process ? this.lastWord : performance.now()),
      lines: this.lines,
      onCancel: () => this.stop(),
      onOverdue: () => {
        if (!this.stopping) this.why = 'TIMED_OUT';
        this.stop();
      },
      onSilence: (message) => this.condemn('TASK_HUNG', `The process of the job ${message}`),
      onLost: () => this.abandon(),
      onCutOff: () => this.cut(),
    });
    const watched = watchSystem(this.services, this.lease, {
      ...{ everyMs: this.options.sampleMs, device: null, over: this.over.signal },
      pid: () => this.process?.pid,
    });
    const folder = workFolder(this.services.config.dataDir, this.lease);
    try {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      await this.work(folder);
    } catch (error) {
      this.log.error({ err: error }, 'an attempt broke');
      this.fault ??= { code: 'INTERNAL', message: `The worker met a fault: ${messageOf(error)}` };
    } finally {
      this.process?.kill();
      await this.process?.exited;
      await this.settle().catch((problem: unknown) => {
        if (!(problem instanceof FenceLost)) this.log.error({ err: problem }, 'the job could not be settled');
      });
      this.over.abort();
      await Promise.all([alive, watched]);
      await removeFolder(folder);
    }
  }

  /** Asks for an end; force follows. */
  stop(): void {
    if (this.stopping) return;
    this.stopping = true;
    this.process?.send({ type: 'stop' });
    const patience = this.services.config.drainSeconds * 1000;
    void sleep(patience, undefined, { signal: this.over.signal }).then(
      () => this.process?.kill(),
      () => undefined,
    );
  }

  private async work(folder: string): Promise<void> {
    if (this.stopping || this.lost) return;
    const { config, databaseUrl } = this.services;
    const { dataDir, blobUrl, blobCacheBytes } = config;
    const process: JobProcess<TaskCommand, TaskMessage> = new JobProcess({
      module: this.options.module,
      cwd: folder,
      execArgv: SMALL_HEAP,
      asksBlobStore: true,
      messages: taskMessageSchema,
      onMessage: (message) => this.hear(message),
      onNonsense: (problem) => this.condemn('TASK_PROTOCOL', `The process of the job says: ${problem}`),
      onLine: (stream, line) => {
        this.lines.add(line);
        this.log.debug({ stream }, line);
      },
    });
    this.process = process;
    this.lastWord = performance.now();
    process.send({
      type: 'start',
      databaseUrl,
      config: { dataDir, blobUrl, blobCacheBytes, engine: this.options.engine },
      jobUuid: this.lease.job.uuid,
      attempt: this.lease.attempt,
      folder,
    });
    if (this.stopping) process.send({ type: 'stop' });
    const exit = await process.exited;
    this.fault ??= crashReason('TASK_CRASHED', 'The process of the job', exit, process.lastWords);
  }

  private hear(message: TaskMessage): void {
    this.lastWord = performance.now();
    if (message.type === 'alive') return;
    // Its last word.
    if (message.type === 'settled') this.settled = true;
    if (message.type === 'lost') this.lost = true;
    if (message.type === 'away') this.away = true;
    if (message.type === 'broke')
      this.fault ??= { code: 'INTERNAL', message: `The job met a fault: ${message.message}` };
    void this.process?.finish(EXIT_MS);
  }

  private condemn(code: string, message: string): void {
    this.fault ??= { code, message };
    this.process?.kill();
  }

  /** What its process does from here on may be done elsewhere as well: it goes, and the job is given back if it is ours. */
  private cut(): void {
    if (this.away || this.lost || this.settled || this.over.signal.aborted) return;
    this.away = true;
    this.log.warn(
      'no word from the database for as long as the lease lasts; the process of the job is ended',
    );
    this.process?.kill();
  }

  private abandon(): void {
    // Or its process has just settled the job, which looks the same from here.
    if (this.over.signal.aborted || this.settled) return;
    this.lost = true;
    this.process?.kill();
  }

  /** Says what became of the job where its process could not. */
  private async settle(): Promise<void> {
    if (this.settled || this.lost) return;
    const { services, fault, away, stopping } = this;
    if (away) this.log.warn('the database is away; the job is given back when it is there');
    else if (fault && !stopping) this.log.warn({ reason: fault }, 'a task has crashed');
    await persist(
      this.log,
      () =>
        fenced(services.db, this.lease, (manager, job) => {
          if (stopping || !fault) return settleStop(manager, services.queue, job, this.why);
          if (away) return settleAway(manager, services, job);
          return settleCrash(manager, services, job, fault, this.lines.all);
        }),
      () => (this.stopping ? services.config.drainSeconds * 1000 : away ? AWAY_MS : PERSIST_MS),
    );
  }
}
