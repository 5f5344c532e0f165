/** Refreshes a lease while an attempt works, hears of cancellation, and watches that its process speaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseDown } from '../../platform/database/errors.js';
import { messageOf } from '../../platform/error.js';
import { JOB_TOPIC, JobState } from '../vocabulary.js';
import { FenceLost, heartbeat, type Lease, type WorkerServices } from './fence.js';
import type { LastLines } from './lastLines.js';

export interface Keeper {
  heartbeatMs: number;
  /** A process that says nothing for so long is stuck. */
  silenceMs: number;
  /** Another may have the job if the database has heard of this attempt for the last time so long ago. */
  leaseMs: number;
  /** Aborted when the attempt is over; the lease is kept until then. */
  over: AbortSignal;
  /** By performance.now(), which no clock that is set touches. */
  lastWord: () => number;
  lines: LastLines;
  onCancel: () => void;
  /** It has run longer than it may. */
  onOverdue: () => void;
  onSilence: (message: string) => void;
  /** Another attempt has the job, or it has ended. */
  onLost: () => void;
  /** The database is out of reach, for this worker at least, and the lease over. */
  onCutOff: () => void;
}

/** In the time of a lease. */
const LOOKS = 10;

export async function keepLease(
  { db, hub, log }: Pick<WorkerServices, 'db' | 'hub' | 'log'>,
  lease: Lease,
  { heartbeatMs, silenceMs, leaseMs, over, lastWord, lines, ...on }: Keeper,
): Promise<void> {
  const hints = hub.listen(JOB_TOPIC, lease.job.uuid, over);
  // Looks are counted, not time: a process that was itself frozen, or had too much to do, has heard nothing because of that.
  let looks = 0;
  const watch = setInterval(() => {
    looks += 1;
    if (looks > LOOKS) on.onCutOff();
  }, leaseMs / LOOKS);
  over.addEventListener('abort', () => clearInterval(watch), { once: true });
  while (!over.aborted) {
    try {
      const { state, overdue } = await heartbeat(db, lease, lines.take());
      looks = 0;
      if (state === JobState.CANCELLING) on.onCancel();
      else if (overdue) on.onOverdue();
    } catch (error) {
      lines.giveBack();
      if (error instanceof FenceLost) return on.onLost();
      // A server that is not up has no other to give the job to.
      if (isDatabaseDown(error)) looks = 0;
      log.warn({ reason: messageOf(error), job: lease.job.uuid }, 'no heartbeat');
    }
    if (performance.now() - lastWord() > silenceMs)
      on.onSilence(`has said nothing for ${Math.round(silenceMs / 1000)} s.`);
    if (hints.closed) await sleep(heartbeatMs, undefined, { signal: over }).catch(() => undefined);
    else await hints.wait(heartbeatMs);
  }
}
