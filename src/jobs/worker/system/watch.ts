/** Samples what a running job takes of its host. Whatever goes wrong with that, the job does not notice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../platform/error.js';
import { FenceLost, type Lease, type WorkerServices } from '../fence.js';
import { takeSample } from './sample.js';
import { THIN_EVERY, storeSample, thinSamples } from './store.js';

export interface Watched {
  everyMs: number;
  device: string | null;
  /** Undefined: it has not begun. */
  pid: () => number | undefined;
  /** Aborted when the attempt is over. */
  over: AbortSignal;
}

/** The share of a core is that since the last look: the first says nothing. */
const FIRST_MS = 1_000;

/** Never fails. */
export async function watchSystem(
  { db, config, log }: Pick<WorkerServices, 'db' | 'config' | 'log'>,
  lease: Lease,
  { everyMs, device, pid, over }: Watched,
): Promise<void> {
  let known: number | undefined;
  let stored = 0;
  for (let wait = Math.min(FIRST_MS, everyMs); !over.aborted; wait = everyMs) {
    await sleep(wait, undefined, { signal: over }).catch(() => undefined);
    const id = pid();
    if (id === undefined || over.aborted) continue;
    try {
      const sample = await takeSample(id, config.dataDir, device);
      if (sample && id === known && !over.aborted) {
        await storeSample(db, lease, sample);
        stored += 1;
        if (stored % THIN_EVERY === 0) await thinSamples(db, lease.job.uuid);
      }
      known = id;
    } catch (error) {
      if (error instanceof FenceLost) return;
      log.debug({ reason: messageOf(error), job: lease.job.uuid }, 'no sample of the system');
    }
  }
}
