/**
 * What the end of a job means for others, in the transaction that ends it: between the two there is no moment at which
 * a process could die.
 */
import type { EntityManager } from 'typeorm';
import type { Job } from '../job.js';
import { advanceSweepOf } from '../sweep/advance.js';
import { settleDependents } from './dependents.js';
import type { Hands } from './hold.js';

/** @param job as it has just become; the caller holds it and its project */
export async function afterJobEnded(manager: EntityManager, job: Job, hands: Hands): Promise<void> {
  await settleDependents(manager, job, hands);
  await advanceSweepOf(manager, job.uuid, hands);
}
