/** A worker: takes jobs off the queue, one a slot, and mends what other workers left. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TICK_MS } from '../../platform/hub.js';
import { QUEUE_TOPIC } from '../../platform/queue.js';
import { messageOf } from '../../platform/error.js';
import type { Spec } from '../../training/protocol.js';
import { JOB_QUEUE } from '../change.js';
import { Attempt } from './attempt.js';
import { claimNext } from './claim.js';
import type { WorkerServices } from './fence.js';
import { findStale, reap, repairQueue, sweepFolders, type Stale } from './reaper.js';

export interface WorkerOptions {
  engine: Spec['engine'];
  /** Shown with the jobs that it has. */
  name: string;
  /** Jobs at a time. */
  slots?: number;
  /** Another module to fork than the real trainer: for tests. */
  trainer?: string;
  heartbeatMs?: number;
  /** A heartbeat that is older is a dead worker's. */
  staleSeconds?: number;
  reapMs?: number;
  silenceMs?: number;
}

export interface Worker {
  /** Takes no more jobs, lets trainers write their checkpoints, gives their jobs back; within config.drainSeconds. */
  stop(): Promise<void>;
}

const REPAIR_EVERY = 10;
const TRAINER = fileURLToPath(new URL('../../training/trainerProcess.js', import.meta.url));

export function startWorker(services: WorkerServices, options: WorkerOptions): Worker {
  return new RunningWorker(services, options);
}

class RunningWorker implements Worker {
  private readonly stopping = new AbortController();
  private readonly attempts = new Map<Attempt, Promise<void>>();
  private readonly loops: Promise<void>[];

  constructor(
    private readonly services: WorkerServices,
    private readonly options: WorkerOptions,
  ) {
    this.loops = [this.takeJobs(), this.mend()];
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    for (const attempt of this.attempts.keys()) attempt.stop();
    await Promise.all(this.loops);
    await Promise.all(this.attempts.values());
  }

  private async takeJobs(): Promise<void> {
    const { signal } = this.stopping;
    const hints = this.services.hub.listen(QUEUE_TOPIC, JOB_QUEUE, signal);
    while (!signal.aborted) {
      try {
        while (!signal.aborted && this.attempts.size < (this.options.slots ?? 1) && (await this.takeOne()));
        if (this.attempts.size >= (this.options.slots ?? 1)) await Promise.race(this.attempts.values());
        // Without a hub there is nothing to wait for, but a look every so often will do.
        else if (hints.closed) await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
        else await hints.wait();
      } catch (error) {
        this.services.log.warn({ reason: messageOf(error) }, 'no job could be taken');
        await sleep(1_000, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** False: there was none. */
  private async takeOne(): Promise<boolean> {
    const { name, engine, trainer = TRAINER, heartbeatMs = 2_000, silenceMs = 600_000 } = this.options;
    const lease = await claimNext(this.services, name);
    if (!lease) return false;
    const attempt = new Attempt(this.services, lease, { engine, trainer, heartbeatMs, silenceMs });
    if (this.stopping.signal.aborted) attempt.stop();
    this.attempts.set(
      attempt,
      attempt.run().finally(() => this.attempts.delete(attempt)),
    );
    return true;
  }

  /**
   * A job is taken from its worker only if two looks find the same old heartbeat: after the database was away every
   * heartbeat is old, and the living need a moment to renew theirs.
   */
  private async mend(): Promise<void> {
    const { signal } = this.stopping;
    const { db, log, config } = this.services;
    const { staleSeconds = 15, reapMs = 3_000 } = this.options;
    await sweepFolders(db, config.dataDir).catch((error: unknown) =>
      log.warn({ err: error }, 'old folders remain'),
    );
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
        // Rarely needed, and it looks at every queued job.
        if (pass % REPAIR_EVERY === 0) await repairQueue(this.services);
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'the queue could not be looked after');
      }
      await sleep(reapMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
