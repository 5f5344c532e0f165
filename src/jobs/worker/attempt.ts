/**
 * One attempt at one job: its inputs, its trainer process, and what the trainer says, until the job is over, goes
 * back to the queue, or is found to be someone else's. Whatever happens, the trainer is gone at the end.
 */
import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ShingoError, messageOf } from '../../platform/error.js';
import type { Log } from '../../platform/log.js';
import {
  trainerMessageSchema,
  type Spec,
  type TrainerCommand,
  type TrainerMessage,
} from '../../training/protocol.js';
import type { Reason } from '../vocabulary.js';
import { TrainerFault } from './fault.js';
import { FenceLost, fenced, type Lease, type WorkerServices } from './fence.js';
import { Inbox, type Item } from './inbox.js';
import { JobProcess, crashReason, type Exit } from './jobProcess.js';
import { keepLease } from './keepLease.js';
import { LastLines } from './lastLines.js';
import { materialise, type Inputs } from './materialise.js';
import { Recorder } from './record.js';
import { DATABASE_UNAVAILABLE, isDatabaseAway } from '../../platform/database/errors.js';
import { persist } from '../../platform/database/persist.js';
import { deviceEnvironment } from './seats.js';
import { settleAway, settleCrash, type Stop } from './settle.js';
import { watchSystem } from './system/watch.js';

export interface AttemptOptions {
  engine: Spec['engine'];
  /** Module that is forked. */
  trainer: string;
  heartbeatMs: number;
  /** A trainer that says nothing for so long is stuck. */
  silenceMs: number;
  leaseMs: number;
  /** Of the host, that it is to keep to. */
  device?: string | null;
  /** Between two samples of what it takes of its host. */
  sampleMs: number;
}

const MOST_LOG_LINES = 1_000;
const EXIT_MS = 5_000;
/** A restart of the database takes less. */
export const PERSIST_MS = 60_000;
/** To give a job back that the database has left in the middle; its trainer is gone by then, and there is no other to take. */
export const AWAY_MS = 10 * 60_000;

export const workFolder = (dataDir: string, lease: Lease): string =>
  join(dataDir, 'work', lease.job.uuid, String(lease.attempt));

/** And that of its job, unless another attempt has something there. What stays is swept later. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  await rmdir(dirname(folder)).catch(() => undefined);
}

type Trainer = JobProcess<TrainerCommand, TrainerMessage>;

export class Attempt {
  private readonly over = new AbortController();
  private readonly inbox = new Inbox();
  private readonly log: Log;
  private trainer: Trainer | undefined;
  private readonly lines = new LastLines();
  private stopping = false;
  private why: Stop = 'DRAINED';
  private lost = false;
  /** Nobody knows whether the job is still ours. */
  private cutOff = false;
  /** Why we killed the trainer, if we did because of what it did. */
  private fault: Reason | undefined;
  private lastWord = performance.now();
  private logLines = 0;

  constructor(
    private readonly services: WorkerServices,
    private readonly lease: Lease,
    private readonly options: AttemptOptions,
  ) {
    this.log = services.log.child({ job: lease.job.uuid, attempt: lease.attempt });
  }

  /** Never fails: what cannot be settled here is left to the reaper. */
  async run(): Promise<void> {
    const alive = this.keepAlive();
    const watched = watchSystem(this.services, this.lease, {
      ...{ everyMs: this.options.sampleMs, device: this.options.device ?? null, over: this.over.signal },
      pid: () => this.trainer?.pid,
    });
    try {
      await this.work();
    } catch (error) {
      // Before the job is anyone else's.
      this.trainer?.kill();
      await this.settle(error).catch((problem: unknown) => {
        if (!(problem instanceof FenceLost)) this.log.error({ err: problem }, 'the job could not be settled');
      });
    } finally {
      this.over.abort();
      this.trainer?.kill();
      await Promise.all([this.trainer?.exited, alive, watched]);
      await removeFolder(workFolder(this.services.config.dataDir, this.lease));
    }
  }

  /** Asks for a checkpoint and an end; force follows. */
  stop(): void {
    if (this.stopping) return;
    this.stopping = true;
    this.trainer?.send({ type: 'stop' });
    const patience = this.services.config.drainSeconds * 1000;
    void sleep(patience, undefined, { signal: this.over.signal }).then(
      () => this.trainer?.kill(),
      () => undefined,
    );
  }

  private async work(): Promise<void> {
    const { db, blobs, config } = this.services;
    const folder = workFolder(config.dataDir, this.lease);
    const inputs = await this.persist(() =>
      materialise({ db, blobs }, this.lease.job, folder, this.options.engine, {
        folder: join(config.dataDir, 'decoded'),
        bytes: config.decodedBytes,
      }),
    );
    const recorder = new Recorder(this.services, this.lease, inputs.outputDir, inputs.samples);
    if (this.lost) return;
    if (this.stopping) return this.persist(() => recorder.halted(this.why));
    const trainer = this.launch(inputs);
    for (;;) {
      const item = await this.inbox.take();
      if (this.lost) return;
      if (this.cutOff)
        throw new ShingoError(DATABASE_UNAVAILABLE, 'The worker was cut off from the database.');
      if (item.type === 'end') return this.ended(recorder, await trainer.exited);
      if (await this.record(recorder, item)) return trainer.finish(EXIT_MS);
    }
  }

  /** Someone waits for the end of a worker that is stopping; the reaper mends what then stays unwritten. */
  private persist<T>(work: () => Promise<T>, ms = PERSIST_MS): Promise<T> {
    return persist(this.log, work, () => {
      // What the attempt has come to counts no more; that it is over, does.
      if (this.lost || (this.cutOff && ms < AWAY_MS)) return 0;
      return this.stopping ? this.services.config.drainSeconds * 1000 : ms;
    });
  }

  private launch(inputs: Inputs): Trainer {
    const trainer: Trainer = new JobProcess({
      module: this.options.trainer,
      cwd: inputs.outputDir,
      ...{ env: deviceEnvironment(this.options.device), messages: trainerMessageSchema },
      onMessage: (message) => {
        this.lastWord = performance.now();
        if (!this.inbox.put(message))
          this.condemn('TRAINER_PROTOCOL', 'The trainer says more than can be written down.');
      },
      onNonsense: (problem) =>
        this.condemn('TRAINER_PROTOCOL', `The trainer does not keep to the protocol: ${problem}`),
      onLine: (stream, line) => {
        this.lines.add(line);
        this.log.debug({ stream }, line);
      },
    });
    this.trainer = trainer;
    this.lastWord = performance.now();
    void trainer.exited.then(() => this.inbox.end());
    trainer.send({ type: 'start', specFile: inputs.specFile });
    if (this.stopping) trainer.send({ type: 'stop' });
    return trainer;
  }

  private condemn(code: string, message: string): void {
    this.fault ??= { code, message };
    this.trainer?.kill();
  }

  /** True: that was its last word. */
  private async record(recorder: Recorder, item: Exclude<Item, { type: 'end' }>): Promise<boolean> {
    const write = (work: () => Promise<void>) => this.persist(work);
    switch (item.type) {
      case 'progress':
        await write(() => recorder.progress(item));
        return false;
      case 'engine':
        await write(() => recorder.engine(item));
        return false;
      case 'log':
        this.logLines += 1;
        this.lines.add(item.message);
        if (this.logLines <= MOST_LOG_LINES) await write(() => recorder.log(item));
        return false;
      case 'epochs':
        await this.recordEpochs(recorder, item.epochs);
        return false;
      case 'stopped':
        await write(() => recorder.stopped(item, this.why));
        return true;
      case 'trained':
        await write(() => recorder.trained(item));
        return true;
      case 'evaluated':
        await write(() => recorder.evaluated(item));
        return true;
      case 'failed':
        await write(() => recorder.failed(item));
        return true;
    }
  }

  /** While a checkpoint is copied the trainer may go on and delete it; then the newest counts. */
  private async recordEpochs(
    recorder: Recorder,
    epochs: Extract<Item, { type: 'epochs' }>['epochs'],
  ): Promise<void> {
    for (;;) {
      try {
        return await this.persist(() => recorder.epochs(epochs));
      } catch (error) {
        const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
        const newer = gone ? await this.inbox.laterEpochs(EXIT_MS) : [];
        if (newer.length === 0) throw error;
        epochs.push(...newer);
      }
    }
  }

  /** The trainer has gone without a last word. */
  private async ended(recorder: Recorder, exit: Exit): Promise<void> {
    if (this.stopping && !this.fault) return this.persist(() => recorder.halted(this.why));
    await this.crash(
      this.fault ?? crashReason('TRAINER_CRASHED', 'The trainer', exit, this.trainer?.lastWords ?? ''),
    );
  }

  private async settle(error: unknown): Promise<void> {
    if (error instanceof FenceLost || this.lost) {
      this.log.warn('the job is no longer ours; nothing of it was written');
      return;
    }
    const { db } = this.services;
    const recorder = new Recorder(this.services, this.lease, '', 0);
    if (!isDatabaseAway(error) && (error instanceof TrainerFault || error instanceof ShingoError)) {
      await this.persist(() => recorder.failed({ code: error.code, message: error.message }));
      return;
    }
    if (isDatabaseAway(error)) {
      this.log.warn(
        { reason: messageOf(error) },
        'the database is away; the job is given back when it is there',
      );
      await this.persist(
        () => fenced(db, this.lease, (manager, job) => settleAway(manager, this.services, job)),
        AWAY_MS,
      );
      return;
    }
    this.log.error({ err: error, db: db.isInitialized }, 'an attempt broke');
    await this.crash({ code: 'INTERNAL', message: `The worker met a fault: ${messageOf(error)}` });
  }

  private async crash(reason: Reason): Promise<void> {
    this.log.warn({ reason }, 'the trainer has crashed');
    const { services } = this;
    await this.persist(() =>
      fenced(services.db, this.lease, (manager, job) =>
        settleCrash(manager, services, job, reason, this.lines.all),
      ),
    );
  }

  private keepAlive(): Promise<void> {
    return keepLease(this.services, this.lease, {
      ...this.options,
      over: this.over.signal,
      lastWord: () => (this.trainer ? this.lastWord : performance.now()),
      lines: this.lines,
      onCancel: () => this.stop(),
      onOverdue: () => {
        if (!this.stopping) this.why = 'TIMED_OUT';
        this.stop();
      },
      onSilence: (message) => this.condemn('TRAINER_HUNG', `The trainer ${message}`),
      onLost: () => this.abandon(),
      onCutOff: () => this.cut(),
    });
  }

  /** What the trainer does from here on may be done elsewhere as well: it goes, and the job is given back if it is ours. */
  private cut(): void {
    if (this.cutOff || this.lost || this.over.signal.aborted) return;
    this.cutOff = true;
    this.log.warn('no word from the database for as long as the lease lasts; the trainer is ended');
    this.trainer?.kill();
    this.inbox.end();
  }

  private abandon(): void {
    // Or the job has just ended well, which looks the same from here.
    if (this.over.signal.aborted) return;
    this.lost = true;
    this.trainer?.kill();
    this.inbox.end();
  }
}
