/** Refreshes a lease while an attempt works, hears of cancellation, and watches that its process speaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../platform/error.js';
import { JOB_TOPIC, JobState } from '../vocabulary.js';
import { FenceLost, heartbeat, type Lease, type WorkerServices } from './fence.js';
import type { LastLines } from './lastLines.js';

export interface Keeper {
  heartbeatMs: number;
  /** A process that says nothing for so long is stuck. */
  silenceMs: number;
  /** Aborted when the attempt is over; the lease is kept until then. */
  over: AbortSignal;
  /** Milliseconds since 1970. */
  lastWord: () => number;
  lines: LastLines;
  onCancel: () => void;
  /** It has run longer than it may. */
  onOverdue: () => void;
  onSilence: (message: string) => void;
  /** Another attempt has the job, or it has ended. */
  onLost: () => void;
}

export async function keepLease(
  { db, hub, log }: Pick<WorkerServices, 'db' | 'hub' | 'log'>,
  lease: Lease,
  { heartbeatMs, silenceMs, over, lastWord, lines, onCancel, onOverdue, onSilence, onLost }: Keeper,
): Promise<void> {
  const hints = hub.listen(JOB_TOPIC, lease.job.uuid, over);
  while (!over.aborted) {
    try {
      const { state, overdue } = await heartbeat(db, lease, lines.take());
      if (state === JobState.CANCELLING) onCancel();
      else if (overdue) onOverdue();
    } catch (error) {
      lines.giveBack();
      if (error instanceof FenceLost) return onLost();
      log.warn({ reason: messageOf(error), job: lease.job.uuid }, 'no heartbeat');
    }
    if (Date.now() - lastWord() > silenceMs)
      onSilence(`has said nothing for ${Math.round(silenceMs / 1000)} s.`);
    if (hints.closed) await sleep(heartbeatMs, undefined, { signal: over }).catch(() => undefined);
    else await hints.wait(heartbeatMs);
  }
}
