/** A worker: takes jobs that wait, one a slot, and mends what other workers left. */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TICK_MS } from '../../platform/hub.js';
import { QUEUE_TOPIC } from '../../platform/queue.js';
import { messageOf } from '../../platform/error.js';
import type { EngineName, Spec } from '../../training/protocol.js';
import { JOB_QUEUE, TASK_QUEUE } from '../change.js';
import { mendGraphs } from '../graph/mend.js';
import { Attempt } from './attempt.js';
import { claimNext, type Taker } from './claim.js';
import type { Lease, WorkerServices } from './fence.js';
import { keepPresent } from './presence.js';
import { findStale, reap, sweepFolders, type Stale } from './reaper.js';
import { enginesOf, type Seat } from './seats.js';
import { TaskAttempt } from './taskAttempt.js';

export interface WorkerOptions {
  engine: Spec['engine'];
  /** Shown with the jobs that it has. */
  name: string;
  /** Name of the machine; missing: as it calls itself. */
  host?: string;
  /** That jobs may require. */
  labels?: readonly string[];
  /** For trainings and evaluations; missing: one, of `engine`. */
  seats?: readonly Seat[];
  /** Engines that work here, once that is known; until then, and if missing, those that work everywhere. */
  engines?: Promise<readonly EngineName[]>;
  /** Imports, exports and other tasks at a time. */
  taskSlots?: number;
  /** Another module to fork than the real trainer: for tests. */
  trainer?: string;
  /** Another module to fork than the real process of tasks: for tests. */
  taskProcess?: string;
  heartbeatMs?: number;
  /** A heartbeat that is older is a dead worker's. */
  staleSeconds?: number;
  reapMs?: number;
  silenceMs?: number;
  sampleMs?: number;
}

export interface Worker {
  /** Takes no more jobs, lets trainers write their checkpoints, gives their jobs back; within config.drainSeconds. */
  stop(): Promise<void>;
}

/** They need no driver and no library of the machine. */
const EVERYWHERE: readonly EngineName[] = ['wasm', 'cpu'];
const STALE_SECONDS = 15;
const MEND_EVERY = 10;
const TASK_PROCESS = fileURLToPath(new URL('../task/taskProcess.js', import.meta.url));
const TRAINER = fileURLToPath(new URL('../../training/trainerProcess.js', import.meta.url));

export function startWorker(services: WorkerServices, options: WorkerOptions): Worker {
  return new RunningWorker(services, options);
}

/** What an attempt at a job is for its worker. */
interface Running {
  /** Never fails. */
  run(): Promise<void>;
  /** Saves what it can and ends, within config.drainSeconds. */
  stop(): void;
}

/** The slots of one kind, and the jobs that this worker is at in them. */
class Lane {
  private readonly attempts = new Map<Running, Promise<void>>();

  constructor(
    private readonly services: WorkerServices,
    private readonly taker: () => Taker,
    private readonly lane: string,
    private readonly slots: number,
    private readonly attempt: (lease: Lease) => Running,
  ) {}

  /** Until stopped. */
  async take(signal: AbortSignal): Promise<void> {
    const hints = this.services.hub.listen(QUEUE_TOPIC, this.lane, signal);
    while (!signal.aborted) {
      try {
        while (!signal.aborted && this.attempts.size < this.slots && (await this.takeOne(signal)));
        if (this.attempts.size >= this.slots) await Promise.race(this.attempts.values());
        // Without a hub there is nothing to wait for, but a look every so often will do.
        else if (hints.closed) await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
        else await hints.wait();
      } catch (error) {
        this.services.log.warn({ reason: messageOf(error) }, 'no job could be taken');
        await sleep(1_000, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  stop(): void {
    for (const attempt of this.attempts.keys()) attempt.stop();
  }

  async ended(): Promise<void> {
    await Promise.all(this.attempts.values());
  }

  /** False: there was none. */
  private async takeOne(signal: AbortSignal): Promise<boolean> {
    const lease = await claimNext(this.services, this.taker(), this.lane);
    if (!lease) return false;
    const attempt = this.attempt(lease);
    if (signal.aborted) attempt.stop();
    this.attempts.set(
      attempt,
      attempt.run().finally(() => this.attempts.delete(attempt)),
    );
    return true;
  }
}

class RunningWorker implements Worker {
  private readonly stopping = new AbortController();
  private readonly lanes: Lane[];
  private readonly loops: Promise<void>[];

  private present: readonly EngineName[];

  constructor(
    private readonly services: WorkerServices,
    private readonly options: WorkerOptions,
  ) {
    const { name: worker, engine, host = hostname(), labels = [], taskSlots = 1, engines } = options;
    const { seats = [{ engine, device: null, count: 1 }] } = options;
    this.present = [...new Set(seats.flatMap((seat) => [...enginesOf(seat, []), ...EVERYWHERE]))];
    void engines?.then((found) => (this.present = [...new Set([...this.present, ...found])]));
    const { trainer = TRAINER, taskProcess = TASK_PROCESS } = options;
    const {
      heartbeatMs = 2_000,
      silenceMs = 600_000,
      sampleMs = 5_000,
      staleSeconds = STALE_SECONDS,
    } = options;
    const common = { engine, heartbeatMs, silenceMs, sampleMs, leaseMs: staleSeconds * 1000 };
    const taker = (seat: Pick<Seat, 'engine' | 'device'>) => () => ({
      ...{ worker, host, labels, device: seat.device },
      engines: this.enginesOf(seat),
    });
    this.lanes = [
      ...seats.map((seat) => {
        const { engine, device } = seat;
        const settings = { ...common, engine, device, trainer };
        const attempt = (lease: Lease) => new Attempt(services, lease, settings);
        return new Lane(services, taker(seat), JOB_QUEUE, seat.count, attempt);
      }),
      new Lane(
        services,
        taker({ engine: 'auto', device: null }),
        TASK_QUEUE,
        taskSlots,
        (lease) => new TaskAttempt(services, lease, { ...common, module: taskProcess }),
      ),
    ];
    const offer = { host, worker, labels, seats, taskSlots, engines: () => this.present };
    this.loops = [
      ...this.lanes.map((lane) => lane.take(this.stopping.signal)),
      this.mend(),
      keepPresent(services, offer, this.stopping.signal),
    ];
  }

  /** A worker whose seats nobody has named takes what it always took. */
  private enginesOf(seat: Pick<Seat, 'engine'>): readonly EngineName[] {
    return this.options.seats ? enginesOf(seat, this.present) : this.present;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    for (const lane of this.lanes) lane.stop();
    await Promise.all(this.loops);
    await Promise.all(this.lanes.map((lane) => lane.ended()));
  }

  /**
   * A job is taken from its worker only if two looks find the same old heartbeat: after the database was away every
   * heartbeat is old, and the living need a moment to renew theirs.
   */
  private async mend(): Promise<void> {
    const { signal } = this.stopping;
    const { db, log, config } = this.services;
    const { staleSeconds = STALE_SECONDS, reapMs = 3_000 } = this.options;
    let before = new Set<string>();
    for (let pass = 0; !signal.aborted; pass += 1) {
      try {
        const stale = await findStale(db, staleSeconds);
        const key = ({ id, attempt, heartbeat }: Stale) => `${id} ${attempt} ${heartbeat}`;
        await reap(
          this.services,
          stale.filter((one) => before.has(key(one))),
        );
        before = new Set(stale.map(key));
        // Rarely needed. The first sweep is of what a killed worker left, the others are of what killed neighbours leave.
        if (pass % MEND_EVERY === 0) {
          await sweepFolders(db, config.dataDir).catch((error: unknown) =>
            log.warn({ err: error }, 'old folders remain'),
          );
          await mendGraphs(db);
        }
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'jobs of dead workers could not be looked for');
      }
      await sleep(reapMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
