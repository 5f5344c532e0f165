/**
 * Wakes whoever takes work of a lane. What waits stands in rows of the lane's own, and whoever takes it writes into them,
 * so a nudge says "look again" and nothing else: one that is lost costs the 2 s of a tick, and no work.
 */
import type { EntityManager } from 'typeorm';
import { hint } from './hub.js';

export interface Queue {
  /** Within the caller's transaction: takers look once it has committed, and never if it does not. */
  nudge(manager: EntityManager, lane: string): Promise<void>;
}

/** Topic of the hub that is hinted, with the lane's name as key. */
export const QUEUE_TOPIC = 'queue';

export const createQueue = (): Queue => ({ nudge: (manager, lane) => hint(manager, QUEUE_TOPIC, lane) });
