/** The row that says that a worker is there, and what it has to offer; kept alive while it works. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../platform/error.js';
import { identity } from '../../platform/identity.js';
import { newId } from '../../platform/ids.js';
import type { WorkerServices } from './fence.js';
import type { Seat } from './seats.js';

export interface Offer {
  /** Of the machine. */
  host: string;
  worker: string;
  labels: readonly string[];
  /** As they are now: which engines work is found out while the worker takes its first jobs. */
  engines: () => readonly string[];
  seats: readonly Seat[];
  taskSlots: number;
}

const BEAT_MS = 5_000;
/** Hosts that were not seen for so long are forgotten. */
const FORGET = "interval '1 day'";

/** Until the signal, then the row is gone. Never fails. */
export async function keepPresent(
  { db, log }: Pick<WorkerServices, 'db' | 'log'>,
  offer: Offer,
  signal: AbortSignal,
): Promise<void> {
  const uuid = newId();
  const { version } = await identity();
  while (!signal.aborted) {
    try {
      await db.query(
        `/* host.seen */ INSERT INTO host (id, name, worker, labels, engines, slots, task_slots, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), engines = $5`,
        [
          ...[uuid, offer.host, offer.worker, offer.labels, offer.engines()],
          ...[JSON.stringify(offer.seats), offer.taskSlots, version],
        ],
      );
      await db.query(`/* host.forget */ DELETE FROM host WHERE seen_at < clock_timestamp() - ${FORGET}`);
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'this host could not say that it is there');
    }
    await sleep(BEAT_MS, undefined, { signal }).catch(() => undefined);
  }
  await db
    .query('/* host.leave */ DELETE FROM host WHERE id = $1', [uuid])
    .catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'this host could not say that it goes'));
}
